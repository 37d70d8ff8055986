//! Lists of other kinds than delimited text.

use crate::studio::{Studio, rejects};
use carillon_app::table::Kind;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PEOPLE: [(&str, &str, &str, f64, &str, &str); 4] = [
    (
        "ada@example.com",
        "Ada",
        "London",
        1_000_000.0,
        "1815-12-10",
        "vip|fair",
    ),
    ("bo@example.com", "Bo", "Malmö", 2.5, "1990-02-28", ""),
    ("", "Nobody", "", 1.0, "", ""),
    ("cy@example.com", "Cy", "Köln", 7.0, "", "fair"),
];

fn csv() -> String {
    let rows = PEOPLE.map(|(email, name, city, points, born, tags)| {
        format!("{email},{name},{city},{points},{born},{tags}\n")
    });
    format!("email,first_name,city,points,born,tags\n{}", rows.concat())
}

/// The people in the second sheet of a workbook: numbers and dates are such, and rows are left out between them.
fn workbook(path: &Path) {
    let mut book = Workbook::new();
    let cover = book.add_worksheet();
    cover.set_name("Cover").unwrap();
    cover.write_string(0, 0, "About this file").unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Leute").unwrap();
    for (column, name) in (0..).zip(["email", "first_name", "city", "points", "born", "tags"]) {
        sheet.write_string(0, column, name).unwrap();
    }
    let date = Format::new().set_num_format("dd.mm.yyyy");
    for (row, (email, name, city, points, born, tags)) in (2..).step_by(2).zip(PEOPLE) {
        sheet.write_string(row, 0, email).unwrap();
        sheet.write_string(row, 1, name).unwrap();
        sheet.write_string(row, 2, city).unwrap();
        sheet.write_number(row, 3, points).unwrap();
        if let Ok(born) = ExcelDateTime::parse_from_str(born) {
            // Before 1900 there is no date in a spreadsheet: people write it as text.
            sheet.write_datetime_with_format(row, 4, born, &date).unwrap();
        } else {
            sheet.write_string(row, 4, born).unwrap();
        }
        sheet.write_string(row, 5, tags).unwrap();
    }
    book.save(path).unwrap();
}

/// The people as Parquet: numbers, dates and lists are such.
fn parquet(path: &Path) {
    use parquet::column::writer::ColumnWriter;
    use parquet::data_type::ByteArray;
    let schema = "message people { required binary email (UTF8); required binary first_name (UTF8);
        required binary city (UTF8); required double points; optional int32 born (DATE);
        required group tags (LIST) { repeated group list { required binary element (UTF8); } } }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
    let mut part = writer.next_row_group().unwrap();
    let texts = |all: &[&str]| all.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
    for place in 0..6 {
        let mut column = part.next_column().unwrap().unwrap();
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(to) if place < 3 => {
                let cells = PEOPLE.map(|person| [person.0, person.1, person.2][place]);
                to.write_batch(&texts(&cells), None, None).unwrap();
            }
            ColumnWriter::DoubleColumnWriter(to) => {
                to.write_batch(&PEOPLE.map(|person| person.3), None, None)
                    .unwrap();
            }
            ColumnWriter::Int32ColumnWriter(to) => {
                let born = PEOPLE.map(|person| person.4.parse::<chrono::NaiveDate>().ok());
                let levels = born.map(|born| i16::from(born.is_some()));
                let days: Vec<i32> = born
                    .iter()
                    .flatten()
                    .map(chrono::NaiveDate::to_epoch_days)
                    .collect();
                to.write_batch(&days, Some(&levels), None).unwrap();
            }
            ColumnWriter::ByteArrayColumnWriter(to) => {
                let (mut tags, mut there, mut again) = (Vec::new(), Vec::new(), Vec::new());
                for person in PEOPLE {
                    let own: Vec<&str> = person.5.split('|').filter(|tag| !tag.is_empty()).collect();
                    there.extend(vec![i16::from(!own.is_empty()); own.len().max(1)]);
                    again.extend((0..own.len().max(1)).map(|n| i16::from(n > 0)));
                    tags.extend(own);
                }
                to.write_batch(&texts(&tags), Some(&there), Some(&again)).unwrap();
            }
            _ => panic!("column {place}"),
        }
        column.close().unwrap();
    }
    part.close().unwrap();
    writer.close().unwrap();
}

/// The people in a table of a database of another program.
fn database(path: &Path) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(
        "CREATE TABLE a_log (at TEXT); CREATE TABLE people (email, first_name, city, points REAL, born, tags);",
    )
    .unwrap();
    for (email, name, city, points, born, tags) in PEOPLE {
        let born = Some(born).filter(|born| !born.is_empty());
        conn.execute(
            "INSERT INTO people VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            rusqlite::params![email, name, city, points, born, tags],
        )
        .unwrap();
    }
}

fn objects() -> Vec<Value> {
    let object = |(email, name, city, points, born, tags): (&str, &str, &str, f64, &str, &str)| {
        let tags: Vec<&str> = tags.split('|').filter(|tag| !tag.is_empty()).collect();
        json!({ "email": email, "first_name": name, "city": city, "points": points, "born": born, "tags": tags })
    };
    PEOPLE.map(object).to_vec()
}

/// Imports a file and gives its counts and everybody as they are then.
async fn outcome(studio: &Studio, path: &Path, sheet: Option<&str>) -> (Value, String) {
    let open = json!({ "file": { "path": path }, "sheet": sheet });
    let preview = studio.mutate("contacts.import_open", open).await;
    assert_eq!(preview["rows_about"].as_u64().unwrap() / 5, 0, "{preview}");
    let mut plan = studio.plan(path).await;
    plan["sheet"] = preview["sheet"].clone();
    let columns = preview["columns"].as_array().unwrap().iter();
    plan["columns"] = columns.map(|column| column["plan"].clone()).collect();
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    let rejected = rejects(&done);
    assert_eq!(
        (rejected.len(), rejected[0][1].as_str()),
        (1, "no e-mail address")
    );
    let to = studio.dir.join("out.csv");
    let args = json!({
        "list": { "of": "contacts", "who": { "where": null, "search": null, "except": [] }, "columns": ["email", "first_name", "city", "points", "born"] }, "to": { "path": to },
    });
    studio.job("exports.start", args).await;
    let text = std::fs::read_to_string(to).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    (done["counts"].clone(), lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_people_come_from_every_kind_of_file() {
    let mut seen = Vec::new();
    for kind in ["text", "sheet", "json", "lines", "parquet", "database"] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        // The name says nothing.
        let path = dir.path().join("people.dat");
        let mut sheet = None;
        match kind {
            "text" => std::fs::write(&path, csv()).unwrap(),
            "sheet" => {
                workbook(&path);
                sheet = Some("Leute");
            }
            "parquet" => parquet(&path),
            "database" => database(&path),
            "json" => std::fs::write(&path, serde_json::to_string_pretty(&objects()).unwrap()).unwrap(),
            _ => {
                let lines: Vec<String> = objects().iter().map(Value::to_string).collect();
                std::fs::write(&path, lines.join("\n")).unwrap();
            }
        }
        seen.push((kind, outcome(&studio, &path, sheet).await));
    }
    let (_, first) = &seen[0];
    assert_eq!((&first.0["new"], &first.0["invalid"]), (&json!(3), &json!(1)));
    assert!(
        first.1.contains("1000000") && first.1.contains("1815-12-10"),
        "{}",
        first.1
    );
    for (kind, other) in &seen {
        assert_eq!(other, first, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_shows_its_sheets_and_asks_for_no_delimiter() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = dir.path().join("people.xlsx");
    workbook(&path);
    let open = |sheet: Value| json!({ "file": { "path": path }, "sheet": sheet });
    let preview = studio.mutate("contacts.import_open", open(Value::Null)).await;
    assert_eq!(
        (&preview["kind"], &preview["sheets"], &preview["sheet"]),
        (&json!("sheet"), &json!(["Cover", "Leute"]), &json!("Cover"))
    );
    assert_eq!(
        (&preview["delimiter"], &preview["encoding"]),
        (&Value::Null, &Value::Null)
    );
    let missing = studio
        .ask(Kind::Mutate, "contacts.import_open", open(json!("Nobody")))
        .await
        .unwrap_err();
    assert!(missing.message.contains("Cover, Leute"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_without_an_address_are_counted_and_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write(
        "people.vcf",
        "BEGIN:VCARD\nVERSION:3.0\nN:Lovelace;Ada;;;\nFN:Ada Lovelace\nEMAIL:ada@example.com\nCATEGORIES:vip,fair\nEND:VCARD\n\
         BEGIN:VCARD\nVERSION:3.0\nN:Ek;Bo;;;\nFN:Bo Ek\nTEL:+46 8 1\nEND:VCARD\n",
    );
    let preview = studio
        .mutate("contacts.import_open", json!({ "file": { "path": path } }))
        .await;
    assert_eq!(
        (&preview["kind"], &preview["rows_about"]),
        (&json!("cards"), &json!(2))
    );
    assert_eq!(preview["may_lack_heading"], false);
    let warned = preview["warnings"].to_string();
    assert!(
        warned.contains("1 of the first 2 people have no e-mail address"),
        "{warned}"
    );
    let plan = studio.plan(&path).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["invalid"]),
        (&json!(1), &json!(1))
    );
    let ada = studio.contact("ada@example.com").await;
    assert_eq!(ada["contact"]["tags"], json!(["fair", "vip"]));
    assert_eq!(studio.value("ada@example.com", "last_name").await, "Lovelace");
    assert_eq!(rejects(&done)[0][..2], ["8", "no e-mail address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_that_was_stopped_goes_on_where_it_stood_and_is_taken_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = dir.path().join("long.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "email").unwrap();
    for row in 1..=4_000 {
        sheet.write_string(row, 0, format!("p{row}@example.com")).unwrap();
    }
    book.save(&path).unwrap();
    let plan = studio.plan(&path).await;
    let stopped = studio.try_job("contacts.import_run", plan, true).await;
    assert!(stopped.is_err(), "it was stopped before its end");
    let row = studio.query("imports.get", json!({ "id": 1 })).await;
    assert!(row["counts"]["rows"].as_u64().unwrap() < 4_000);
    let again = json!({ "id": 1, "file": { "path": path } });
    let done = studio.job("contacts.import_resume", again).await;
    assert_eq!(done["counts"]["new"], 4_000);
    let undone = studio.job("imports.undo", json!({ "id": 1 })).await;
    assert_eq!(undone["removed"], 4_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_off_a_list_of_json_keeps_what_was_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("a.json", "[{\"email\":\"ada@example.com\"},{\"email\":\"bo@exam");
    let plan = studio.plan(&path).await;
    let tried = studio
        .try_job("contacts.import_dry_run", plan.clone(), false)
        .await;
    assert!(tried.unwrap_err().message.contains("ends before the bracket"));
    let done = studio
        .try_job("contacts.import_run", plan, false)
        .await
        .unwrap_err();
    assert!(done.message.contains("Rows before it are imported"), "{done}");
    assert!(!studio.missing("ada@example.com").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_as_a_workbook_comes_back_as_it_was_and_no_cell_is_a_formula() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .import(
            "a.csv",
            "email,first_name,points\nada@example.com,\"'=1+1\",12.5\nbo@example.com,'@SUM(A1),-3\n",
        )
        .await;
    assert_eq!(studio.value("ada@example.com", "first_name").await, "=1+1");
    let to: PathBuf = dir.path().join("everybody.xlsx");
    let args = json!({ "list": { "of": "contacts", "who": { "where": null, "search": null, "except": [] }, "columns": [] }, "to": { "path": to } });
    studio.job("exports.start", args).await;
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&to).unwrap()).unwrap();
    let mut sheet = String::new();
    std::io::Read::read_to_string(&mut zip.by_name("xl/worksheets/sheet1.xml").unwrap(), &mut sheet).unwrap();
    assert!(sheet.contains("=1+1") && !sheet.contains("<f>"), "{sheet}");
    assert_eq!(
        std::fs::read_dir(dir.path())
            .unwrap()
            .flatten()
            .filter(|f| f.path().to_string_lossy().contains("xlsx"))
            .count(),
        1,
        "nothing is left beside it"
    );

    let before = studio.everybody().await;
    let other = tempfile::tempdir().unwrap();
    let again = Studio::new(other.path()).await;
    let plan = again.plan(&to).await;
    again.job("contacts.import_run", plan).await;
    let people = |text: &str| {
        text.lines()
            .map(|l| l.split(',').take(2).collect::<Vec<_>>().join(","))
            .collect::<Vec<_>>()
    };
    assert_eq!(people(&again.everybody().await), people(&before));
    assert_eq!(again.value("ada@example.com", "points").await, 12.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_stopped_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let rows: String = (0..6_000).map(|n| format!("p{n}@example.com\n")).collect();
    studio.import("a.csv", format!("email\n{rows}")).await;
    let to = dir.path().join("everybody.xlsx");
    let args = json!({ "list": { "of": "contacts", "who": { "where": null, "search": null, "except": [] }, "columns": [] }, "to": { "path": to } });
    let started = studio.mutate("exports.start", args).await;
    let id = json!({ "id": started["job"] });
    studio.mutate("jobs.cancel", id.clone()).await;
    let ended = loop {
        let job = studio.query("jobs.get", id.clone()).await;
        if job["state"] != "running" {
            break job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    assert_eq!(ended["state"], "cancelled", "{ended}");
    assert!(!to.exists());
}
