//! What somebody does, and how that reaches the sender: as a request of a web page, as a mail, or in the shop.

use super::form::{Filling, filled};
use super::mail::Mailto;
use super::person::Server;
use super::settings::{Language, Persona};
use crate::notices;
use carillon_model::Moment;
use carillon_model::contact::Money;
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// What an act is about: the mail it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Of the mail, without brackets; empty where it has none.
    pub message_id: String,
    pub subject: String,
    /// Name and address of the header From.
    pub from_name: String,
    pub from: String,
    /// Where answers of people go.
    pub reply_to: String,
    /// The envelope's sender, where notices of machines go.
    pub mail_from: String,
    /// The envelope's recipient as it was written.
    pub to: String,
    pub delivered_at: Moment,
    pub persona: Persona,
    pub language: Language,
    pub server: Server,
    pub agent: String,
}

/// Why a mail came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// 5.1.1: no such mailbox.
    Unknown,
    /// 4.2.2 or 5.2.2: no room.
    Full,
    /// 5.7.1: the sender is refused.
    Blocked,
}

/// How far the delivery of a mail that comes back got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is still tried.
    Delayed,
    /// It was given up.
    Failed,
}

/// How somebody leaves the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// The button of the mail program (RFC 8058).
    OneClick {
        url: String,
    },
    Mailto(Mailto),
    /// A page with a button.
    Page {
        url: String,
    },
}

/// What somebody, or a machine for somebody, does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Open {
        pixel: String,
    },
    /// Of machines: asks for the head of a page.
    Probe {
        url: String,
    },
    Click {
        url: String,
    },
    /// Opens a page and presses its button to confirm an address.
    Confirm {
        url: String,
    },
    /// Opens a page and fills in its form.
    FillForm {
        url: String,
    },
    Unsubscribe(Leaving),
    /// In the person's own words, above a quote of these lines.
    Reply {
        text: String,
        quote: Vec<String>,
    },
    OutOfOffice {
        back_on: NaiveDate,
    },
    LeftCompany,
    /// Presses *spam*. `head`: the mail's headers, which the provider returns.
    Complain {
        head: String,
    },
    Buy {
        amount: Money,
    },
    /// Sends the form of a page that was opened before, as it was filled in.
    Send {
        request: HttpRequest,
    },
    /// The recipient's server, or the sender's own, on a mail that was not delivered.
    Bounce {
        trouble: Trouble,
        stage: Stage,
        tried_since: Moment,
        head: String,
    },
}

/// Something somebody does on account of a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    pub about: About,
    pub deed: Deed,
}

/// Method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Post,
}

/// A request as a browser, a mail program or a scanner makes it. Whoever makes it follows no redirect to anywhere but
/// this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A mail to the sender, as its mailbox has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The address it went to.
    pub to: String,
    /// Exactly what an IMAP FETCH of `BODY[]` gives.
    pub bytes: Vec<u8>,
}

/// How an act reaches the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Request(HttpRequest),
    Mail(Incoming),
    /// The shop hears of it.
    Purchase {
        buyer: String,
        amount: Money,
    },
}

impl Act {
    /// Address of who does it, in lower case.
    pub fn who(&self) -> String {
        self.about.to.to_lowercase()
    }

    /// The same for the same act at the same moment and for no other: so that what is done twice, as after a crash,
    /// counts once.
    pub fn key(&self, at: Moment) -> [u8; 16] {
        let mut key = [0; 16];
        let all = serde_json::to_vec(&(at.timestamp_millis(), self)).unwrap_or_default();
        key.copy_from_slice(&blake3::hash(&all).as_bytes()[..16]);
        key
    }

    /// How it reaches the sender when it is done at this moment.
    pub fn effect(&self, at: Moment) -> Effect {
        let get = |url: &str| Effect::Request(self.request(Method::Get, url, Vec::new()));
        match &self.deed {
            Deed::Open { pixel } => get(pixel),
            Deed::Probe { url } => Effect::Request(self.request(Method::Head, url, Vec::new())),
            Deed::Click { url }
            | Deed::Confirm { url }
            | Deed::FillForm { url }
            | Deed::Unsubscribe(Leaving::Page { url }) => get(url),
            Deed::Unsubscribe(Leaving::OneClick { url }) => {
                Effect::Request(self.request(Method::Post, url, b"List-Unsubscribe=One-Click".to_vec()))
            }
            Deed::Buy { amount } => Effect::Purchase {
                buyer: self.who(),
                amount: *amount,
            },
            Deed::Send { request } => Effect::Request(request.clone()),
            Deed::Unsubscribe(Leaving::Mailto(mailto)) => {
                Effect::Mail(notices::unsubscribe(&self.about, at, mailto))
            }
            Deed::Reply { text, quote } => Effect::Mail(notices::reply(&self.about, at, text, quote)),
            Deed::OutOfOffice { back_on } => Effect::Mail(notices::out_of_office(&self.about, at, *back_on)),
            Deed::LeftCompany => Effect::Mail(notices::left_company(&self.about, at)),
            Deed::Complain { head } => Effect::Mail(notices::complaint(&self.about, at, head)),
            Deed::Bounce {
                trouble,
                stage,
                tried_since,
                head,
            } => Effect::Mail(notices::bounce(
                &self.about,
                at,
                (*trouble, *stage),
                *tried_since,
                head,
            )),
        }
    }

    /// What is pressed on the page that came, after its redirects, from `url`: a form is filled in and sent, a button
    /// to leave or to confirm pressed, so long after the page came. `None` where this act presses nothing, or the page
    /// has nothing to press.
    pub fn press(&self, url: &str, page: &[u8]) -> Option<(TimeDelta, HttpRequest)> {
        let filling = match &self.deed {
            Deed::FillForm { .. } => Filling::Everything,
            Deed::Confirm { .. } => Filling::Button(&["confirm", "bestätig", "yes", "ja", "oui"]),
            Deed::Unsubscribe(Leaving::Page { .. }) => {
                Filling::Leave(&["unsubscribe", "all", "abmelden", "alle", "désinscri", "tout"])
            }
            _ => return None,
        };
        let filled = filled(url, page, filling, &self.about)?;
        let request = self.request(filled.method, &filled.url, filled.body);
        Some((filled.takes, request))
    }

    fn request(&self, method: Method, url: &str, body: Vec<u8>) -> HttpRequest {
        let mut headers = vec![("User-Agent".to_owned(), self.about.agent.clone())];
        let mut header = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        let accepts = match self.deed {
            Deed::Open { .. } => "image/avif,image/webp,image/png,image/*;q=0.8,*/*;q=0.5",
            _ => "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        };
        header("Accept", accepts);
        if self.about.persona != Persona::Bot {
            header(
                "Accept-Language",
                match self.about.language {
                    Language::English => "en-GB,en;q=0.9",
                    Language::German => "de-DE,de;q=0.9,en;q=0.6",
                    Language::French => "fr-FR,fr;q=0.9,en;q=0.6",
                },
            );
        }
        if method == Method::Post {
            header("Content-Type", "application/x-www-form-urlencoded");
        }
        HttpRequest {
            method,
            url: url.to_owned(),
            headers,
            body,
        }
    }
}
