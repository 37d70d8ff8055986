//! Companies in a terminal.

use crate::terminal::Terminal;
use serde_json::json;

#[test]
fn companies_are_made_changed_connected_listed_and_removed() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon", "--clock", "virtual"]);
    at.write(
        "list.csv",
        "email,first_name\nada@acme.example,Ada\nbo@gmail.com,Bo\n",
    );
    at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    at.json(&["fields", "add", "company.industry", "--label", "Industry"]);
    at.json(&["fields", "add", "company.revenue", "--type", "money"]);
    let made = [
        "companies",
        "create",
        "Acme GmbH",
        "--domain",
        "www.acme.example",
        "--set",
        "industry=Retail",
    ];
    assert!(at.text(&made).contains("Made Acme GmbH."));
    assert!(
        at.text(&["companies", "connect"])
            .contains("Connected 1 contact.")
    );
    let text = at.text(&["companies", "connect", "acme gmbh", "--contact", "bo@gmail.com"]);
    assert!(text.contains("Connected 1 contact."), "{text}");
    at.json(&[
        "companies",
        "set",
        "acme.example",
        "revenue=1200 EUR",
        "company.industry=Mining",
    ]);
    let shown = at.text(&["companies", "show", "acme.example"]);
    for part in [
        "Acme GmbH",
        "Mining",
        "1200",
        "ada@acme.example",
        "bo@gmail.com",
        "2 contacts",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let list = at.json(&[
        "companies",
        "list",
        "--search",
        "ACME",
        "--sort",
        "contacts",
        "--desc",
    ]);
    assert_eq!(
        (&list["total"], &list["rows"][0]["contacts"]),
        (&json!(1), &json!(2))
    );
    let of = at.json(&["segments", "count", "--where", "company.industry is \"Mining\""]);
    assert_eq!(of["count"], json!(2), "{of}");
    let bad = at.refused(&["companies", "set", "acme.example", "name="]);
    assert!(bad.contains("needs a name"), "{bad}");
    let bad = at.refused(&["companies", "set", "acme.example", "colour=red"]);
    assert!(bad.contains("company.colour"), "{bad}");
    let text = at.text(&["companies", "disconnect", "--contact", "bo@gmail.com"]);
    assert!(text.contains("1 contact is without a company now."), "{text}");
    let text = at.text(&["companies", "remove", "acme.example"]);
    assert!(text.contains("One contact is without a company now."), "{text}");
    assert!(
        at.refused(&["companies", "show", "acme.example"])
            .contains("There is no company")
    );
    let removed = at.json(&["companies", "removed"]);
    assert_eq!(removed[0]["name"], "Acme GmbH");
    assert!(at.text(&["companies", "removed"]).contains("Acme GmbH"));
    let id = removed[0]["id"].to_string();
    let text = at.text(&["companies", "restore", &id]);
    assert!(text.contains("One contact has it again."), "{text}");
    assert!(at.text(&["companies", "show", "acme.example"]).contains("Mining"));
    let gone = at.refused(&["companies", "restore", &id]);
    assert!(gone.contains("No removed company"), "{gone}");
    at.json(&["companies", "create", "Nobody's"]);
    let list = at.json(&["companies", "list", "--without-contacts"]);
    assert_eq!(
        (&list["total"], &list["rows"][0]["name"]),
        (&json!(1), &json!("Nobody's"))
    );
}
