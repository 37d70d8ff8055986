//! What was asked for, resolved against the file and the fields: kept with the import, so that it goes on after
//! a kill exactly as it began.

use super::format::{Asked, Format, Looked};
use super::layout::DELIMITERS;
use super::mapping::free_key;
use super::source::{BadRecord, Record, Records};
use super::status::{Standing, StatusReading};
use super::values::{self, Reading};
use super::{ColumnPlan, ImportMode, ImportPlan, chunks, clean, mapping, status};
use crate::error::{Code, Result, fail};
use carillon_model::consent::Basis;
use carillon_model::contact::{COMPANY_PREFIX, Field, FieldType};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Records looked at to guess.
pub(crate) const SAMPLE: usize = 500;
/// Cells of the sample, in bytes, after which it ends.
const SAMPLE_BYTES: usize = 4 << 20;
/// Bytes at either end of a file that say whether it is the same one.
const ENDS: u64 = 64 << 10;
/// Longest text taken from a cell, in characters.
pub(crate) const TEXT_MAX: usize = 4_000;
/// Longest tag, in characters.
pub(crate) const TAG_MAX: usize = 100;

/// Says whether a file is the one an import was reading, without reading all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    length: u64,
    /// BLAKE3 of the first and of the last 64 KiB, hex.
    head: String,
    tail: String,
}

impl Identity {
    pub fn of(path: &Path) -> Result<Identity> {
        let unreadable = |e: std::io::Error| {
            fail(
                Code::Invalid,
                "imports.unreadable",
                &[("file", &path.display()), ("detail", &e)],
            )
        };
        let hash = |from: u64| -> std::io::Result<String> {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(ENDS).read_to_end(&mut bytes)?;
            Ok(blake3::hash(&bytes).to_hex().to_string())
        };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        Ok(Identity {
            length,
            head: hash(0).map_err(unreadable)?,
            tail: hash(length.saturating_sub(ENDS)).map_err(unreadable)?,
        })
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }
}

/// The beginning of a file.
pub(crate) struct Sample {
    pub heading: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// The whole file was read.
    pub whole: bool,
    /// Bytes of text in `rows` and their number, for an estimate.
    pub text: usize,
    /// A bad place was met.
    pub bad: Option<BadRecord>,
}

impl Sample {
    pub fn read(path: &Path, format: &Format, header: Option<bool>) -> Result<(Sample, bool)> {
        let mut records = Records::open(path, format)?;
        let mut sample = Sample {
            heading: Vec::new(),
            rows: Vec::new(),
            whole: false,
            text: 0,
            bad: None,
        };
        let mut cells = 0;
        while sample.rows.len() <= SAMPLE && cells < SAMPLE_BYTES {
            match records.next() {
                None => {
                    sample.whole = true;
                    break;
                }
                Some(Err(bad)) => {
                    sample.bad = Some(bad);
                    break;
                }
                Some(Ok(record)) => {
                    cells += record.fields.iter().map(|f| f.len() + 1).sum::<usize>();
                    sample.rows.push(record.fields);
                }
            }
        }
        let Some(first) = sample.rows.first() else {
            return Err(match sample.bad {
                Some(bad) => broken(&bad, "imports.kept_nothing"),
                None => fail(Code::Invalid, "imports.empty", &[("file", &path.display())]),
            });
        };
        let header = header.filter(|_| format.may_lack_heading());
        let header = header.unwrap_or_else(|| !format.may_lack_heading() || mapping::is_heading(first));
        let named = |i: usize, name: &str| match clean::line(name) {
            name if name.is_empty() => crate::error::sentence("imports.column", &[("n", &(i + 1))]),
            name => name,
        };
        sample.heading = match header {
            true => sample
                .rows
                .remove(0)
                .iter()
                .enumerate()
                .map(|(i, name)| named(i, name))
                .collect(),
            false => (0..first.len()).map(|i| named(i, "")).collect(),
        };
        sample.text = sample.rows.iter().flatten().map(|f| f.len() + 1).sum();
        Ok((sample, header))
    }

    /// Cells of a column.
    pub fn column(&self, i: usize) -> Vec<&str> {
        self.rows
            .iter()
            .map(|row| row.get(i).map_or("", String::as_str))
            .collect()
    }
}

/// A bad place of a file as a sentence; `kept` is the sentence that says what was kept.
pub(crate) fn broken(bad: &BadRecord, kept: &str) -> crate::error::ApiError {
    let kept = crate::error::sentence(kept, &[]);
    match bad {
        BadRecord::FieldTooLong { line } => fail(
            Code::Invalid,
            "imports.field_too_long",
            &[("line", line), ("kept", &kept)],
        ),
        BadRecord::TooManyColumns { line } => fail(
            Code::Invalid,
            "imports.too_many_columns",
            &[("line", line), ("kept", &kept)],
        ),
        BadRecord::RecordTooLong { line } => fail(
            Code::Invalid,
            "imports.record_too_long",
            &[("line", line), ("kept", &kept)],
        ),
        BadRecord::Damaged { line, detail } => fail(
            Code::Invalid,
            "imports.damaged",
            &[("line", line), ("detail", detail), ("kept", &kept)],
        ),
        BadRecord::Io(detail) => fail(
            Code::File,
            "imports.broken_off",
            &[("detail", detail), ("kept", &kept)],
        ),
    }
}

/// A column that becomes a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldColumn {
    /// Place in the file.
    pub column: usize,
    pub key: String,
    /// The column's name, for reasons.
    pub name: String,
    pub reading: Reading,
    pub fill_only: bool,
    /// Label and options of a field that is to be made where it is missing.
    pub new: Option<(String, Vec<String>)>,
}

/// A column that says whether somebody may be written to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusColumn {
    pub column: usize,
    /// The column's name, for reasons.
    pub name: String,
    pub reads: StatusReading,
}

/// The whole of what an import does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub identity: Identity,
    #[serde(rename = "layout")]
    pub format: Format,
    pub header: bool,
    pub heading: Vec<String>,
    pub email: usize,
    pub fields: Vec<FieldColumn>,
    /// Columns with tags and what separates them.
    pub tag_columns: Vec<(usize, String)>,
    pub mode: ImportMode,
    pub basis: Option<Basis>,
    pub source: String,
    pub wording: Option<String>,
    pub tags: Vec<String>,
    #[serde(default)]
    pub status: Vec<StatusColumn>,
    /// What is true of everybody, whatever a column says.
    #[serde(default)]
    pub everybody: Standing,
    /// Rows of the first chunk, so that writing begins early; each has twice as many as the one before, up to the most. An
    /// import that an earlier program began has the most from the first on.
    #[serde(default = "chunks::most_rows")]
    pub first_rows: usize,
}

/// Resolves a plan.
///
/// # Errors
/// A sentence that says what is missing, at its field of the request.
pub(crate) fn resolve(plan: &ImportPlan, path: &Path, fields: &[Field], zone: Tz) -> Result<Kept> {
    let source = clean::line(&plan.source);
    if source.is_empty() {
        return Err(fail(Code::Invalid, "imports.no_source", &[]).at("source"));
    }
    if let Some(delimiter) = plan.delimiter.filter(|d| !DELIMITERS.contains(d)) {
        return Err(fail(Code::Invalid, "imports.bad_delimiter", &[("text", &delimiter)]).at("delimiter"));
    }
    let asked = Asked {
        delimiter: plan.delimiter,
        encoding: plan.encoding,
        sheet: plan.sheet.clone(),
    };
    let format = Looked::at(path, &asked)?.format;
    let (sample, header) = Sample::read(path, &format, Some(plan.header))?;
    if sample.heading.len() != plan.columns.len() {
        return Err(fail(
            Code::Invalid,
            "imports.other_columns",
            &[("file", &path.display())],
        )
        .at("columns"));
    }
    let mut kept = Kept {
        identity: Identity::of(path)?,
        format,
        header,
        heading: sample.heading.clone(),
        email: usize::MAX,
        fields: Vec::new(),
        tag_columns: Vec::new(),
        mode: plan.mode,
        basis: plan.basis,
        source,
        wording: plan
            .wording
            .as_deref()
            .map(str::trim)
            .filter(|w| !w.is_empty())
            .map(str::to_owned),
        tags: tags(plan.tags.iter().map(String::as_str)),
        status: Vec::new(),
        everybody: plan.everybody,
        first_rows: chunks::FIRST_ROWS,
    };
    let mut taken: BTreeSet<String> = fields.iter().map(|f| f.key.clone()).collect();
    for (i, column) in plan.columns.iter().enumerate() {
        match column {
            ColumnPlan::Skip => {}
            ColumnPlan::Tags { separator } => {
                let by = match separator.is_empty() {
                    true => mapping::separator(&sample.column(i)).to_string(),
                    false => separator.clone(),
                };
                kept.tag_columns.push((i, by));
            }
            ColumnPlan::Status { reads } => kept.status.push(StatusColumn {
                column: i,
                name: sample.heading[i].clone(),
                reads: *reads,
            }),
            ColumnPlan::Field { key, .. } if key == "email" => {
                if kept.email != usize::MAX {
                    return Err(fail(Code::Invalid, "imports.twice", &[("field", key)]).at("columns"));
                }
                kept.email = i;
            }
            _ => {
                let field = field_column(i, column, &sample, fields, &mut taken, zone)?;
                if kept.fields.iter().any(|f| f.key == field.key) {
                    return Err(fail(Code::Invalid, "imports.twice", &[("field", &field.key)]).at("columns"));
                }
                kept.fields.push(field);
            }
        }
    }
    if kept.email == usize::MAX {
        let columns = kept.heading.join(", ");
        return Err(fail(Code::Invalid, "imports.no_email_column", &[("columns", &columns)]).at("columns"));
    }
    Ok(kept)
}

fn field_column(
    i: usize,
    plan: &ColumnPlan,
    sample: &Sample,
    fields: &[Field],
    taken: &mut BTreeSet<String>,
    zone: Tz,
) -> Result<FieldColumn> {
    let (name, cells) = (&sample.heading[i], sample.column(i));
    let known = |key: &str| fields.iter().find(|f| f.key == key);
    let column = |key: String, reading, fill_only, new| FieldColumn {
        column: i,
        key,
        name: name.clone(),
        reading,
        fill_only,
        new,
    };
    match plan {
        ColumnPlan::Field {
            key,
            fill_only,
            date_order,
            decimal,
            currency,
        } => {
            if key == "created_at" {
                return Err(fail(Code::Refused, "fields.built_in", &[("key", key)]).at("columns"));
            }
            if known(key).is_some_and(|field| field.score.is_some()) {
                return Err(fail(Code::Refused, "fields.scored", &[("key", key)]).at("columns"));
            }
            let (mut reading, new) = match known(key) {
                Some(field) => (values::fit(field.field_type, &cells, zone), None),
                // A field nobody has yet is made, with the type its column seems to hold.
                None => {
                    check_key(key)?;
                    taken.insert(key.clone());
                    (
                        values::guess(name, &cells, zone),
                        Some((name.clone(), Vec::new())),
                    )
                }
            };
            reading.date_order = date_order.unwrap_or(reading.date_order);
            reading.decimal = decimal.unwrap_or(reading.decimal);
            reading.currency = *currency;
            Ok(column(key.clone(), reading, *fill_only, new))
        }
        ColumnPlan::NewField {
            key,
            label,
            field_type,
            currency,
            fill_only,
            options,
            date_order,
            decimal,
        } => {
            let mut reading = values::fit(*field_type, &cells, zone);
            reading.date_order = date_order.unwrap_or(reading.date_order);
            reading.decimal = decimal.unwrap_or(reading.decimal);
            reading.currency = *currency;
            let label = match clean::line(label) {
                label if label.is_empty() => name.clone(),
                label => label,
            };
            let new = Some((label.clone(), options.clone()));
            let key = match key {
                Some(key) => match known(key) {
                    Some(field) if field.field_type != *field_type || field.built_in => {
                        return Err(fail(Code::Invalid, "fields.exists", &[("key", key)]).at("columns"));
                    }
                    Some(_) => return Ok(column(key.clone(), reading, *fill_only, None)),
                    None => {
                        check_key(key)?;
                        key.clone()
                    }
                },
                None => free_key(&label, taken),
            };
            taken.insert(key.clone());
            Ok(column(key, reading, *fill_only, new))
        }
        ColumnPlan::Skip | ColumnPlan::Tags { .. } | ColumnPlan::Status { .. } => {
            Err(fail(Code::Invalid, "imports.other_columns", &[("file", name)]))
        }
    }
}

fn check_key(key: &str) -> Result<()> {
    let own = key.strip_prefix(COMPANY_PREFIX).unwrap_or(key);
    let first = own.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = own
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match first && rest && own.len() <= 63 {
        true => Ok(()),
        false => Err(fail(Code::Invalid, "imports.bad_field_name", &[("name", &key)]).at("columns")),
    }
}

/// Tags as they may be kept, each once.
pub(crate) fn tags<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Mailchimp writes each of its tags in quotes.
    let cleaned = texts.map(|t| {
        clean::line(t)
            .trim_matches('"')
            .chars()
            .take(TAG_MAX)
            .collect::<String>()
    });
    let set: BTreeSet<String> = cleaned
        .map(|t| t.trim().to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    set.into_iter().collect()
}

/// Options of choice columns by how they are compared, each with its spelling.
pub(crate) type Options = BTreeMap<usize, BTreeMap<String, String>>;

/// How an option is compared: `Gold` in a list is the option `gold` of the field.
pub(crate) fn folded(option: &str) -> String {
    option.to_lowercase()
}

impl Kept {
    /// What the columns of a row say of its person; what is not understood is added to `lacks`.
    pub fn standing(&self, cells: &[String], lacks: &mut Vec<String>) -> Standing {
        let mut standing = self.everybody;
        for column in &self.status {
            let cell = cells.get(column.column).map_or("", String::as_str);
            let said = status::read(column.reads, cell).unwrap_or_else(|word| {
                lacks.push(format!("{}: {}", column.name, super::chunks::reason(word)));
                Standing::NotPermitted
            });
            standing = standing.max(said);
        }
        standing
    }

    /// Places in `fields` of choices.
    fn choices(&self) -> Vec<usize> {
        let chooses =
            |f: &FieldColumn| matches!(f.reading.field_type, FieldType::Choice | FieldType::MultiChoice);
        (0..self.fields.len())
            .filter(|i| chooses(&self.fields[*i]))
            .collect()
    }

    /// The options of each choice column: those the field has, then those the file holds, at most 63. Reads the
    /// whole file where there is such a column.
    ///
    /// # Errors
    /// When the file cannot be read. Bad places in it are left to the import itself.
    pub fn options(
        &self,
        path: &Path,
        fields: &[Field],
        stop: &dyn Fn() -> Result<()>,
    ) -> Result<(Options, Vec<Field>)> {
        let choices = self.choices();
        let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut known = Options::new();
        for place in &choices {
            let column = &self.fields[*place];
            let field = fields.iter().find(|f| f.key == column.key);
            let given = column
                .new
                .as_ref()
                .map(|(_, options)| options.clone())
                .unwrap_or_default();
            let options: Vec<String> = match field {
                Some(field) => field.options.clone(),
                None => given
                    .iter()
                    .map(|o| clean::line(o))
                    .filter(|o| !o.is_empty())
                    .collect(),
            };
            let by_case = known.entry(*place).or_default();
            for option in options {
                if by_case.len() < carillon_store::MOST_OPTIONS && !by_case.contains_key(&folded(&option)) {
                    by_case.insert(folded(&option), option.clone());
                    found.entry(*place).or_default().push(option);
                }
            }
        }
        if !choices.is_empty() {
            let records = Records::open(path, &self.format)?.skip(usize::from(self.header));
            for (n, record) in records.map_while(std::result::Result::ok).enumerate() {
                if n % 4096 == 0 {
                    stop()?;
                }
                self.collect(&record, &choices, &mut known, &mut found);
            }
        }
        let made = self.fields_to_make(fields, &found);
        Ok((known, made))
    }

    fn collect(
        &self,
        record: &Record,
        choices: &[usize],
        known: &mut Options,
        found: &mut BTreeMap<usize, Vec<String>>,
    ) {
        if record.fault.is_some()
            || record.fields.len() != self.heading.len()
            || clean::address(&record.fields[self.email]).is_err()
        {
            return;
        }
        for place in choices {
            let column = &self.fields[*place];
            let options = known.entry(*place).or_default();
            if options.len() >= carillon_store::MOST_OPTIONS {
                continue;
            }
            let cell = &record.fields[column.column];
            let Ok(Some(value)) = column.reading.read(cell, Tz::UTC) else {
                continue;
            };
            for option in options_of(value) {
                if options.len() < carillon_store::MOST_OPTIONS
                    && option.chars().count() <= TAG_MAX
                    && !options.contains_key(&folded(&option))
                {
                    options.insert(folded(&option), option.clone());
                    found.entry(*place).or_default().push(option);
                }
            }
        }
    }

    /// Fields as they must be before the first row is written: new ones, and choices with more options.
    fn fields_to_make(&self, fields: &[Field], options: &BTreeMap<usize, Vec<String>>) -> Vec<Field> {
        let mut made = Vec::new();
        for (place, column) in self.fields.iter().enumerate() {
            let wanted = options.get(&place).cloned().unwrap_or_default();
            match fields.iter().find(|f| f.key == column.key) {
                Some(field) if field.options.len() < wanted.len() => {
                    made.push(Field {
                        options: wanted,
                        ..field.clone()
                    });
                }
                Some(_) => {}
                None => {
                    let label = column
                        .new
                        .as_ref()
                        .map_or(&column.name, |(label, _)| label)
                        .clone();
                    let field_type = column.reading.field_type;
                    made.push(Field {
                        key: column.key.clone(),
                        label,
                        field_type,
                        options: wanted,
                        built_in: false,
                        score: None,
                    });
                }
            }
        }
        made
    }
}

/// The options of a choice or of several.
pub(crate) fn options_of(value: carillon_model::contact::Value) -> Vec<String> {
    use carillon_model::contact::Value;
    match value {
        Value::Choice(option) => vec![option],
        Value::MultiChoice(options) => options.into_iter().collect(),
        _ => Vec::new(),
    }
}
