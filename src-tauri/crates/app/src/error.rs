//! The one error that crosses the border to a screen, a terminal or another process.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;
use ts_rs::TS;

/// What a caller can do about an error. A code exists only where a screen acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Code {
    /// The request is wrong; `fields` names what to mend.
    Invalid,
    /// There is no such thing (any more).
    NotFound,
    /// Somebody else changed it in the meantime: read again.
    Stale,
    /// Refused for a reason of law, safety or state.
    Refused,
    /// No workspace is open.
    Closed,
    /// The file is newer, foreign, damaged or owned by a process that does not answer.
    File,
    /// No keychain, or it is locked.
    Keychain,
    /// A mail server or the network said no.
    Outside,
    /// Not allowed from this window.
    Denied,
    /// Taken back by the user.
    Cancelled,
    /// Ours: `trace` finds it in the log.
    Internal,
}

/// An error for people: what happened, what was kept, what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApiError {
    pub code: Code,
    /// A sentence from the locale files.
    pub message: String,
    /// Sentences by field of the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retry: bool,
    /// Found again in the log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
}

/// Result of every use-case.
pub type Result<T> = std::result::Result<T, ApiError>;

static SENTENCES: LazyLock<serde_json::Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../assets/locales/en/errors.json")).unwrap_or_default()
});

/// The sentence for a dotted key of `assets/locales/en/errors.json`, with `{name}` replaced by values.
pub fn sentence(key: &str, params: &[(&str, &dyn fmt::Display)]) -> String {
    let found = key
        .split('.')
        .try_fold(&*SENTENCES, |node, part| node.get(part))
        .and_then(|v| v.as_str());
    let Some(text) = found else { return key.to_owned() };
    let mut out = text.to_owned();
    for (name, value) in params {
        out = out.replace(&format!("{{{name}}}"), &in_words(&value.to_string()));
    }
    out
}

/// What a system says, without its number: "Permission denied (os error 13)" says no more than its words.
fn in_words(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => out += rest,
            _ => out += &format!(" (os error {part}"),
        }
    }
    out
}

/// A sentence of `errors.json` as an [`ApiError`].
pub fn fail(code: Code, key: &str, params: &[(&str, &dyn fmt::Display)]) -> ApiError {
    ApiError {
        code,
        message: sentence(key, params),
        fields: BTreeMap::new(),
        retry: false,
        trace: String::new(),
    }
}

impl ApiError {
    /// Names a field of the request that is to be mended, with the error's own sentence.
    pub fn at(mut self, field: &str) -> Self {
        self.fields.insert(field.to_owned(), self.message.clone());
        self
    }

    /// Marks that trying again later may help.
    pub fn retry(mut self) -> Self {
        self.retry = true;
        self
    }

    /// An error of ours: the detail goes to the log, the person gets the trace.
    pub fn internal(detail: impl fmt::Display) -> Self {
        let trace = format!("{:08x}", rand::random::<u32>());
        tracing::error!(%trace, %detail, "internal error");
        let log = crate::log::file(&crate::App::default_home());
        let said = [("trace", &trace as &dyn fmt::Display), ("log", &log.display())];
        ApiError {
            trace: trace.clone(),
            ..fail(Code::Internal, "internal", &said)
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (field, sentence) in &self.fields {
            if *sentence != self.message {
                write!(f, "\n  {field}: {sentence}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl From<carillon_store::Error> for ApiError {
    fn from(error: carillon_store::Error) -> Self {
        use carillon_store::Error as E;
        let code = match &error {
            E::Refused(_) | E::Full | E::Io { .. } => Code::File,
            E::NotFound { .. } => Code::NotFound,
            E::Taken { .. } | E::Invalid(_) => Code::Invalid,
            E::Closed => Code::Closed,
            E::Sqlite(_)
            | E::Readers(_)
            | E::Damaged { .. }
            | E::Unread(_)
            | E::LostLease { .. }
            | E::Panicked(_) => {
                let trace = format!("{:08x}", rand::random::<u32>());
                tracing::error!(%trace, %error, "the store could not do it");
                let message = in_words(&error.to_string());
                return ApiError {
                    trace,
                    message,
                    ..fail(Code::Internal, "internal", &[])
                };
            }
        };
        ApiError {
            message: in_words(&error.to_string()),
            ..fail(code, "internal", &[])
        }
    }
}

/// A word of a closed list, as serde spells it.
pub fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_that_the_program_asks_for_is_in_the_locale_file() {
        let mut asked = std::collections::BTreeSet::new();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("src"), root.join("../cli/src"), root.join("../../src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap_or_default();
                    for call in text.split("fail(").skip(1) {
                        let key = call.split_once("Code::").and_then(|(head, rest)| {
                            head.trim()
                                .trim_start_matches("crate::error::")
                                .trim_start_matches("carillon_app::error::")
                                .is_empty()
                                .then_some(rest)
                        });
                        let key = key.and_then(|rest| rest.split('"').nth(1));
                        if let Some(key) = key.filter(|k| !k.contains('{') && k.contains('.')) {
                            asked.insert(key.to_owned());
                        }
                    }
                }
            }
        }
        assert!(asked.len() > 40, "the scan finds the calls: {asked:?}");
        let missing: Vec<_> = asked.iter().filter(|key| sentence(key, &[]) == **key).collect();
        assert!(missing.is_empty(), "not in errors.json: {missing:?}");
    }

    #[test]
    fn what_the_system_says_comes_without_its_number() {
        let said = std::io::Error::from_raw_os_error(2).to_string();
        assert!(said.contains("(os error 2)"));
        let told = sentence("imports.unreadable", &[("file", &"a.csv"), ("detail", &said)]);
        assert!(
            told.starts_with("a.csv cannot be read: ") && !told.contains("os error"),
            "{told}"
        );
        assert_eq!(in_words("a (os error 2) b (os error x)"), "a b (os error x)");
    }

    #[test]
    fn a_sentence_takes_its_values() {
        let text = sentence("not_found.contact", &[("name", &"ada@example.com")]);
        assert_eq!(text, "There is no contact ada@example.com.");
    }
}
