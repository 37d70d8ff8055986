use super::super::ahead::Read1;
use super::super::format::{Asked, Format, Looked as LookedAt};
use super::*;
use ::parquet::basic::Compression;
use ::parquet::column::writer::ColumnWriter;
use ::parquet::file::properties::{WriterProperties, WriterVersion};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use std::io::Write;

const SCHEMA: &str = "message people {
    optional binary email (UTF8);
    required int64 seen (TIMESTAMP(MILLIS,true));
    optional int32 born (DATE);
    optional group likes (LIST) { repeated group list { optional binary element (UTF8); } }
    optional group home { optional binary city (UTF8); optional int64 rent (DECIMAL(18,2)); }
    repeated group visits { required int32 shop; }
    required boolean vip;
    optional double points;
}";

/// Levels of definition and repetition.
type Levels<'a> = (&'a [i16], &'a [i16]);

/// Three people a part, written by the library's own hand.
fn written(parts: usize, properties: WriterProperties) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
    let texts = |words: &[&str]| words.iter().map(|w| ByteArray::from(*w)).collect::<Vec<_>>();
    for _ in 0..parts {
        let mut part = writer.next_row_group().expect("a part");
        let mut place = 0;
        while let Some(mut column) = part.next_column().expect("a column") {
            let levels: Levels<'_> = match place {
                0 => (&[1, 1, 0], &[]),
                2 | 8 => (&[1, 0, 1], &[]),
                // Two likes, an empty list with a gap in it, none.
                3 => (&[3, 3, 2, 0], &[0, 1, 0, 0]),
                4 => (&[2, 1, 0], &[]),
                5 => (&[2, 2, 0], &[]),
                6 => (&[1, 1, 1, 0, 1], &[0, 1, 1, 0, 0]),
                _ => (&[], &[]),
            };
            let (d, r) = (Some(levels.0), Some(levels.1).filter(|r| !r.is_empty()));
            let d = d.filter(|d| !d.is_empty());
            match (place, column.untyped()) {
                (0, ColumnWriter::ByteArrayColumnWriter(w)) => {
                    w.write_batch(&texts(&["a@example.com", "b@example.com"]), d, r)
                }
                (1, ColumnWriter::Int64ColumnWriter(w)) => w.write_batch(&[1, 1_700_000_000_123, -1], d, r),
                (2, ColumnWriter::Int32ColumnWriter(w)) => w.write_batch(&[0, 20_000], d, r),
                (3, ColumnWriter::ByteArrayColumnWriter(w)) => w.write_batch(&texts(&["tea", "a, b"]), d, r),
                (4, ColumnWriter::ByteArrayColumnWriter(w)) => w.write_batch(&texts(&["Köln"]), d, r),
                (5, ColumnWriter::Int64ColumnWriter(w)) => w.write_batch(&[-5, 123_456], d, r),
                (6, ColumnWriter::Int32ColumnWriter(w)) => w.write_batch(&[1, 2, 3, 4], d, r),
                (7, ColumnWriter::BoolColumnWriter(w)) => w.write_batch(&[true, false, true], d, r),
                (8, ColumnWriter::DoubleColumnWriter(w)) => w.write_batch(&[0.1, 1e21], d, r),
                (place, _) => panic!("column {place}"),
            }
            .expect("written");
            column.close().expect("closed");
            place += 1;
        }
        part.close().expect("closed");
    }
    writer.into_inner().expect("finished")
}

fn saved(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("written");
    file
}

fn rows(bytes: &[u8]) -> Result<Vec<Read1>> {
    Ok(open(saved(bytes).path())?.collect())
}

fn fields(bytes: &[u8]) -> Vec<Vec<String>> {
    let rows = rows(bytes).expect("opened");
    rows.into_iter().map(|row| row.expect("a row").fields).collect()
}

const PEOPLE: [[&str; 9]; 4] = [
    [
        "email",
        "seen",
        "born",
        "likes",
        "home.city",
        "home.rent",
        "visits.shop",
        "vip",
        "points",
    ],
    [
        "a@example.com",
        "1970-01-01T00:00:00.001Z",
        "1970-01-01",
        "tea|a, b",
        "Köln",
        "-0.05",
        "1|2|3",
        "true",
        "0.1",
    ],
    [
        "b@example.com",
        "2023-11-14T22:13:20.123Z",
        "",
        "",
        "",
        "1234.56",
        "",
        "false",
        "",
    ],
    [
        "",
        "1969-12-31T23:59:59.999Z",
        "2024-10-04",
        "",
        "",
        "",
        "4",
        "true",
        "1000000000000000000000",
    ],
];

#[test]
fn values_of_every_kind_nested_and_in_lists_come_as_they_are() {
    for (version, compression, dictionary) in [
        (WriterVersion::PARQUET_1_0, Compression::UNCOMPRESSED, true),
        (WriterVersion::PARQUET_1_0, Compression::SNAPPY, false),
        (WriterVersion::PARQUET_2_0, Compression::SNAPPY, true),
        (WriterVersion::PARQUET_2_0, Compression::UNCOMPRESSED, false),
    ] {
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_compression(compression)
            .set_dictionary_enabled(dictionary)
            .build();
        let bytes = written(3, properties);
        let all = fields(&bytes);
        assert_eq!(all.len(), 1 + 3 * 3);
        assert_eq!(all[0], PEOPLE[0]);
        for (i, row) in all[1..].iter().enumerate() {
            assert_eq!(
                *row,
                PEOPLE[1 + i % 3],
                "{version:?} {compression:?} {dictionary}"
            );
        }
        let looked = LookedAt::at(saved(&bytes).path(), &Asked::default()).expect("looked at");
        assert_eq!(
            (looked.format, looked.rows),
            (Format::Parquet { parquet: 9 }, Some(9))
        );
    }
}

#[test]
fn files_of_other_writers_bring_the_same_people() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports/parquet");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "parquet") {
            continue;
        }
        let text = match path.with_extension("txt").exists() {
            true => path.with_extension("txt"),
            false => path.with_file_name("people.txt"),
        };
        let wanted = std::fs::read_to_string(text).expect("what is in it");
        let all: Vec<Vec<String>> = open(&path)
            .expect("opened")
            .map(|row| {
                row.unwrap_or_else(|bad| panic!("{}: {bad:?}", path.display()))
                    .fields
            })
            .collect();
        let text = |row: &[String]| row.join(" ; ");
        assert_eq!(
            all.iter().map(|row| text(row)).collect::<Vec<_>>(),
            wanted.lines().collect::<Vec<_>>(),
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen >= 5, "{seen} files");
}

/// A number that looks like chance and is the same each time.
fn next(seed: &mut u64) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let bytes = written(
        2,
        WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build(),
    );
    for end in 0..bytes.len() {
        let found = rows(&bytes[..end]);
        assert!(found.is_err(), "{end} bytes of {}", bytes.len());
    }
}

#[test]
fn a_damaged_file_ends_in_an_error_or_in_rows_and_never_takes_the_program_along() {
    let properties = || {
        WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .build()
    };
    let bytes = written(2, properties());
    let (mut seed, mut refused) = (7, 0);
    for _ in 0..6_000 {
        let mut harmed = bytes.clone();
        for _ in 0..=next(&mut seed) % 3 {
            let at = next(&mut seed) % harmed.len();
            harmed[at] = match next(&mut seed) % 4 {
                0 => 0xFF,
                1 => 0,
                _ => next(&mut seed) as u8,
            };
        }
        match rows(&harmed) {
            Err(_) => refused += 1,
            Ok(rows) => {
                assert!(rows.len() < 100_000);
                refused += usize::from(rows.last().is_some_and(|row| row.is_err()));
            }
        }
    }
    assert!(refused > 1_000, "{refused} were refused");
}

/// One column of texts, the same `text` in each of so many rows.
fn alike(text: &str, rows: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message m { required binary t (UTF8); }").expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a writer");
    let mut part = writer.next_row_group().expect("a part");
    let mut column = part.next_column().expect("a column").expect("one");
    let value = ByteArray::from(text);
    if let ColumnWriter::ByteArrayColumnWriter(to) = column.untyped() {
        for _ in 0..rows / 1_000 {
            to.write_batch(&vec![value.clone(); 1_000], None, None)
                .expect("written");
        }
    }
    column.close().expect("closed");
    part.close().expect("closed");
    writer.into_inner().expect("finished")
}

#[test]
fn a_small_file_that_unfolds_to_gigabytes_has_an_end() {
    let bytes = alike(&"x".repeat(100_000), 10_000);
    assert!(bytes.len() < 400_000, "{}", bytes.len());
    let mut read = 0;
    let mut last = None;
    for row in open(saved(&bytes).path()).expect("opened") {
        read += 1;
        last = Some(row.map(|_| ()));
    }
    assert!(matches!(last, Some(Err(BadRecord::Damaged { .. }))), "{last:?}");
    assert!((2_000..3_000).contains(&read), "{read}");
    let long = rows(&alike(&"x".repeat(FIELD_MAX + 1), 1_000)).expect("opened");
    assert_eq!(long[1], Err(BadRecord::FieldTooLong { line: 1 }));
}

/// One column that is empty in each of so many rows.
fn nothing(rows: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message m { optional binary t (UTF8); }").expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a writer");
    let mut part = writer.next_row_group().expect("a part");
    let mut column = part.next_column().expect("a column").expect("one");
    if let ColumnWriter::ByteArrayColumnWriter(to) = column.untyped() {
        to.write_batch(&[], Some(&vec![0; rows]), None).expect("written");
    }
    column.close().expect("closed");
    part.close().expect("closed");
    writer.into_inner().expect("finished")
}

#[test]
fn a_few_bytes_that_say_nothing_a_million_times_are_no_list() {
    let bytes = nothing(2_000_000);
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let error = rows(&bytes).expect_err("refused");
    assert!(error.message.contains("2000000 rows"), "{error}");
    assert_eq!(rows(&nothing(5_000)).expect("opened").len(), 5_001);
}

#[test]
fn an_encrypted_file_and_one_that_only_begins_like_one_say_what_to_do() {
    let mut bytes = written(1, WriterProperties::default());
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(b"PARE");
    let error = rows(&bytes).expect_err("encrypted");
    assert!(error.message.contains("encrypt"), "{error}");
    let error = LookedAt::at(saved(b"PAR1 and nothing else").path(), &Asked::default()).expect_err("nothing");
    assert!(error.message.contains("Parquet"), "{error}");
}
