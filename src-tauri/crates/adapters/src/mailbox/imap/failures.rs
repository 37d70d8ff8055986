//! What went wrong, in a sentence that says what to do.

use super::presets::preset_for_host;
use super::wire::Lost;
use crate::failure::{failure, one_line};
use carillon_model::mailbox::Auth;
use carillon_model::message::{Failure, FailureClass};
use std::fmt;

/// Where a session is; ends a sentence in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Greeting,
    Capabilities,
    Starttls,
    Tls,
    LogIn,
    Open(String),
    Look(String),
    Fetch,
    List,
    Wait,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Greeting => f.write_str("waiting for the greeting"),
            Step::Capabilities => f.write_str("asking what the server can do"),
            Step::Starttls => f.write_str("asking for encryption"),
            Step::Tls => f.write_str("setting up encryption"),
            Step::LogIn => f.write_str("logging in"),
            Step::Open(folder) => write!(f, "opening the folder {folder}"),
            Step::Look(folder) => write!(f, "looking for new mail in {folder}"),
            Step::Fetch => f.write_str("fetching mail"),
            Step::List => f.write_str("listing the folders"),
            Step::Wait => f.write_str("waiting for new mail"),
        }
    }
}

/// How a command ended badly.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server said NO or BAD; the session can go on.
    Refused(Failure),
    /// The session is of no use any more.
    Lost(Failure),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        match fault {
            Fault::Refused(failure) | Fault::Lost(failure) => failure,
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        Fault::Lost(failure)
    }
}

/// The failure of a connection that was lost in this step.
pub(super) fn lost_failure(host: &str, step: &Step, lost: Lost) -> Failure {
    let early = matches!(step, Step::Greeting | Step::Capabilities);
    let (class, code, what) = match lost {
        Lost::Closed => (
            FailureClass::Transient,
            "connection_lost",
            "ended the connection".to_owned(),
        ),
        Lost::TimedOut if *step == Step::Greeting => (
            FailureClass::Transient,
            "timeout",
            "said nothing. If it stays so, the port may be one that wants TLS from the first byte (993), or STARTTLS \
             (143)"
                .to_owned(),
        ),
        Lost::TimedOut => (FailureClass::Transient, "timeout", "gave no answer in time".to_owned()),
        Lost::TooLong => (
            FailureClass::Transient,
            "too_long",
            "sent more than was asked for, and the connection was ended".to_owned(),
        ),
        Lost::OutOfTurn => (
            FailureClass::Transient,
            "out_of_turn",
            "answered a question nobody had asked".to_owned(),
        ),
        Lost::NotImap if early => (
            FailureClass::Setup,
            "not_imap",
            "answered, but not as a server of mailboxes does. Check the port: IMAP is 993 with TLS, 143 with STARTTLS"
                .to_owned(),
        ),
        Lost::NotImap => (
            FailureClass::Transient,
            "bad_response",
            "gave an answer that makes no sense".to_owned(),
        ),
    };
    failure(
        class,
        code,
        format!("{host} {what} ({step}). Nothing in the mailbox was changed."),
    )
}

/// The failure of a command that was answered NO or BAD. `code` is the response code without brackets
/// (RFC 5530 §3), `text` what the server says for people.
pub(super) fn refusal(host: &str, step: &Step, code: &str, text: &str) -> Failure {
    let word = code.split(' ').next().unwrap_or("").to_ascii_uppercase();
    let said = one_line(text);
    let class = match word.as_str() {
        "UNAVAILABLE" | "SERVERBUG" | "INUSE" | "EXPUNGEISSUED" | "CORRUPTION" => FailureClass::Transient,
        "LIMIT" | "THROTTLED" | "OVERQUOTA" => FailureClass::Throttled,
        "AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED" | "EXPIRED" => FailureClass::Auth,
        "NONEXISTENT" | "TRYCREATE" | "CANNOT" | "NOPERM" | "PRIVACYREQUIRED" | "CONTACTADMIN" => {
            FailureClass::Setup
        }
        _ => match step {
            Step::Open(_) | Step::Look(_) => FailureClass::Setup,
            _ => FailureClass::Transient,
        },
    };
    let todo = match (step, word.as_str()) {
        (_, "UNAVAILABLE" | "SERVERBUG" | "INUSE") => " It is tried again by itself.",
        (_, "LIMIT" | "THROTTLED" | "OVERQUOTA") => {
            " Other programs may read this mailbox too often at the same time."
        }
        (_, "CONTACTADMIN") => " Ask whoever runs the mail server.",
        (Step::Open(_) | Step::Look(_), _) => {
            " Check the mailbox's folders: this one may have been renamed or removed."
        }
        _ => "",
    };
    let code = if word.is_empty() {
        "refused".to_owned()
    } else {
        word
    };
    failure(class, code, format!("{host} refused ({step}): {said}.{todo}"))
}

/// The failure of a login. What to do depends on the provider (`assets/rules/mailboxes.json`).
pub(super) fn login_refusal(host: &str, auth: &Auth, code: &str, text: &str) -> Failure {
    let word = code.split(' ').next().unwrap_or("").to_ascii_uppercase();
    let said = one_line(text);
    let passing = matches!(
        word.as_str(),
        "UNAVAILABLE" | "SERVERBUG" | "INUSE" | "LIMIT" | "THROTTLED"
    );
    if passing {
        return refusal(host, &Step::LogIn, code, text);
    }
    let todo = match (auth, word.as_str()) {
        (Auth::OAuth { .. }, _) => {
            "Sign in again in the browser, with the account this mailbox belongs to, and allow that mail is read."
        }
        (Auth::Password, "EXPIRED") => {
            "The password is too old: choose a new one at the provider and enter it here."
        }
        (Auth::Password, "PRIVACYREQUIRED") => "The server wants encryption: choose TLS or STARTTLS.",
        (Auth::Password, "CONTACTADMIN") => "Ask whoever runs the mail server.",
        (Auth::Password, _) => preset_for_host(host).refused.as_str(),
    };
    let code = if word.is_empty() {
        "login_refused".to_owned()
    } else {
        word
    };
    failure(
        FailureClass::Auth,
        code,
        format!("{host} refused the login: {said}. {todo}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_password_says_what_to_do_at_this_provider() {
        let said = |host: &str| {
            login_refusal(
                host,
                &Auth::Password,
                "AUTHENTICATIONFAILED",
                "Invalid credentials",
            )
        };
        let gmail = said("imap.gmail.com");
        assert_eq!(
            (gmail.class, gmail.code.as_str()),
            (FailureClass::Auth, "AUTHENTICATIONFAILED")
        );
        assert!(gmail.detail.contains("app password"), "{}", gmail.detail);
        assert!(said("outlook.office365.com").detail.contains("browser"));
        assert!(said("imap.gmx.net").detail.contains("switched on"));
        assert!(said("mail.example.com").detail.contains("user name"));
    }

    #[test]
    fn a_server_that_is_only_busy_is_tried_again_and_not_taken_for_a_wrong_password() {
        for code in ["UNAVAILABLE", "INUSE", "SERVERBUG"] {
            let failure = login_refusal("h", &Auth::Password, code, "later");
            assert_eq!(failure.class, FailureClass::Transient, "{code}");
        }
        assert_eq!(
            login_refusal("h", &Auth::Password, "LIMIT", "slow").class,
            FailureClass::Throttled
        );
    }
}
