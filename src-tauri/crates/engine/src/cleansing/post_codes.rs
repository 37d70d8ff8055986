//! Post codes as their country writes them.

use super::Country;
use carillon_model::cleansing::CleansingReason;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// `assets/rules/post_codes.json`, read.
#[derive(Deserialize, Default)]
struct Lists {
    countries: BTreeMap<String, Form>,
}

#[derive(Deserialize)]
struct Form {
    forms: Vec<String>,
    #[serde(default)]
    prefix: Vec<String>,
    #[serde(default)]
    zero: Vec<String>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../../assets/rules/post_codes.json")).unwrap_or_default()
});

/// Longest text that is read as a code, in bytes.
const LONGEST: usize = 16;
/// Most zeros a spreadsheet takes.
const MOST_ZEROS: usize = 2;

/// The code as its country writes it. `None`: it is so already, or it is none of that country.
pub(super) fn written(text: &str, country: Country) -> Option<(String, CleansingReason)> {
    let form = LISTS.countries.get(country.as_str())?;
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let bare = bare(text, form);
    let fits = |code: &str| form.forms.iter().find_map(|shape| shaped(code, shape));
    if let Some(new) = fits(&bare) {
        return (new != text).then_some((new, CleansingReason::PostCodeForm));
    }
    if !bare.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    (1..=MOST_ZEROS).find_map(|zeros| {
        let code = format!("{}{bare}", "0".repeat(zeros));
        let real = form
            .zero
            .iter()
            .any(|beginning| code.starts_with(beginning.as_str()));
        // One zero that makes a code is what was lost; two only where the code begins with two.
        fits(&code)
            .filter(|_| real && !bare.starts_with('0'))
            .map(|new| (new, CleansingReason::LeadingZero))
    })
}

/// Whether a text can be a code of the country, as far as its forms are known.
pub(super) fn may_be(text: &str, country: Country) -> bool {
    let Some(form) = LISTS.countries.get(country.as_str()) else {
        return true;
    };
    let bare = bare(text, form);
    text.len() <= LONGEST && text.is_ascii() && form.forms.iter().any(|shape| shaped(&bare, shape).is_some())
}

/// Letters and digits of a code, without its country in front ("D-10115").
fn bare(text: &str, form: &Form) -> String {
    let code: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let code = code.to_ascii_uppercase();
    let signs = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '.');
    if !text.chars().all(signs) {
        return text.to_owned();
    }
    let digits = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit());
    let cut = form
        .prefix
        .iter()
        .find_map(|prefix| code.strip_prefix(prefix.as_str()).filter(digits))
        .map(str::to_owned);
    cut.unwrap_or(code)
}

/// The code in a shape, if its letters and digits stand where the shape's do.
fn shaped(code: &str, shape: &str) -> Option<String> {
    let mut left = code.chars();
    let mut out = String::with_capacity(shape.len());
    for place in shape.chars() {
        let fits: fn(&char) -> bool = match place {
            '0' => char::is_ascii_digit,
            'A' => char::is_ascii_uppercase,
            sign => {
                out.push(sign);
                continue;
            }
        };
        out.push(left.next().filter(fits)?);
    }
    left.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_of_the_list_is_one_and_a_beginning_is_of_digits() {
        assert!(LISTS.countries.len() > 25);
        for (code, form) in &LISTS.countries {
            assert!(Country::of(code).is_some(), "{code}");
            assert!(!form.forms.is_empty(), "{code}");
            let zero = |beginning: &String| {
                beginning.starts_with('0') && beginning.bytes().all(|b| b.is_ascii_digit())
            };
            assert!(form.zero.iter().all(zero), "{code}");
        }
    }
}
