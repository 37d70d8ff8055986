//! From what a mail says to what was heard: which message of ours it answers, and what follows.

use crate::responses::Heard;
use carillon_adapters::mailbox::notice::{Action, AutoReply, Class, Complaint, Kind, Notice, Report};
use carillon_model::MessageId;
use carillon_model::event::Prop;
use carillon_model::response::{BounceClass, ResponseKind};
use carillon_store::Db;
use carillon_store::tokens::TokenKind;

/// What a mail has to say to this workspace; nothing where it is none of its business.
pub fn heard(db: &Db<'_>, notice: &Notice, source: &str) -> Vec<Heard> {
    let message = message_of(db, notice);
    let of = |kind: ResponseKind| Heard {
        message,
        address: notice.from.clone(),
        proved: message.is_some(),
        ..Heard::of(kind, source, notice.date)
    };
    match &notice.kind {
        // It names nobody, but the message that came back is ours.
        Kind::Bounce(report) if report.recipients.is_empty() && message.is_some() => vec![Heard {
            address: None,
            class: Some(BounceClass::Soft),
            detail: Some(notice.text.clone()),
            ..of(ResponseKind::Bounced)
        }],
        Kind::Bounce(report) | Kind::Delayed(report) | Kind::Delivered(report) => {
            reported(&of(ResponseKind::Delayed), report)
        }
        Kind::Complaint(complaint) if complaint.objects() => {
            vec![complained(&of(ResponseKind::Complained), complaint)]
        }
        Kind::AutoReply(answer) => vec![answered(of(ResponseKind::AutoReplied), answer, notice)],
        Kind::Unsubscribe { token } => {
            let named = token
                .as_deref()
                .and_then(|t| db.tokens().read(TokenKind::Message, t));
            vec![Heard {
                message: named.map(MessageId).or(message),
                detail: Some(notice.subject.clone()),
                ..of(ResponseKind::Unsubscribed)
            }]
        }
        // A person who writes of their own accord has not answered anything.
        // Unless they may want to be left alone: then whoever they are is asked of their address.
        Kind::Reply { may_leave } if message.is_some() || *may_leave => vec![Heard {
            detail: Some(notice.text.clone()),
            may_leave: *may_leave,
            ..of(ResponseKind::Replied)
        }],
        Kind::Receipt { disposition, .. } if disposition == "displayed" && message.is_some() => {
            vec![Heard {
                rule: Some("receipt".to_owned()),
                ..of(ResponseKind::Opened)
            }]
        }
        Kind::Complaint(_) | Kind::Reply { .. } | Kind::Receipt { .. } | Kind::Challenge | Kind::Other => {
            Vec::new()
        }
    }
}

/// The message of ours a mail names: by its Message-ID, or by the token in an address of ours the mail came to.
fn message_of(db: &Db<'_>, notice: &Notice) -> Option<MessageId> {
    let tokens = db.tokens();
    let by_reference = notice.references.iter().find_map(|id| tokens.read_message_id(id));
    let by_address = || {
        notice.delivered_to.iter().find_map(|address| {
            let local = address.split('@').next()?;
            local
                .split(['+', '-', '='])
                .find_map(|part| tokens.read(TokenKind::Message, part))
        })
    };
    by_reference.or_else(by_address).map(MessageId)
}

fn reported(base: &Heard, report: &Report) -> Vec<Heard> {
    let heard = |recipient: &carillon_adapters::mailbox::notice::Recipient| {
        let kind = match recipient.action {
            Action::Failed => ResponseKind::Bounced,
            Action::Delayed => ResponseKind::Delayed,
            Action::Delivered | Action::Relayed | Action::Expanded => ResponseKind::Delivered,
        };
        let said = [recipient.status.as_deref(), Some(recipient.diagnostic.as_str())];
        let detail: Vec<&str> = said
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        Heard {
            kind,
            address: Some(recipient.address.clone()),
            class: recipient.class.map(class),
            rule: Some(recipient.rule.clone()).filter(|rule| !rule.is_empty()),
            of_sender: recipient.of_sender,
            detail: Some(detail.join(" ")),
            ..base.clone()
        }
    };
    // A message of ours has one recipient: several reports of one are hops of the same way, and the worst counts.
    let mut all: Vec<Heard> = report.recipients.iter().map(heard).collect();
    if base.message.is_some() {
        let worst = |kind: ResponseKind| match kind {
            ResponseKind::Bounced => 0,
            ResponseKind::Delayed => 1,
            _ => 2,
        };
        all.sort_by_key(|heard| worst(heard.kind));
        all.truncate(1);
    }
    all
}

fn class(class: Class) -> BounceClass {
    match class {
        Class::Hard => BounceClass::Hard,
        Class::Soft => BounceClass::Soft,
        Class::Block => BounceClass::Block,
    }
}

/// Whoever complained, not the provider that passed it on.
fn complained(base: &Heard, complaint: &Complaint) -> Heard {
    Heard {
        address: complaint.recipients.first().cloned(),
        detail: Some(complaint.feedback_type.clone()),
        ..base.clone()
    }
}

fn answered(base: Heard, answer: &AutoReply, notice: &Notice) -> Heard {
    let mut heard = Heard {
        detail: Some(notice.text.clone()),
        ..base
    };
    let mut put = |key: &str, text: String| heard.props.insert(key.to_owned(), Prop::Text(text));
    let kind = match answer {
        AutoReply::OutOfOffice {
            returns_on,
            replacement,
        } => {
            if let Some(day) = returns_on {
                put("returns_on", day.to_string());
            }
            if let Some(address) = replacement {
                put("replacement", address.clone());
            }
            "out_of_office"
        }
        AutoReply::LeftCompany { replacement } => {
            if let Some(address) = replacement {
                put("replacement", address.clone());
            }
            "left_company"
        }
        AutoReply::AddressChanged { new } => {
            if let Some(address) = new {
                put("new_address", address.clone());
            }
            "address_changed"
        }
        AutoReply::Other => "other",
    };
    put("kind", kind.to_owned());
    heard.rule = Some(kind.to_owned());
    heard
}
