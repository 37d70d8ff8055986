//! The words of answers, from `assets/locales/en/cli.json`. Help texts are not here: they are made from the
//! definition of the arguments.

use crate::output;
use serde_json::Value;
use std::sync::LazyLock;

static WORDS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../assets/locales/en/cli.json")).unwrap_or_default()
});
/// What the kinds of steps are called, as on the canvas.
static STEPS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../assets/locales/en/steps.json")).unwrap_or_default()
});

/// What a kind of step is called.
pub fn step_kind(kind: &str) -> String {
    STEPS[kind]["title"].as_str().unwrap_or(kind).to_owned()
}

/// What a sentence can take in.
pub trait Shown {
    /// As people read it.
    fn shown(&self) -> String;
}

impl Shown for Value {
    fn shown(&self) -> String {
        output::cell(self)
    }
}

impl Shown for str {
    fn shown(&self) -> String {
        self.to_owned()
    }
}

impl Shown for String {
    fn shown(&self) -> String {
        self.clone()
    }
}

impl Shown for std::path::Path {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl Shown for u64 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl<T: Shown + ?Sized> Shown for &T {
    fn shown(&self) -> String {
        (*self).shown()
    }
}

/// The text of a key with `{name}` and `{name, plural, one {...} other {...}}` filled in. An unknown key is its
/// own text.
pub fn words(key: &str, values: &[(&str, &dyn Shown)]) -> String {
    let found = key
        .split('.')
        .try_fold(&*WORDS, |node, part| node.get(part))
        .and_then(Value::as_str);
    found.map_or_else(|| key.to_owned(), |text| filled(text, values))
}

/// A word of a closed list, for people; one that the file does not know as it is.
pub fn word(list: &str, value: &Value) -> String {
    let value = output::cell(value);
    let key = format!("words.{list}.{value}");
    let found = words(&key, &[]);
    if found == key {
        value.replace('_', " ")
    } else {
        found
    }
}

fn filled(text: &str, values: &[(&str, &dyn Shown)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out += &rest[..open];
        let Some(length) = closing(&rest[open..]) else {
            break;
        };
        let inside = &rest[open + 1..open + length];
        out += &placed(inside, values);
        rest = &rest[open + length + 1..];
    }
    out + rest
}

/// Where the brace that a text begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn placed(inside: &str, values: &[(&str, &dyn Shown)]) -> String {
    let mut parts = inside.splitn(3, ',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let Some((_, value)) = values.iter().find(|(known, _)| *known == name) else {
        return format!("{{{inside}}}");
    };
    let value = value.shown();
    let (Some("plural"), Some(forms)) = (parts.next(), parts.next()) else {
        return value;
    };
    let wanted = if value == "1" { "one" } else { "other" };
    let form = form(forms, wanted)
        .or_else(|| form(forms, "other"))
        .unwrap_or_default();
    filled(&form.replace('#', &value), values)
}

fn form<'a>(forms: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = forms.trim_start();
    while let Some(open) = rest.find('{') {
        let length = closing(&rest[open..])?;
        if rest[..open].trim() == wanted {
            return Some(&rest[open + 1..open + length]);
        }
        rest = rest[open + length + 1..].trim_start();
    }
    None
}

/// The text of a key: `text!("demo.made", contacts = made["contacts"])`.
macro_rules! text {
    ($key:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::words::words($key, &[$((stringify!($name), &$value as &dyn $crate::words::Shown)),*])
    };
}

/// Prints the text of a key as a line.
macro_rules! say {
    ($($of:tt)*) => { $crate::output::line($crate::words::text!($($of)*)) };
}

pub(crate) use {say, text};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn a_text_counts_in_words() {
        let text = "{n, plural, one {# contact} other {# contacts}} of {name}";
        let said = |n: u64| filled(text, &[("n", &n), ("name", &"Ada")]);
        assert_eq!(said(1), "1 contact of Ada");
        assert_eq!(said(2), "2 contacts of Ada");
        assert_eq!(said(0), "0 contacts of Ada");
        assert_eq!(filled("{n} and {m}", &[("n", &json!(2.0))]), "2 and {m}");
        assert_eq!(filled("{n, plural", &[("n", &1)]), "{n, plural");
    }

    fn keys(node: &Value, at: &str, all: &mut BTreeSet<String>) {
        match node {
            Value::Object(map) => {
                for (name, inner) in map {
                    let at = if at.is_empty() {
                        name.clone()
                    } else {
                        format!("{at}.{name}")
                    };
                    keys(inner, &at, all);
                }
            }
            _ => drop(all.insert(at.to_owned())),
        }
    }

    fn sources() -> String {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut text = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if !entry.path().ends_with("words.rs") {
                    text += &std::fs::read_to_string(entry.path()).unwrap_or_default();
                }
            }
        }
        text
    }

    #[test]
    fn what_the_program_says_and_what_the_locale_file_holds_is_the_same() {
        let text = sources();
        let mut known = BTreeSet::new();
        keys(&WORDS, "", &mut known);
        let mut asked = BTreeSet::new();
        for call in ["say!(", "text!("] {
            for rest in text.split(call).skip(1) {
                if let Some(key) = rest.trim_start().strip_prefix('"') {
                    asked.extend(key.split('"').next().map(str::to_owned));
                }
            }
        }
        // A cell or a fact: its path into the answer, and the name of its head.
        for pair in text.split("(\"").skip(1) {
            let mut parts = pair.split('"');
            if let (Some(_), Some(", "), Some(head), Some(rest)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
                && rest.starts_with(')')
                && head.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            {
                asked.insert(format!("heads.{head}"));
            }
        }
        let missing: Vec<_> = asked.difference(&known).collect();
        assert!(missing.is_empty(), "not in cli.json: {missing:?}");
        // Words of closed lists and heads of columns are asked for by a name that is put together.
        let unused: Vec<_> = known
            .difference(&asked)
            .filter(|key| {
                let (group, name) = key.rsplit_once('.').unwrap_or_default();
                let in_group = group == "heads" && text.contains(&format!("\"{name}\""));
                !in_group && !group.starts_with("words.")
            })
            .collect();
        assert!(unused.is_empty(), "never said: {unused:?}");
    }
}
