use super::fixtures::{Place, add, again, day, field, fresh, ids, write};
use crate::cleansing::{self, Mend};
use crate::contacts::history::{self, MOST_KEPT, Past};
use crate::contacts::{self, Columns, Fill, set_field, update};
use crate::duplicates::{merge, unmerge};
use crate::imports::{self, ImportKind};
use crate::{Store, companies, fields};
use carillon_model::contact::{FieldType, Value};
use carillon_model::{CleansingId, ContactId, ImportId, MergeId, Moment};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

async fn people(store: &Store, emails: &'static [&'static str], source: &'static str) -> Vec<ContactId> {
    ids(&write(store, move |tx| add(tx, emails, source)).await.unwrap())
}

async fn say(store: &Store, id: ContactId, key: &'static str, value: Option<&'static str>, by: &'static str) {
    write(store, move |tx| {
        set_field(tx, id, key, value.map(text).as_ref(), by).map(drop)
    })
    .await
    .unwrap();
}

async fn on(store: &Store, n: i64) {
    store.advance_clock(day(n)).await.unwrap();
}

async fn all(store: &Store, id: ContactId) -> Vec<Past> {
    store.read(move |db| history::of(db, id)).await.unwrap().unwrap()
}

fn days(at: Moment) -> i64 {
    (at - day(0)).num_days()
}

/// A field's values as `value < who wrote it @ day > who replaced it @ day`, the current first.
async fn of(store: &Store, id: ContactId, key: &str) -> Vec<String> {
    let shown = |past: &Past| {
        let value = match &past.value {
            None => "-".to_owned(),
            Some(Value::Text(text)) => text.clone(),
            Some(other) => format!("{other:?}"),
        };
        let merged = past
            .merged
            .map_or(String::new(), |merge| format!(" by merge:{merge}"));
        let of = match past.contact == id {
            true => String::new(),
            false => format!(" of {}", past.contact),
        };
        let until = past.until.as_ref().map_or(String::new(), |until| {
            format!(" > {}@{}", until.source, days(until.at))
        });
        format!(
            "{value} < {}@{}{merged}{until}{of}",
            past.from.source,
            days(past.from.at)
        )
    };
    let all = all(store, id).await;
    all.iter().filter(|past| past.key == key).map(shown).collect()
}

/// An import that changes the city of somebody who is there.
async fn import(store: &Store, id: ContactId, city: &'static str) -> ImportId {
    write(store, move |tx| {
        let import = imports::begin(tx, ImportKind::Contacts, "list.csv", "{}")?;
        let columns = Columns::resolve(tx, &["city"])?;
        let source = imports::source(import);
        let changed = update(tx, id, &columns, &[Some(text(city))], &[Fill::Overwrite], &source)?;
        imports::keep_was(tx, import, id, &changed)?;
        imports::end(tx, import, false)?;
        Ok(import)
    })
    .await
    .unwrap()
}

async fn take_back(store: &Store, import: ImportId) {
    while !write(store, move |tx| imports::undo(tx, import, 10))
        .await
        .unwrap()
        .finished
    {}
}

async fn cleanse(
    store: &Store,
    id: ContactId,
    key: &'static str,
    was: &'static str,
    now: &'static str,
) -> CleansingId {
    write(store, move |tx| {
        let cleansing = cleansing::begin(tx)?;
        let mend = Mend {
            key: key.to_owned(),
            was: Some(text(was)),
            now: text(now),
        };
        assert_eq!(cleansing::mend(tx, cleansing, id, &[mend])?.written, 1);
        cleansing::end(tx, cleansing)?;
        Ok(cleansing)
    })
    .await
    .unwrap()
}

async fn rows(store: &Store) -> i64 {
    const COUNT: &str = "SELECT count(*) FROM contact_history";
    let count = store.read(|db| db.value::<i64>(COUNT, ())).await.unwrap();
    count.unwrap()
}

#[tokio::test]
async fn a_value_knows_who_wrote_it_when_and_what_it_was_before() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"], "import:7").await[0];
    assert_eq!(of(&store, one, "first_name").await, ["Ada < import:7@0"]);
    assert!(
        of(&store, one, "city").await.is_empty(),
        "nothing was ever said of it"
    );
    on(&store, 1).await;
    say(&store, one, "city", Some("Bonn"), "user").await;
    on(&store, 2).await;
    say(&store, one, "city", Some("Kiel"), "journey:3").await;
    say(&store, one, "city", Some("Kiel"), "form:news").await;
    on(&store, 3).await;
    say(&store, one, "city", None, "user").await;
    let known = [
        "- < user@3",
        "Kiel < journey:3@2 > user@3",
        "Bonn < user@1 > journey:3@2",
        "- < import:7@0 > user@1",
    ];
    assert_eq!(of(&store, one, "city").await, known);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(of(&store, one, "city").await, known);
    let gone = store.read(|db| history::of(db, ContactId(99))).await.unwrap();
    assert!(gone.is_none());
}

#[tokio::test]
async fn what_a_contact_gets_in_the_write_that_adds_it_came_with_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = write(&store, |tx| {
        let id = ids(&add(tx, &["a@x.example"], "form:news")?)[0];
        set_field(tx, id, "city", Some(&text("Bonn")), "form:news")?;
        let acme = companies::add(tx, "Acme", None, "form:news")?;
        companies::connect(tx, id, Some(acme), "form:news")?;
        Ok(id)
    })
    .await
    .unwrap();
    assert_eq!(of(&store, one, "city").await, ["Bonn < form:news@0"]);
    assert_eq!(of(&store, one, "company.name").await, ["Acme < form:news@0"]);
    assert_eq!(rows(&store).await, 0);
}

#[tokio::test]
async fn an_import_writes_no_row_of_its_own_and_its_undoing_leaves_what_is_true() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"], "user").await[0];
    say(&store, one, "city", Some("Bonn"), "user").await;
    let before = rows(&store).await;
    on(&store, 1).await;
    let import = import(&store, one, "Kiel").await;
    assert_eq!(
        rows(&store).await,
        before,
        "the import keeps what it needs for its undoing"
    );
    assert_eq!(
        of(&store, one, "city").await[..2],
        ["Kiel < import:1@1", "Bonn < user@0 > import:1@1"]
    );
    on(&store, 2).await;
    take_back(&store, import).await;
    assert_eq!(
        of(&store, one, "city").await[..2],
        ["Bonn < user@0", "Kiel < import:1@1 > undo:import:1@2"],
        "it is from whom it was, and Kiel stood there for a day"
    );
}

#[tokio::test]
async fn what_was_before_an_import_outlives_its_undoing_where_somebody_wrote_since() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"], "user").await[0];
    say(&store, one, "city", Some("Bonn"), "user").await;
    on(&store, 1).await;
    let first = import(&store, one, "Kiel").await;
    on(&store, 2).await;
    say(&store, one, "city", Some("Ulm"), "user").await;
    let known = [
        "Ulm < user@2",
        "Kiel < import:1@1 > user@2",
        "Bonn < user@0 > import:1@1",
    ];
    assert_eq!(of(&store, one, "city").await[..3], known);
    on(&store, 5).await;
    take_back(&store, first).await;
    assert_eq!(of(&store, one, "city").await[..3], known);

    // Two imports: the later one has what was before the first, and gives it back.
    let second = import(&store, one, "Rom").await;
    on(&store, 6).await;
    let third = import(&store, one, "Oslo").await;
    on(&store, 7).await;
    take_back(&store, second).await;
    assert_eq!(
        of(&store, one, "city").await[..2],
        ["Oslo < import:3@6", "Ulm < user@2 > import:3@6"]
    );
    take_back(&store, third).await;
    assert_eq!(
        of(&store, one, "city").await[..2],
        ["Ulm < user@2", "Oslo < import:3@6 > undo:import:3@7"]
    );
}

#[tokio::test]
async fn a_cleansing_is_told_once_and_taken_back_truly() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"], "import:7").await[0];
    on(&store, 1).await;
    let first = cleanse(&store, one, "first_name", "Ada", "ADA").await;
    assert_eq!(rows(&store).await, 0);
    let known = ["ADA < cleansing:1@1", "Ada < import:7@0 > cleansing:1@1"];
    assert_eq!(of(&store, one, "first_name").await, known);
    on(&store, 2).await;
    say(&store, one, "first_name", Some("Adah"), "user").await;
    on(&store, 3).await;
    write(&store, move |tx| cleansing::undo(tx, first, 10))
        .await
        .unwrap();
    assert_eq!(
        of(&store, one, "first_name").await,
        [
            "Adah < user@2",
            "ADA < cleansing:1@1 > user@2",
            "Ada < import:7@0 > cleansing:1@1"
        ]
    );
    let second = cleanse(&store, one, "first_name", "Adah", "Ada").await;
    on(&store, 4).await;
    write(&store, move |tx| cleansing::undo(tx, second, 10))
        .await
        .unwrap();
    assert_eq!(
        of(&store, one, "first_name").await[..2],
        ["Adah < user@2", "Ada < cleansing:2@3 > undo:cleansing:2@4"]
    );
}

async fn two(store: &Store) -> [ContactId; 2] {
    let one = people(store, &["ada@x.example"], "import:1").await[0];
    on(store, 1).await;
    let other = people(store, &["ada@y.example"], "import:2").await[0];
    say(store, one, "city", Some("Bonn"), "user").await;
    on(store, 2).await;
    say(store, other, "city", Some("Kiel"), "user").await;
    say(store, other, "phone", Some("+4912345678"), "form:news").await;
    on(store, 3).await;
    say(store, other, "city", Some("Ulm"), "user").await;
    on(store, 4).await;
    [one, other]
}

async fn join(store: &Store, [one, other]: [ContactId; 2]) -> MergeId {
    write(store, move |tx| {
        merge(tx, one, other, &["city".to_owned()], "user")
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_merged_value_is_told_as_whose_it_was_and_what_was_let_go() {
    let place = Place::new();
    let store = fresh(&place).await;
    let both = two(&store).await;
    join(&store, both).await;
    let one = both[0];
    assert_eq!(
        of(&store, one, "city").await,
        [
            "Ulm < user@3 by merge:1",
            "Bonn < user@1 > merge:1@4",
            "Kiel < user@2 > user@3 of 2",
            "- < import:2@1 > user@2 of 2",
            "- < import:1@0 > user@1",
        ]
    );
    assert_eq!(
        of(&store, one, "phone").await,
        [
            "+4912345678 < form:news@2 > merge:1@4 of 2",
            "- < import:2@1 > form:news@2 of 2"
        ]
    );
    assert_eq!(
        of(&store, one, "email").await,
        [
            "ada@x.example < import:1@0",
            "ada@y.example < import:2@1 > merge:1@4 of 2"
        ]
    );
}

#[tokio::test]
async fn a_merge_that_is_taken_back_leaves_each_their_own_history() {
    let place = Place::new();
    let store = fresh(&place).await;
    let both = two(&store).await;
    let [one, other] = both;
    let before = (all(&store, one).await, all(&store, other).await);
    let first = join(&store, both).await;
    write(&store, move |tx| unmerge(tx, first)).await.unwrap();
    assert_eq!((all(&store, one).await, all(&store, other).await), before);

    let second = join(&store, both).await;
    on(&store, 5).await;
    say(&store, one, "city", Some("Rom"), "user").await;
    write(&store, move |tx| unmerge(tx, second)).await.unwrap();
    assert_eq!(
        of(&store, one, "city").await[..2],
        ["Rom < user@5", "Bonn < user@1 > user@5"],
        "Ulm was the other's"
    );
    assert_eq!(all(&store, other).await, before.1);
}

#[tokio::test]
async fn a_company_is_told_by_its_name_also_when_it_is_gone() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"], "user").await[0];
    on(&store, 1).await;
    let acme = write(&store, move |tx| {
        let acme = companies::add(tx, "Acme", None, "user")?;
        companies::connect(tx, one, Some(acme), "user")?;
        Ok(acme)
    })
    .await
    .unwrap();
    on(&store, 2).await;
    write(&store, move |tx| companies::remove(tx, acme))
        .await
        .unwrap();
    assert_eq!(
        of(&store, one, "company.name").await,
        ["Acme < user@1 > user@2", "- < user@0 > user@1"]
    );
}

#[tokio::test]
async fn of_a_field_that_changes_for_ever_the_newest_are_kept_and_a_retired_field_is_still_told() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"], "user").await[0];
    on(&store, 1).await;
    write(&store, move |tx| {
        fields::add(tx, &field("visits", FieldType::Number, &[]))?;
        for n in 0..=MOST_KEPT + 20 {
            set_field(tx, one, "visits", Some(&Value::Number(n as f64)), "shop")?;
        }
        Ok(())
    })
    .await
    .unwrap();
    write(&store, |tx| fields::retire(tx, "visits")).await.unwrap();
    let told = all(&store, one).await;
    let visits: Vec<&Past> = told.iter().filter(|past| past.key == "visits").collect();
    assert_eq!(visits.len() as i64, MOST_KEPT + 1);
    assert_eq!(visits[0].value, Some(Value::Number((MOST_KEPT + 20) as f64)));
    assert!(visits.iter().all(|past| past.retired && past.label == "visits"));
}

#[tokio::test]
async fn erasing_a_contact_erases_what_its_values_were_also_in_imports_and_of_whoever_was_merged_into_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let both = people(&store, &["a@x.example", "b@x.example"], "user").await;
    let (one, other) = (both[0], both[1]);
    on(&store, 1).await;
    say(&store, one, "city", Some("Secretville"), "user").await;
    import(&store, one, "Hiddenburg").await;
    say(&store, one, "city", Some("Veiledhafen"), "user").await;
    say(&store, other, "city", Some("Maskedstadt"), "user").await;
    import(&store, other, "Cloakdorf").await;
    say(&store, other, "city", None, "user").await;
    write(&store, move |tx| merge(tx, one, other, &[], "user"))
        .await
        .unwrap();
    assert_eq!(of(&store, one, "city").await.len(), 7, "all of both");
    write(&store, move |tx| contacts::delete(tx, one, None, "user"))
        .await
        .unwrap();
    store.close().await;
    for entry in std::fs::read_dir(place.dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for word in [
            "Secretville",
            "Hiddenburg",
            "Veiledhafen",
            "Maskedstadt",
            "Cloakdorf",
        ] {
            let there = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            assert!(!there, "{word} is still in the file");
        }
    }
}
