//! Values as typed columns: text TEXT, number REAL, money INTEGER minor units beside TEXT currency, yes/no
//! 0 or 1, choice the place of the option from 1, multi-choice a bit mask of places, date the day since
//! 1970-01-01, date and time milliseconds since 1970.

use crate::catalogue::FieldRef;
use crate::error::{Error, Result};
use crate::time;
use carillon_model::contact::{Currency, Field, FieldType, Money, Value};
use rusqlite::types::Value as Cell;
use rusqlite::types::ValueRef;
use std::collections::BTreeSet;

/// Most options a multi-choice field can have: one bit each of a positive 64-bit number.
pub const MOST_OPTIONS: usize = 63;

/// The column type a field is added with.
pub(crate) fn column_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text => "TEXT",
        FieldType::Number => "REAL",
        _ => "INTEGER",
    }
}

fn place(field: &Field, option: &str) -> Result<usize> {
    field.options.iter().position(|o| o == option).ok_or_else(|| {
        Error::Invalid(format!(
            "\"{option}\" is not an option of the field \"{}\".",
            field.key
        ))
    })
}

/// Whether the field can hold the value, and a sentence if not.
pub(crate) fn check(field: FieldRef<'_>, value: &Value) -> Result<()> {
    if field.field_type() != value.field_type() {
        return Err(Error::Invalid(format!(
            "The field \"{}\" holds {:?}, not {:?}.",
            field.key(),
            field.field_type(),
            value.field_type()
        )));
    }
    if let Value::Number(n) = value
        && !n.is_finite()
    {
        return Err(Error::Invalid(format!(
            "The number for \"{}\" is not finite.",
            field.key()
        )));
    }
    match (field.custom(), value) {
        (Some(c), Value::Choice(option)) => place(&c.field, option).map(|_| ()),
        (Some(c), Value::MultiChoice(options)) => {
            options.iter().try_for_each(|o| place(&c.field, o).map(|_| ()))
        }
        _ => Ok(()),
    }
}

/// The cell of a value, and the currency beside it for money.
pub(crate) fn cells(field: FieldRef<'_>, value: Option<&Value>) -> Result<(Cell, Option<Cell>)> {
    let Some(value) = value else {
        let money = field.field_type() == FieldType::Money;
        return Ok((Cell::Null, money.then_some(Cell::Null)));
    };
    check(field, value)?;
    let cell = match value {
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Number(n) => Cell::Real(*n),
        Value::Money(m) => {
            return Ok((
                Cell::Integer(m.minor),
                Some(Cell::Text(m.currency.as_str().to_owned())),
            ));
        }
        Value::YesNo(b) => Cell::Integer(i64::from(*b)),
        Value::Choice(option) => match field.custom() {
            Some(c) => Cell::Integer(place(&c.field, option)? as i64 + 1),
            None => Cell::Text(option.clone()),
        },
        Value::MultiChoice(options) => match field.custom() {
            Some(c) => {
                let mut mask = 0i64;
                for option in options {
                    mask |= 1 << place(&c.field, option)?;
                }
                Cell::Integer(mask)
            }
            None => Cell::Null,
        },
        Value::Date(date) => Cell::Integer(time::days(*date)),
        Value::DateTime(at) => Cell::Integer(time::ms(*at)),
    };
    Ok((cell, None))
}

/// The value as it reads back from its cell: moments in whole milliseconds.
pub(crate) fn kept(mut value: Value) -> Value {
    keep(&mut value);
    value
}

/// Makes a value what [`kept`] says.
pub(crate) fn keep(value: &mut Value) {
    if let Value::DateTime(at) = value {
        *at = time::whole(*at);
    }
}

/// The value of a cell; `currency` is the cell beside it, for money.
pub(crate) fn value(
    field: FieldRef<'_>,
    cell: ValueRef<'_>,
    currency: Option<ValueRef<'_>>,
) -> Result<Option<Value>> {
    let bad = || Error::damaged("contact_fields", format!("{} holds a wrong type", field.key()));
    let int = || cell.as_i64().map_err(|_| bad());
    if cell == ValueRef::Null {
        return Ok(None);
    }
    let value = match field.field_type() {
        FieldType::Text => Value::Text(cell.as_str().map_err(|_| bad())?.to_owned()),
        FieldType::Number => Value::Number(cell.as_f64().map_err(|_| bad())?),
        FieldType::Money => Value::Money(Money {
            minor: int()?,
            currency: currency
                .and_then(|c| c.as_str().ok())
                .and_then(Currency::parse)
                .ok_or_else(bad)?,
        }),
        FieldType::YesNo => Value::YesNo(int()? != 0),
        FieldType::Choice => match field.custom() {
            Some(c) => {
                let place = usize::try_from(int()? - 1).map_err(|_| bad())?;
                Value::Choice(c.field.options.get(place).ok_or_else(bad)?.clone())
            }
            None => Value::Choice(cell.as_str().map_err(|_| bad())?.to_owned()),
        },
        FieldType::MultiChoice => match field.custom() {
            Some(c) => {
                let mask = int()?;
                let chosen: BTreeSet<String> = c
                    .field
                    .options
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| mask & (1 << i) != 0)
                    .map(|(_, o)| o.clone())
                    .collect();
                Value::MultiChoice(chosen)
            }
            None => return Err(bad()),
        },
        FieldType::Date => Value::Date(time::date(int()?)?),
        FieldType::DateTime => Value::DateTime(time::moment(int()?)?),
    };
    Ok(Some(value))
}
