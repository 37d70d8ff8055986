//! Values of Parquet as text: whole and decimal numbers in full, moments and dates as ISO 8601.

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::data_type::Int96;
use ::parquet::schema::types::ColumnDescriptor;
use chrono::{DateTime, NaiveTime, SecondsFormat};

/// Most digits behind the point that a number here may have.
const SCALE_MAX: i32 = 200;
/// Days and seconds that the days of INT96 are ahead: it counts from noon of 4713 BC.
const JULIAN_EPOCH: i64 = 2_440_588;
const DAY_SECS: i64 = 86_400;
/// Parts of a second.
const MILLI: i64 = 1_000;
const MICRO: i64 = 1_000_000;
const NANO: i64 = 1_000_000_000;

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// A number without a sign.
    Unsigned,
    /// A number with so many digits behind the point.
    Decimal(usize),
    /// Days since 1970.
    Date,
    /// Parts of a second since midnight.
    Clock(i64),
    /// Parts of a second since 1970: of UTC, or of wherever it was written.
    Moment {
        parts: i64,
        utc: bool,
    },
    Uuid,
    Half,
    Interval,
}

impl Kind {
    /// What the values of a column are.
    pub fn of(column: &ColumnDescriptor) -> Kind {
        let parts = |unit: TimeUnit| match unit {
            TimeUnit::MILLIS => MILLI,
            TimeUnit::MICROS => MICRO,
            TimeUnit::NANOS => NANO,
        };
        let decimal = |scale: i32| match scale {
            0..=SCALE_MAX => Kind::Decimal(scale.unsigned_abs() as usize),
            _ => Kind::Plain,
        };
        match column.logical_type_ref() {
            Some(LogicalType::Integer(int)) if !int.is_signed => Kind::Unsigned,
            Some(LogicalType::Decimal(number)) => decimal(number.scale),
            Some(LogicalType::Date) => Kind::Date,
            Some(LogicalType::Time(time)) => Kind::Clock(parts(time.unit)),
            Some(LogicalType::Timestamp(at)) => Kind::Moment {
                parts: parts(at.unit),
                utc: at.is_adjusted_to_u_t_c,
            },
            Some(LogicalType::Uuid) => Kind::Uuid,
            Some(LogicalType::Float16) => Kind::Half,
            _ => match column.converted_type() {
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64 => Kind::Unsigned,
                ConvertedType::DECIMAL => decimal(column.type_scale()),
                ConvertedType::DATE => Kind::Date,
                ConvertedType::TIME_MILLIS => Kind::Clock(MILLI),
                ConvertedType::TIME_MICROS => Kind::Clock(MICRO),
                ConvertedType::TIMESTAMP_MILLIS => Kind::Moment {
                    parts: MILLI,
                    utc: true,
                },
                ConvertedType::TIMESTAMP_MICROS => Kind::Moment {
                    parts: MICRO,
                    utc: true,
                },
                ConvertedType::INTERVAL if column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY => {
                    Kind::Interval
                }
                _ => Kind::Plain,
            },
        }
    }

    /// A whole number of up to 64 bits; `short`: of 32.
    pub fn whole(self, n: i64, short: bool) -> String {
        match self {
            Kind::Unsigned if short => (n & 0xFFFF_FFFF).to_string(),
            Kind::Unsigned => n.cast_unsigned().to_string(),
            Kind::Decimal(scale) => decimal(&n.to_be_bytes(), scale),
            Kind::Date => date(n),
            Kind::Clock(parts) => clock(n, parts),
            Kind::Moment { parts, utc } => {
                moment(n.div_euclid(parts), n.rem_euclid(parts) * (NANO / parts), utc)
            }
            _ => n.to_string(),
        }
    }

    /// Bytes of any length: text, unless the column says otherwise.
    pub fn bytes(self, bytes: &[u8]) -> String {
        match self {
            Kind::Decimal(scale) => decimal(bytes, scale),
            Kind::Uuid if bytes.len() == 16 => uuid(bytes),
            Kind::Half => match bytes {
                [low, high] => real(half(u16::from_le_bytes([*low, *high]))),
                _ => String::from_utf8_lossy(bytes).into_owned(),
            },
            Kind::Interval => interval(bytes),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

/// A number with a point, in full; what is no number is nothing.
pub(super) fn real<N: Into<f64> + std::fmt::Display + Copy>(n: N) -> String {
    match n.into().is_nan() {
        true => String::new(),
        false => n.to_string(),
    }
}

/// A moment as Impala and old Spark write it: nanoseconds of the day, and the day.
pub(super) fn old_moment(at: &Int96) -> String {
    let [low, high, day] = *at.data() else {
        return String::new();
    };
    let nanos = (i64::from(high) << 32) | i64::from(low);
    let days = i64::from(day.cast_signed()) - JULIAN_EPOCH;
    moment(
        days * DAY_SECS + nanos.div_euclid(NANO),
        nanos.rem_euclid(NANO),
        true,
    )
}

fn date(days: i64) -> String {
    let at = days
        .checked_mul(DAY_SECS)
        .and_then(|secs| DateTime::from_timestamp(secs, 0));
    at.map_or_else(|| days.to_string(), |at| at.date_naive().to_string())
}

fn clock(parts: i64, of: i64) -> String {
    let secs = u32::try_from(parts.div_euclid(of)).ok();
    let nanos = u32::try_from(parts.rem_euclid(of) * (NANO / of)).ok();
    let time = secs
        .zip(nanos)
        .and_then(|(secs, nanos)| NaiveTime::from_num_seconds_from_midnight_opt(secs, nanos));
    time.map_or_else(|| parts.to_string(), |time| time.to_string())
}

fn moment(secs: i64, nanos: i64, utc: bool) -> String {
    let nanos = u32::try_from(nanos).ok();
    match nanos.and_then(|nanos| DateTime::from_timestamp(secs, nanos)) {
        Some(at) if utc => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        Some(at) => at.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        None => secs.to_string(),
    }
}

/// A number of any length, its highest byte first, below zero where its highest bit is set.
fn decimal(bytes: &[u8], scale: usize) -> String {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            let (turned, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (turned, over);
        }
    }
    // Ten digits at a time fit no byte: a digit a round, its remainder from the highest byte down.
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u32;
        for byte in &mut magnitude {
            let n = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(n / 10).unwrap_or(0);
            rest = n % 10;
        }
        digits.push(char::from_digit(rest, 10).unwrap_or('0'));
    }
    while digits.len() <= scale {
        digits.push('0');
    }
    let whole: String = digits[scale..].iter().rev().collect();
    let part: String = digits[..scale].iter().rev().collect();
    let sign = if negative { "-" } else { "" };
    match scale {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{part}"),
    }
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&i) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A number of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, part) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => part * 2_f32.powi(-24),
        31 if part == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + part / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

/// Months, days and milliseconds, each of four bytes, the lowest first, as ISO 8601 writes a span of time.
fn interval(bytes: &[u8]) -> String {
    let Ok([a, b, c, d, e, f, g, h, i, j, k, l]) = <[u8; 12]>::try_from(bytes) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let millis = u32::from_le_bytes([i, j, k, l]);
    format!(
        "P{}M{}DT{}.{:03}S",
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
        millis / 1_000,
        millis % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        for (n, scale, text) in [
            (0_i64, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (123_456, 2, "1234.56"),
            (-123_456, 0, "-123456"),
            (i64::MIN, 4, "-922337203685477.5808"),
        ] {
            assert_eq!(Kind::Decimal(scale).whole(n, false), text);
        }
        let long = Kind::Decimal(10).bytes(&i128::MAX.to_be_bytes());
        assert_eq!(long, "17014118346046923173168730371.5884105727");
        assert_eq!(Kind::Decimal(1).bytes(&[0xFF]), "-0.1");
        assert_eq!(Kind::Decimal(1).bytes(&[]), "0.0");
    }

    #[test]
    fn moments_dates_and_clocks_are_exact_and_what_is_none_is_a_number() {
        let moment = |parts, utc, n| Kind::Moment { parts, utc }.whole(n, false);
        assert_eq!(moment(MILLI, true, -1), "1969-12-31T23:59:59.999Z");
        assert_eq!(
            moment(NANO, true, 1_000_000_001),
            "1970-01-01T00:00:01.000000001Z"
        );
        assert_eq!(moment(MICRO, false, 1_500_000), "1970-01-01T00:00:01.500");
        assert_eq!(moment(MICRO, false, 0), "1970-01-01T00:00:00");
        assert_eq!(moment(MILLI, true, i64::MAX), (i64::MAX / MILLI).to_string());
        assert_eq!(Kind::Date.whole(20_000, true), "2024-10-04");
        assert_eq!(Kind::Date.whole(i64::from(i32::MIN), true), "-2147483648");
        assert_eq!(Kind::Clock(MILLI).whole(3_661_500, true), "01:01:01.500");
        assert_eq!(Kind::Clock(MILLI).whole(-1, true), "-1");
        let noon = Int96::from(vec![0x5F05_6000, 0x274A, 2_440_589]);
        assert_eq!(old_moment(&noon), "1970-01-02T12:00:00.375250944Z");
    }

    #[test]
    fn other_kinds_are_what_they_mean() {
        assert_eq!(Kind::Unsigned.whole(-1, true), "4294967295");
        assert_eq!(Kind::Unsigned.whole(-1, false), u64::MAX.to_string());
        assert_eq!(Kind::Half.bytes(&0x3C00_u16.to_le_bytes()), "1");
        assert_eq!(Kind::Half.bytes(&0x0001_u16.to_le_bytes()), "0.000000059604645");
        assert_eq!(Kind::Half.bytes(&0x7E00_u16.to_le_bytes()), "");
        assert_eq!(
            Kind::Uuid.bytes(&[0xAB; 16]),
            "abababab-abab-abab-abab-abababababab"
        );
        assert_eq!(
            Kind::Interval.bytes(&[1, 0, 0, 0, 2, 0, 0, 0, 0xDC, 5, 0, 0]),
            "P1M2DT1.500S"
        );
        assert_eq!(
            (real(f64::NAN), real(0.1_f32), real(1e21_f64)),
            (
                String::new(),
                "0.1".to_owned(),
                "1000000000000000000000".to_owned()
            )
        );
        assert_eq!(Kind::Plain.bytes("é".as_bytes()), "é");
    }
}
