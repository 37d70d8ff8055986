//! Whose properties pass some tests: asked once of those that events share.

use super::Posting;
use super::sets::{Entered, Sets};
use crate::index::packed::{PropTests, Props};

/// Which postings of a name pass.
pub(in crate::index) struct Passing<'a> {
    /// `None`: all do.
    tests: Option<PropTests<'a>>,
    /// By number of the properties.
    shared: Vec<bool>,
}

impl<'a> Passing<'a> {
    /// Whatever their properties are.
    pub fn all() -> Passing<'a> {
        Passing {
            tests: None,
            shared: Vec::new(),
        }
    }

    /// Those of postings that share these properties.
    pub fn of(tests: PropTests<'a>, sets: &Sets) -> Passing<'a> {
        Passing {
            shared: sets.all().map(|props| tests.pass(props)).collect(),
            tests: Some(tests),
        }
    }

    #[inline]
    pub fn has(&self, posting: &Posting<'_>) -> bool {
        let Some(tests) = &self.tests else {
            return true;
        };
        match posting.given() {
            Entered::Shared(number) => self.shared(number),
            Entered::Own(props) => tests.pass(Props(props)),
        }
    }

    pub(super) fn tests(&self) -> Option<&PropTests<'a>> {
        self.tests.as_ref()
    }

    /// Whether properties of that number pass, where not all do.
    #[inline]
    pub(super) fn shared(&self, number: u16) -> bool {
        self.shared[usize::from(number)]
    }
}
