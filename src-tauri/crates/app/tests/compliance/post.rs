//! Makes messages the way a lane does: template, render child, doors, envelope, signature.

use carillon_adapters::dkim::{Key, Signer, make_key};
use carillon_app::letters::{self, Doors, Posting, Press};
use carillon_engine::record::ContactRecord;
use carillon_model::account::{Account, Tls};
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::event::Prop;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{AccountId, Moment};
use carillon_render::child::{Mode, Output, Request};
use carillon_render::links::Utm;
use carillon_render::{Context, EventContext, TemplateParts};
use carillon_store::tokens::{TokenKind, Tokens};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const STARTERS: [(&str, &str); 4] = [
    (
        "welcome",
        include_str!("../../../../../assets/templates/welcome.json"),
    ),
    (
        "second-visit",
        include_str!("../../../../../assets/templates/second-visit.json"),
    ),
    (
        "abandoned-cart",
        include_str!("../../../../../assets/templates/abandoned-cart.json"),
    ),
    (
        "win-back",
        include_str!("../../../../../assets/templates/win-back.json"),
    ),
];
/// A template that prints what it is given wherever something can be printed.
const EVERYWHERE: &str = include_str!("everywhere.mjml");

/// What a careless import or a hostile form leaves in a field.
const VALUES: [&str; 30] = [
    "Ada",
    "José María",
    "Ada\r\nBcc: everybody@example.com",
    "Ada\nSubject: free money",
    "\r\n\r\n<script>alert(1)</script>",
    "nul\0byte",
    "👩‍👩‍👧‍👦 Family 🎉",
    "عائشة بنت محمد",
    "\u{202e}evil\u{2066}",
    "O'Brien \"Bob\", Jr.; <bob@evil.example>",
    "=?utf-8?q?Hello?=",
    "=?utf-8?b?w6?=",
    "a,b;c:d@e.example",
    "\\",
    "\\\"",
    "(comment",
    "[list]",
    "  spaces \t tabs  ",
    "{{ sender.email }}{% if %}",
    "<b>bold</b> & </body></html><!--",
    "&amp;&lt;&#0;&copy",
    "https://evil.example/?a=1&b=2#c",
    "\u{feff}\u{200b}\u{2028}\u{2029}\u{85}",
    "東京都千代田区",
    "Re: hello",
    ".",
    "..\r\n.\r\n",
    "=20=0D=0A=",
    "ﷺ\u{301}\u{301}\u{301}",
    "--=_carillon",
];

/// Steps are named by whoever wrote the journey's file.
const CAMPAIGNS: [&str; 3] = [
    "j3-welcome",
    "j3-Schritt: zwei,\r\nBcc: \u{fc}",
    "j12-a very long name of a step, which nobody would give, but somebody may",
];

/// A message and what the checker is told of it, as one line of JSON.
pub struct Made {
    pub message: Vec<u8>,
    pub told: serde_json::Value,
}

/// Somebody who sends.
struct House {
    workspace: Workspace,
    account: Account,
    domain: &'static str,
    relay: String,
    signer: Signer,
    utm: Utm,
}

pub struct Post {
    dice: StdRng,
    press: Press,
    houses: Vec<House>,
    templates: Vec<(&'static str, TemplateParts)>,
    message_tokens: Tokens,
    door_tokens: Tokens,
    made: i64,
    /// Why some were not made, and how many.
    pub refused: BTreeMap<String, u64>,
}

/// What is decided of a message before its template is rendered.
struct Order {
    record: ContactRecord,
    message_id: String,
    token: String,
    doors: Doors,
    measured: bool,
    marketing: bool,
    date: Moment,
}

fn moment(seconds: i64) -> Moment {
    Moment::from_timestamp(seconds, 0).unwrap()
}

fn starter(source: &str) -> TemplateParts {
    let file: serde_json::Value = serde_json::from_str(source).unwrap();
    let lines = |key: &str| {
        let lines = file[key].as_array().unwrap();
        lines
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect::<Vec<_>>()
            .join("\n")
    };
    TemplateParts {
        subject: file["subject"].as_str().unwrap().to_owned(),
        preheader: file["preheader"].as_str().unwrap().to_owned(),
        body: lines("body"),
        text: lines("text"),
    }
}

fn house(domain: &'static str, organisation: &str, address: &str, from_name: &str, key: &str) -> House {
    let key = Key::read(&carillon_adapters::Secret::new(key.to_owned())).unwrap();
    House {
        workspace: Workspace {
            name: organisation.to_owned(),
            clock: ClockKind::Real,
            sample: false,
            time_zone: "Europe/Berlin".to_owned(),
            postal_address: address.to_owned(),
            organisation: organisation.to_owned(),
            created_at: moment(1_790_000_000),
        },
        account: Account {
            id: AccountId(1),
            name: "main".to_owned(),
            host: "mail.example".to_owned(),
            port: 465,
            tls: Tls::Tls,
            user: String::new(),
            auth: Default::default(),
            from_name: from_name.to_owned(),
            from_email: format!("hello@{domain}"),
            reply_to: organisation
                .len()
                .is_multiple_of(2)
                .then(|| format!("replies+all@{domain}")),
            ca_file: None,
            per_day: 1,
            per_minute: 1,
            sessions: 1,
            preset: None,
            provider: None,
            dkim: None,
        },
        domain,
        relay: format!("https://go.{domain}/"),
        signer: Signer::new(key, domain, "carillon1").unwrap(),
        utm: Utm {
            source: organisation.to_owned(),
            medium: "email".to_owned(),
            campaign: "Spring & co".to_owned(),
            content: String::new(),
        },
    }
}

impl Post {
    pub fn new(seed: u64) -> Post {
        let secret = make_key().unwrap();
        let key = secret.expose();
        Post {
            dice: StdRng::seed_from_u64(seed),
            press: Press::default(),
            houses: vec![
                house(
                    "ember.example",
                    "Ember & Oak",
                    "1 Mill Lane, Bath BA1 1AA",
                    "Maya and the team",
                    key,
                ),
                house(
                    "xn--bcher-kva.example",
                    "Bücher “Müller” GmbH",
                    "Straße 1\n10115 Berlin\nDeutschland",
                    "Müller, Jörg",
                    key,
                ),
                house("shop.example.com", "<Tea> 'House'", "渋谷区 1-2-3, 東京", "", key),
                house(
                    "a-b.example",
                    "A \"B\"; C, D",
                    "Box 9; Suite <3> & more",
                    "hello@a-b.example",
                    key,
                ),
            ],
            templates: STARTERS
                .iter()
                .map(|(name, source)| (*name, starter(source)))
                .chain([(
                    "everywhere",
                    TemplateParts {
                        subject: "{{ first_name | default: \"You\" }}: news {{ company }}".to_owned(),
                        preheader: "{{ last_name }} {{ company }}".to_owned(),
                        body: EVERYWHERE.to_owned(),
                        text: String::new(),
                    },
                )])
                .collect(),
            message_tokens: Tokens::new(&[7; 16], seed as u16),
            door_tokens: Tokens::new(&[9; 16], seed as u16),
            made: 0,
            refused: BTreeMap::new(),
        }
    }

    /// Up to `most` messages of one template and sender.
    pub async fn batch(&mut self, most: u64) -> Vec<Made> {
        let house = self.dice.random_range(0..self.houses.len());
        let (name, parts) = self.templates[self.dice.random_range(0..self.templates.len())].clone();
        let orders: Vec<Order> = (0..most.min(25)).map(|_| self.order(house)).collect();
        let house = &self.houses[house];
        let contexts = orders.iter().map(|order| context(house, order)).collect();
        let request = Request {
            template: parts,
            sender: letters::sender(&house.workspace, Some(&house.account)),
            mode: Mode::Render,
            contexts,
        };
        let answers = self.press.run(request).await.unwrap();
        let mut all = Vec::new();
        for (order, answer) in orders.into_iter().zip(answers) {
            let made = match answer {
                Ok(Output::Message(content)) => finish(house, name, order, content),
                Ok(_) => Err("no message".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match made {
                Ok(made) => all.push(made),
                Err(why) => *self.refused.entry(why).or_default() += 1,
            }
        }
        all
    }

    fn order(&mut self, house: usize) -> Order {
        let House {
            domain, relay, utm, ..
        } = &self.houses[house];
        self.made += 1;
        let message_id = self.message_tokens.message_id(self.made, domain);
        let token = message_id[1..33].to_owned();
        let door = self.door_tokens.make(TokenKind::Unsubscribe, self.made);
        let (has_relay, measured) = (self.dice.random_bool(0.7), self.dice.random_bool(0.5));
        let measured = has_relay && measured;
        let address = |kind: &str| has_relay.then(|| format!("{relay}{kind}/{door}"));
        let (base, utm) = (format!("{relay}c/{door}"), utm.clone());
        let doors = Doors {
            unsubscribe: address("u"),
            preferences: address("p"),
            confirm: address("k"),
            click: measured.then(|| {
                let lead = move |link: &carillon_render::links::Link| {
                    let mark = blake3::hash(utm.added_to(&link.url).as_bytes()).to_hex();
                    Some(format!("{base}/{}?m={mark}&p={}", &mark[..8], link.position))
                };
                Arc::new(lead) as letters::Click
            }),
            pixel: address("o").filter(|_| measured),
            trap: address("x").filter(|_| measured),
        };
        Order {
            record: self.contact(),
            message_id,
            token,
            doors,
            measured,
            marketing: self.dice.random_bool(0.9),
            date: moment(self.dice.random_range(1_600_000_000..1_790_000_000)),
        }
    }

    fn contact(&mut self) -> ContactRecord {
        let mut fields = BTreeMap::new();
        let tops = ["example.com", "xn--bcher-kva.example", "mail.a-b.example.org"];
        let local = ["contact", "o'brien", "a+b=c", "{x}|y", "first.last"]
            .choose(&mut self.dice)
            .unwrap();
        let email = format!("{local}{}@{}", self.made, tops.choose(&mut self.dice).unwrap());
        fields.insert("email".to_owned(), Value::Text(email));
        for key in ["first_name", "last_name", "company", "language"] {
            if self.dice.random_bool(0.25) {
                continue;
            }
            let value = match self.dice.random_range(0..40) {
                0 => VALUES.choose(&mut self.dice).unwrap().repeat(300),
                1 => "x".repeat(300),
                2 => "ü".repeat(300),
                3 => (0..40).map(|_| self.dice.random::<char>()).collect(),
                _ => (*VALUES.choose(&mut self.dice).unwrap()).to_owned(),
            };
            fields.insert(key.to_owned(), Value::Text(value));
        }
        ContactRecord {
            fields,
            ..ContactRecord::default()
        }
    }
}

fn context(house: &House, order: &Order) -> Context {
    let unsubscribe = order.doors.unsubscribe_url(&house.account, &order.token);
    let context = letters::context(
        &order.record,
        chrono_tz::Europe::Berlin,
        order.date,
        Some(unsubscribe),
    );
    let total = Money {
        minor: 2350,
        currency: Currency::parse("GBP").unwrap(),
    };
    Context {
        event: Some(EventContext {
            name: "cart_abandoned".to_owned(),
            at: order.date,
            props: BTreeMap::from([
                (
                    "product".to_owned(),
                    Prop::Text("House \"espresso\"\r\n & co".to_owned()),
                ),
                ("amount".to_owned(), Prop::Money(total)),
                (
                    "url".to_owned(),
                    Prop::Text("https://example.com/cart/9?a=1&b=2".to_owned()),
                ),
            ]),
        }),
        preferences_url: order.doors.preferences.clone(),
        confirm_url: order.doors.confirm.clone(),
        ..context
    }
}

fn finish(
    house: &House,
    template: &str,
    order: Order,
    content: carillon_render::Rendered,
) -> Result<Made, String> {
    let to = match order.record.fields.get("email") {
        Some(Value::Text(email)) => email.clone(),
        _ => String::new(),
    };
    let relay = order.doors.unsubscribe.is_some().then_some(&house.relay);
    let posting = Posting {
        message_id: order.message_id,
        token: &order.token,
        date: order.date,
        campaign: order
            .marketing
            .then(|| CAMPAIGNS[order.token.as_bytes()[0] as usize % CAMPAIGNS.len()].to_owned()),
        workspace_id: &house.workspace.name,
        doors: &order.doors,
    };
    let envelope = letters::envelope(&house.workspace, &house.account, &order.record, posting);
    let message = letters::finished(&envelope, content, &order.doors, Some(&house.signer))
        .map_err(|e| e.to_string())?;
    let local = to.split('@').next().unwrap_or_default();
    let told = json!({
        "bytes": message.len(),
        "kind": template,
        "domain": house.domain,
        "to": &to,
        "marketing": order.marketing,
        "relay": relay,
        "leave": &order.doors.unsubscribe,
        "preferences": &order.doors.preferences,
        "measured": order.measured,
        "postal_address": &house.workspace.postal_address,
        "sender": &house.workspace.organisation,
        "record": house.signer.record().value,
        "personal": [&to, local],
    });
    Ok(Made { message, told })
}
