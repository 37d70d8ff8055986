//! Options of the form `--name`, `--name value` and `--name=value`, with bare words between them.

use crate::Result;
use std::collections::VecDeque;
use std::str::FromStr;

/// The words after the command, taken away one option at a time; [`Args::end`] refuses what nobody took.
#[derive(Debug)]
pub struct Args {
    words: VecDeque<String>,
}

impl Args {
    /// Wraps the words that follow the command's name.
    pub fn new(words: impl IntoIterator<Item = String>) -> Args {
        Args {
            words: words.into_iter().collect(),
        }
    }

    /// Whether `--name` is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|w| w == name);
        at.map(|i| self.words.remove(i)).is_some()
    }

    /// The text after `--name`, if the option is there.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
        let joined = format!("{name}=");
        if let Some(i) = self.words.iter().position(|w| w.starts_with(&joined)) {
            let word = self.words.remove(i).unwrap_or_default();
            return Ok(Some(word[joined.len()..].to_string()));
        }
        let Some(i) = self.words.iter().position(|w| w == name) else {
            return Ok(None);
        };
        self.words.remove(i);
        match self.words.remove(i) {
            Some(word) if !word.starts_with("--") => Ok(Some(word)),
            _ => Err(format!("{name} needs a value.")),
        }
    }

    /// The value of `--name` as a number or another type that reads from text.
    pub fn parsed<T: FromStr>(&mut self, name: &str, otherwise: T) -> Result<T> {
        match self.value(name)? {
            None => Ok(otherwise),
            Some(text) => text.parse().map_err(|_| format!("{name} cannot be `{text}`.")),
        }
    }

    /// The next word that is not an option.
    pub fn word(&mut self) -> Option<String> {
        let at = self.words.iter().position(|w| !w.starts_with("--"))?;
        self.words.remove(at)
    }

    /// Refuses whatever is left, so that a misspelt option is never silently ignored.
    pub fn end(self) -> Result<()> {
        match self.words.front() {
            None => Ok(()),
            Some(word) => Err(format!("Nothing here understands `{word}`.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        Args::new(text.split_whitespace().map(str::to_string))
    }

    #[test]
    fn options_are_read_in_any_order_and_both_forms() {
        let mut a = args("--kills 20 send --seed=7 --json");
        assert!(a.flag("--json"));
        assert_eq!(a.parsed("--seed", 1u64), Ok(7));
        assert_eq!(a.parsed("--kills", 1u32), Ok(20));
        assert_eq!(a.word().as_deref(), Some("send"));
        assert_eq!(a.end(), Ok(()));
    }

    #[test]
    fn an_option_without_its_value_is_refused() {
        assert!(args("--kills --json").value("--kills").is_err());
        assert!(args("--kills").value("--kills").is_err());
    }

    #[test]
    fn a_misspelt_option_is_refused() {
        let mut a = args("--kill 20");
        assert_eq!(a.value("--kills"), Ok(None));
        assert!(a.end().is_err());
    }
}
