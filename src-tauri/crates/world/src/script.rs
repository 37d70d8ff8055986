//! What the server does with each recipient.

use serde::{Deserialize, Serialize};

/// What happens to a message for a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do", deny_unknown_fields)]
pub enum Answer {
    /// Takes it.
    Accept,
    /// Says this at RCPT; a whole reply line without its line end, like `550 5.1.1 no such user`.
    AtRcpt { reply: String },
    /// Says this after the final dot and keeps nothing.
    AtDot { reply: String },
    /// Defers the first try of each sender and recipient with `451 4.7.1`, takes the next.
    GreylistOnce,
    /// Closes the connection after the final dot without a word, having kept the message or not.
    Silent { kept: bool },
    /// Closes the connection when DATA is asked for.
    CloseAtData,
}

/// Recipients and what happens to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// An address in lower case; `*` stands for any run of characters.
    pub recipient: String,
    pub answer: Answer,
}

impl Rule {
    /// A rule from its parts.
    pub fn new(recipient: &str, answer: Answer) -> Rule {
        Rule {
            recipient: recipient.to_ascii_lowercase(),
            answer,
        }
    }
}

/// Rules in order; the first whose pattern fits decides, and without one the message is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script(pub Vec<Rule>);

impl Script {
    /// The usual kinds of trouble: `nouser*` unknown, `full*` full, `spam*` refused for policy, `grey*` greylisted.
    pub fn usual() -> Script {
        let at_rcpt = |reply: &str| Answer::AtRcpt {
            reply: reply.to_owned(),
        };
        Script(vec![
            Rule::new("nouser*", at_rcpt("550 5.1.1 no such user here")),
            Rule::new("full*", at_rcpt("452 4.2.2 mailbox full")),
            Rule::new("spam*", at_rcpt("550 5.7.1 refused by policy")),
            Rule::new("grey*", Answer::GreylistOnce),
        ])
    }

    /// What happens to this recipient.
    pub fn answer(&self, recipient: &str) -> &Answer {
        let recipient = recipient.to_ascii_lowercase();
        let rule = self.0.iter().find(|rule| fits(&rule.recipient, &recipient));
        rule.map_or(&Answer::Accept, |rule| &rule.answer)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            let Some(rest) = text.strip_prefix(head) else {
                return false;
            };
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(tail, &rest[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides_in_any_case() {
        let script = Script(vec![
            Rule::new("a*@Example.com", Answer::GreylistOnce),
            Rule::new("*@example.com", Answer::Silent { kept: true }),
        ]);
        assert_eq!(script.answer("ADA@example.com"), &Answer::GreylistOnce);
        assert_eq!(script.answer("bob@example.com"), &Answer::Silent { kept: true });
        assert_eq!(script.answer("bob@example.org"), &Answer::Accept);
    }
}
