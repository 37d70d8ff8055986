//! Mails that come back (RFC 3464 and its elder brother from qmail), each in the manner of one kind of server.

use super::mime::{Message, address, date, domain, id, one_line, token};
use super::{arrived, language};
use crate::personas::{About, Incoming, Language, Server, Stage, Trouble};
use carillon_model::Moment;
use chrono::TimeDelta;

/// What a recipient's server said, with its codes.
fn said(trouble: Trouble, to: &str, server: Server) -> (&'static str, String) {
    match (trouble, server) {
        (Trouble::Unknown, Server::Exchange) => (
            "5.1.10",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; no recipient of this SMTP address".into(),
        ),
        (Trouble::Unknown, _) => (
            "5.1.1",
            format!("550 5.1.1 <{to}>: user unknown in the mailbox table"),
        ),
        (Trouble::Full, Server::Exchange) => (
            "5.2.2",
            "554 5.2.2 mailbox full; STOREDRV.Deliver; quota exceeded".into(),
        ),
        (Trouble::Full, _) => ("4.2.2", format!("452 4.2.2 <{to}>: mailbox is over its quota")),
        (Trouble::Blocked, Server::Exchange) => (
            "5.7.1",
            "550 5.7.1 service unavailable; sender [192.0.2.25] is on a block list of the organisation"
                .into(),
        ),
        (Trouble::Blocked, _) => (
            "5.7.1",
            "550 5.7.1 message refused: the sending address has a poor reputation".into(),
        ),
    }
}

/// A notice about a mail with these headers that was tried since a moment.
pub fn bounce(
    about: &About,
    at: Moment,
    (trouble, stage): (Trouble, Stage),
    tried_since: Moment,
    head: &str,
) -> Incoming {
    let case = Case {
        to: address(&about.to),
        sender: address(&about.mail_from),
        status: said(trouble, &address(&about.to), about.server).0,
        reply: said(trouble, &address(&about.to), about.server).1,
        about,
        stage,
        at,
        tried_since,
        head,
    };
    let message = match about.server {
        Server::Postfix => case.postfix(),
        Server::Exchange => case.exchange(),
        Server::Qmail => case.qmail(),
    };
    Incoming {
        to: case.sender,
        bytes: message.into_bytes(),
    }
}

struct Case<'a> {
    about: &'a About,
    to: String,
    sender: String,
    status: &'static str,
    reply: String,
    stage: Stage,
    at: Moment,
    tried_since: Moment,
    head: &'a str,
}

impl Case<'_> {
    fn token(&self, of: &str, digits: usize) -> String {
        let stage = format!("{:?} {}", self.stage, self.at.timestamp_millis());
        token(&["bounce", of, &self.about.message_id, &self.to, &stage], digits)
    }

    fn action(&self) -> &'static str {
        match self.stage {
            Stage::Delayed => "delayed",
            Stage::Failed => "failed",
        }
    }

    /// The sender's own server tells.
    fn postfix(&self) -> Message {
        let host = format!("mail.{}", domain(&self.sender));
        let queue = self.token("queue", 11).to_uppercase();
        let boundary = format!("{queue}.{}/{host}", self.at.timestamp());
        let mut m = arrived(&self.sender, "", None, self.at);
        m.raw("Date", &date(self.at));
        m.raw("From", &format!("MAILER-DAEMON@{host} (Mail Delivery System)"));
        m.header(
            "Subject",
            match self.stage {
                Stage::Delayed => "Delayed Mail (still being retried)",
                Stage::Failed => "Undelivered Mail Returned to Sender",
            },
        );
        m.raw("To", &self.sender).raw("Auto-Submitted", "auto-replied");
        m.raw("MIME-Version", "1.0");
        m.line("Content-Type: multipart/report; report-type=delivery-status;");
        m.line(&format!("\tboundary=\"{boundary}\""));
        m.raw(
            "Message-Id",
            &format!("<{}.{queue}@{host}>", self.at.format("%Y%m%d%H%M%S")),
        );
        m.line("").line("This is a MIME-encapsulated message.").line("");
        m.line(&format!("--{boundary}"))
            .raw("Content-Description", "Notification");
        let fate = match self.stage {
            Stage::Delayed => {
                "could not be delivered for some hours. It will be tried\nuntil it is five days old; there is nothing you need to do."
            }
            Stage::Failed => "could not be delivered to the recipient below. It was\nremoved from the queue.",
        };
        m.text(
            "text/plain",
            &format!(
                "This is the mail system at host {host}.\n\nA message of yours {fate}\n\n<{}>: host mx.{}[192.0.2.25] said: {}\n    (in reply to RCPT TO command)",
                self.to,
                domain(&self.to),
                self.reply
            ),
        );
        m.line("")
            .line(&format!("--{boundary}"))
            .raw("Content-Description", "Delivery report");
        m.raw("Content-Type", "message/delivery-status").line("");
        m.raw("Reporting-MTA", &format!("dns; {host}"));
        m.raw("X-Postfix-Queue-ID", &queue);
        m.raw("X-Postfix-Sender", &format!("rfc822; {}", self.sender));
        m.raw("Arrival-Date", &date(self.tried_since)).line("");
        self.recipient(&mut m);
        m.raw("Remote-MTA", &format!("dns; mx.{}", domain(&self.to)));
        m.raw("Diagnostic-Code", &format!("smtp; {}", self.reply));
        if self.stage == Stage::Delayed {
            m.raw("Will-Retry-Until", &date(self.tried_since + TimeDelta::days(5)));
        }
        m.line("").line(&format!("--{boundary}"));
        m.raw("Content-Description", "Undelivered Message Headers");
        self.returned(&mut m, "text/rfc822-headers");
        m.line("").line(&format!("--{boundary}--"));
        m
    }

    /// The recipient's organisation tells, in its language.
    fn exchange(&self) -> Message {
        let host = domain(&self.to).to_owned();
        let boundary = format!("_000_{}_", self.token("boundary", 32));
        let inner = format!("_001_{}_", self.token("inner", 32));
        let (undeliverable, text) = match language(self.about) {
            Language::English => (
                "Undeliverable: ",
                "Your message could not be delivered to the recipient below.",
            ),
            Language::German => (
                "Unzustellbar: ",
                "Ihre Nachricht konnte dem folgenden Empfänger nicht zugestellt werden.",
            ),
            Language::French => (
                "Non remis : ",
                "Votre message n’a pas pu être remis au destinataire ci-dessous.",
            ),
        };
        let mut m = arrived(&self.sender, "", Some(&host), self.at);
        m.mailbox("From", "Microsoft Outlook", &format!("postmaster@{host}"));
        m.raw("To", &self.sender).raw("Date", &date(self.at));
        m.line("Content-Type: multipart/report; report-type=delivery-status;");
        m.line(&format!("\tboundary=\"{boundary}\""));
        m.raw("X-MS-Exchange-Message-Is-Ndr", "");
        m.raw("Content-Language", super::tag(language(self.about)));
        m.raw("Message-ID", &format!("<{}@{host}>", self.token("id", 32)));
        super::refer(&mut m, self.about);
        m.header(
            "Subject",
            &format!("{undeliverable}{}", one_line(&self.about.subject)),
        );
        m.raw("Auto-Submitted", "auto-replied")
            .raw("MIME-Version", "1.0")
            .line("");
        m.line(&format!("--{boundary}"));
        m.line(&format!(
            "Content-Type: multipart/alternative;\r\n\tboundary=\"{inner}\""
        ))
        .line("");
        m.line(&format!("--{inner}"));
        m.text(
            "text/plain",
            &format!("{text}\n\n{}\n\nmx.{host}\n{}", self.to, self.reply),
        );
        m.line("").line(&format!("--{inner}"));
        let (to, reply) = (super::escaped(&self.to), super::escaped(&self.reply));
        m.text(
            "text/html",
            &format!("<html><body><p>{text}</p>\n<p>{to}</p>\n<p>mx.{host}<br>{reply}</p></body></html>"),
        );
        m.line("").line(&format!("--{inner}--")).line("");
        m.line(&format!("--{boundary}"));
        m.raw("Content-Type", "message/delivery-status").line("");
        m.raw("Reporting-MTA", &format!("dns;mx.{host}"));
        m.raw("Received-From-MTA", &format!("dns;mail.{}", domain(&self.sender)));
        m.raw("Arrival-Date", &date(self.tried_since)).line("");
        self.recipient(&mut m);
        m.raw("Diagnostic-Code", &format!("smtp;{}", self.reply));
        m.raw("X-Display-Name", &self.to).line("");
        m.line(&format!("--{boundary}"));
        self.returned(&mut m, "message/rfc822");
        m.line("").line(&format!("--{boundary}--"));
        m
    }

    /// Text alone: a paragraph for each recipient, then the mail below a line (qmail-send bounce message format).
    fn qmail(&self) -> Message {
        let host = format!("mail.{}", domain(&self.sender));
        let mut m = arrived(&self.sender, "", None, self.at);
        m.raw("Date", &date(self.at));
        m.raw("From", &format!("MAILER-DAEMON@{host}"));
        m.raw("To", &self.sender);
        m.raw("Message-ID", &format!("<{}@{host}>", self.token("id", 24)));
        m.raw("Subject", "failure notice").line("");
        m.line(&format!("Hi. This is the qmail-send program at {host}."));
        m.line("A message of yours could not be delivered to the address below, and was given");
        m.line("up for good.").line("");
        m.line(&format!("<{}>:", self.to));
        m.line(&format!(
            "192.0.2.25 failed after I sent the message.\r\nRemote host said: {}",
            self.reply
        ));
        if self.status.starts_with('4') {
            m.line("I'm not going to try again; this message has been in the queue too long.");
        }
        m.line("")
            .line("--- Below this line is a copy of the message.")
            .line("");
        m.line(&format!("Return-Path: <{}>", self.sender));
        m.head(self.head);
        m
    }

    fn recipient(&self, m: &mut Message) {
        m.raw("Final-Recipient", &format!("rfc822;{}", self.to));
        if self.about.server == Server::Postfix {
            m.raw("Original-Recipient", &format!("rfc822;{}", self.to));
        }
        m.raw("Action", self.action()).raw("Status", self.status);
    }

    fn returned(&self, m: &mut Message, kind: &str) {
        m.raw("Content-Type", kind);
        if !self.head.is_ascii() {
            m.raw("Content-Transfer-Encoding", "8bit");
        }
        m.line("");
        match self.head.trim().is_empty() {
            // A mail without headers is returned as what identifies it.
            true => m.raw("Message-ID", &format!("<{}>", id(&self.about.message_id))),
            false => m.head(self.head),
        };
    }
}
