//! Hosted forms: what a person sends is kept with the words that were read; machines are kept out.

use crate::ground::{Answer, Ground, settings};
use carillon_model::relay::{ConsentText, FieldKind, FormDefinition, FormEntry, FormField, What};
use carillon_relay::Limits;

pub fn newsletter() -> FormDefinition {
    let field = |key: &str, kind, required| FormField {
        key: key.to_owned(),
        label: format!("Your {key}"),
        kind,
        required,
        options: vec!["red".to_owned(), "blue".to_owned()],
        value: "spring fair".to_owned(),
    };
    FormDefinition {
        key: "newsletter".to_owned(),
        version: 4,
        title: "Our <letter>".to_owned(),
        intro: String::new(),
        button: "Sign up".to_owned(),
        thanks: "Thank you & welcome".to_owned(),
        redirect: None,
        fields: vec![
            field("email", FieldKind::Email, true),
            field("colour", FieldKind::Select, false),
            field("campaign", FieldKind::Hidden, false),
        ],
        consents: vec![ConsentText {
            key: "marketing".to_owned(),
            version: 2,
            text: "Yes, write to me.".to_owned(),
            wording_hash: "ab".repeat(32),
            required: true,
        }],
        double_opt_in: true,
        min_secs: 3,
        work_bits: 8,
        without_script: true,
        language: None,
    }
}

pub async fn push(ground: &Ground, change: impl FnOnce(&mut FormDefinition)) {
    let mut form = newsletter();
    change(&mut form);
    let mut settings = settings();
    settings.forms = vec![form];
    settings.sites = vec!["https://shop.example".to_owned()];
    ground.studio.set_settings(&settings).await.unwrap();
}

pub fn place(ground: &Ground) -> String {
    format!("/f/{}/newsletter", ground.tenant)
}

pub async fn stamp(ground: &Ground) -> String {
    let text = ground.get(&place(ground)).await.text();
    let start = text.split("data-stamp=\"").nth(1).unwrap();
    start.split('"').next().unwrap().to_owned()
}

/// The proof the browser would find.
pub fn work(stamp: &str, bits: u32) -> String {
    (0u64..)
        .map(|n| n.to_string())
        .find(|n| {
            let digest =
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{stamp}:{n}").as_bytes());
            u32::from_be_bytes(digest.as_ref()[..4].try_into().unwrap()).leading_zeros() >= bits
        })
        .unwrap()
}

pub const ANN: &str = "f.email=ann%40shop.example&f.colour=red&f.other=x&c.marketing=yes&f.campaign=forged";

async fn send(ground: &Ground, stamp: &str, work: &str, rest: &str) -> Answer {
    let body = format!("_stamp={stamp}&_work={work}&{rest}");
    ground.post(&place(ground), &body).await
}

async fn entries(ground: &Ground) -> Vec<FormEntry> {
    let whats = ground.whats().await.into_iter();
    whats
        .map(|what| match what {
            What::Form(entry) => entry,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_keeps_its_fields_and_the_consent_that_was_read_and_pressing_twice_sends_once() {
    let ground = Ground::new().await;
    push(&ground, |_| {}).await;
    let page = ground.get(&place(&ground)).await;
    assert!(page.text().contains("Our &lt;letter&gt;") && page.text().contains("Yes, write to me."));
    assert!(
        !page.text().contains("name=\"c.marketing\" value=\"yes\" checked"),
        "never ticked beforehand"
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let stamp = stamp(&ground).await;
    ground.pass(4);
    for _ in 0..2 {
        let answer = send(&ground, &stamp, &work(&stamp, 8), ANN).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("Thank you &amp; welcome"));
    }
    let entries = entries(&ground).await;
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (entry.form.as_str(), entry.version, entry.seconds, entry.worked),
        ("newsletter", 4, 4, true)
    );
    assert!(
        entry.double_opt_in,
        "the studio is told that it is to be confirmed"
    );
    let values: Vec<(&str, &str)> = entry
        .values
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        values,
        [
            ("campaign", "spring fair"),
            ("colour", "red"),
            ("email", "ann@shop.example")
        ],
        "hidden values are the studio's, unknown fields nobody's"
    );
    assert_eq!(
        (entry.consents[0].version, entry.consents[0].wording_hash.len()),
        (2, 64)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_are_too_fast_too_late_without_work_or_fill_the_hidden_field_are_kept_out() {
    let ground = Ground::new().await;
    push(&ground, |_| {}).await;
    let first = stamp(&ground).await;
    let proof = work(&first, 8);
    assert_eq!(send(&ground, &first, &proof, ANN).await.status, 422, "at once");
    ground.pass(4);
    assert_eq!(
        send(&ground, &first, "nonsense", ANN).await.status,
        422,
        "a proof that is none"
    );
    assert_eq!(
        send(&ground, &first, "", ANN).await.status,
        422,
        "without work it takes five seconds"
    );
    let other = if first.ends_with('A') { 'B' } else { 'A' };
    let forged = format!("{}{other}", &first[..first.len() - 1]);
    assert_eq!(
        send(&ground, &forged, &work(&forged, 8), ANN).await.status,
        422,
        "a stamp that was made up"
    );
    let trapped = format!("{ANN}&_more=buy");
    assert_eq!(
        send(&ground, &first, &proof, &trapped).await.status,
        200,
        "it is thanked"
    );
    ground.pass(86_400);
    assert_eq!(
        send(&ground, &first, &proof, ANN).await.status,
        422,
        "open for more than a day"
    );
    assert_eq!(entries(&ground).await.len(), 0);
    let second = stamp(&ground).await;
    ground.pass(6);
    assert_eq!(
        send(&ground, &second, "", ANN).await.status,
        200,
        "scripts off, and patient"
    );
    assert!(!entries(&ground).await[0].worked);
    push(&ground, |form| form.without_script = false).await;
    let third = stamp(&ground).await;
    ground.pass(6);
    assert_eq!(
        send(&ground, &third, "", ANN).await.status,
        422,
        "unless the studio says otherwise"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_beside_the_field_and_what_was_written_stays() {
    let ground = Ground::new().await;
    push(&ground, |_| {}).await;
    let stamp = stamp(&ground).await;
    ground.pass(4);
    let wrong = "f.email=%22%3E%3Cscript%3E&f.colour=green";
    let answer = send(&ground, &stamp, &work(&stamp, 8), wrong).await;
    let text = answer.text();
    assert_eq!(answer.status, 422);
    assert!(
        text.contains("This is not an e-mail address.") && text.contains("Please choose one of the answers.")
    );
    assert!(text.contains("Please fill this in."), "the consent is required");
    assert!(text.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{text}");
    assert_eq!(entries(&ground).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_leads_on_only_where_the_studio_says_and_a_bad_definition_is_refused_with_a_sentence() {
    let ground = Ground::new().await;
    push(&ground, |form| {
        form.redirect = Some("https://shop.example/thanks".to_owned())
    })
    .await;
    let page = ground.get(&place(&ground)).await;
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("form-action 'self' https://shop.example")
    );
    let stamp = stamp(&ground).await;
    ground.pass(4);
    let rest = format!("{ANN}&redirect=https://evil.example");
    let answer = send(&ground, &stamp, &work(&stamp, 8), &rest).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("https://shop.example/thanks"))
    );
    for change in [
        (|f| f.redirect = Some("javascript:alert(1)".to_owned())) as fn(&mut FormDefinition),
        |f| f.key = "../x".to_owned(),
        |f| f.work_bits = 60,
        |f| f.fields[0].key = "colour".to_owned(),
    ] {
        let mut form = newsletter();
        change(&mut form);
        let mut settings = settings();
        settings.forms = vec![form];
        assert_eq!(
            ground.studio.set_settings(&settings).await.unwrap_err().code,
            "settings"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_sends_only_so_many_forms_a_minute() {
    let limits = Limits {
        attempts_per_minute: 3.0,
        ..Limits::for_practice()
    };
    let ground = Ground::with(limits).await;
    push(&ground, |_| {}).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let stamp = stamp(&ground).await;
        ground.pass(4);
        answers.push(send(&ground, &stamp, &work(&stamp, 8), ANN).await.status);
    }
    // Pairing was an attempt, too.
    assert_eq!(answers, [200, 200, 429, 429]);
}
