//! What became of a message, from reports (RFC 3464) and from text.

use super::envelope::Facts;
use super::mime::{Mail, cut};
use super::original;
use super::prose;
use super::rules::{Evidence, Hits, Rules, Sign, Verdict};
use super::status::{self, Fields, Status, basic, enhanced};
use super::text::{plain_reply, words_apart};
use super::{Action, Kind, Recipient, Report, address};
use crate::failure::one_line;

/// What is searched of the text of a notice for a reason, in bytes.
const LONGEST_REASON: usize = 12_000;

/// A report in fields, in any part, with any type.
pub(super) fn structured(mail: &Mail, facts: &Facts, rules: &Rules) -> Option<Kind> {
    let status = report(mail, facts, rules)?;
    let written_to = original::recipients(mail, facts.copied.as_ref());
    let notice = rules.look(&plain_reply(cut(&facts.notice, LONGEST_REASON)));
    let mut recipients: Vec<Recipient> = Vec::new();
    for fields in &status.recipients {
        let Some((address, final_address)) = chosen(fields, &written_to, mail, facts, rules) else {
            continue;
        };
        let recipient = recipient(address, final_address, fields, &notice, facts, rules);
        match recipients
            .iter_mut()
            .find(|known| address::same(&known.address, &recipient.address))
        {
            Some(known) if recipient.action < known.action => *known = recipient,
            Some(_) => {}
            None => recipients.push(recipient),
        }
    }
    if recipients.is_empty() {
        return None;
    }
    Some(of_recipients(recipients, status.reporter))
}

/// The strongest action of any recipient names the kind.
fn of_recipients(recipients: Vec<Recipient>, reporting_mta: Option<String>) -> Kind {
    let strongest = recipients.iter().map(|r| r.action).min();
    let report = Report {
        recipients,
        reporting_mta,
    };
    match strongest {
        None | Some(Action::Failed) => Kind::Bounce(report),
        Some(Action::Delayed) => Kind::Delayed(report),
        Some(_) => Kind::Delivered(report),
    }
}

/// The outermost report, if the message is one: a person who forwards a report or quotes it makes none.
fn report(mail: &Mail, facts: &Facts, rules: &Rules) -> Option<Status> {
    let hinted = facts.daemon
        || facts.null_path
        || mail.kind == "multipart/report"
        || has_subject(facts, rules)
        || mail.head.has("x-failed-recipients");
    let mut parts: Vec<_> = mail
        .parts
        .iter()
        .filter(|part| part.kind.contains("delivery-status") || status::is_there(&part.text))
        .filter(|part| match part.depth {
            0 if part.kind.contains("delivery-status") => hinted || !forwarded(facts),
            _ => hinted && !facts.is_reply_subject,
        })
        .collect();
    parts.sort_by_key(|part| (part.depth, !part.kind.contains("delivery-status")));
    let mut merged: Option<Status> = None;
    for part in parts {
        let found = status::parse(&part.text);
        if found.recipients.is_empty() {
            continue;
        }
        match &mut merged {
            None => merged = Some(found),
            Some(known) if part.depth == 0 && part.kind.contains("delivery-status") => {
                let room = status::MOST_RECIPIENTS.saturating_sub(known.recipients.len());
                known.recipients.extend(found.recipients.into_iter().take(room));
            }
            Some(_) => break,
        }
    }
    merged
}

fn forwarded(facts: &Facts) -> bool {
    facts.is_reply_subject
}

/// The subject speaks of a failed delivery and is no reply.
fn has_subject(facts: &Facts, rules: &Rules) -> bool {
    !facts.is_reply_subject && rules.sign(&facts.subject_hits, Sign::Subject).is_some()
}

/// The address we wrote to, and where it ended if that is another.
fn chosen(
    fields: &Fields,
    written_to: &[String],
    mail: &Mail,
    facts: &Facts,
    rules: &Rules,
) -> Option<(String, Option<String>)> {
    let whole = |address: &Option<String>| address.clone().filter(|a| a.contains('@'));
    let (original, last) = (whole(&fields.original), whole(&fields.last));
    let known = [&original, &last]
        .into_iter()
        .flatten()
        .find(|a| written_to.iter().any(|to| address::same(to, a)));
    let address = known.or(original.as_ref()).or(last.as_ref()).cloned();
    let address = match address {
        Some(address) => address,
        // a recipient without a domain, or none at all
        None => {
            let local = fields.last.clone().unwrap_or_default();
            let begins = |a: &&String| {
                a.split('@')
                    .next()
                    .is_some_and(|l| l.eq_ignore_ascii_case(&local))
            };
            let named = prose::failed(mail, facts, rules)
                .into_iter()
                .map(|f| f.address)
                .collect::<Vec<_>>();
            written_to
                .iter()
                .find(begins)
                .or_else(|| named.iter().find(begins))
                .or_else(|| named.first())
                .or_else(|| written_to.first())
                .cloned()?
        }
    };
    let other = last.filter(|last| !address::same(last, &address));
    Some((address, other))
}

fn recipient(
    address: String,
    final_address: Option<String>,
    fields: &Fields,
    notice: &Hits,
    facts: &Facts,
    rules: &Rules,
) -> Recipient {
    let action = fields
        .action
        .unwrap_or_else(|| action_of_code(fields, notice, rules));
    let mut codes = enhanced(&fields.diagnostic);
    let status = said_status(fields.status.clone(), &codes);
    codes.insert(0, status.clone().unwrap_or_default());
    let verdict =
        (action == Action::Failed).then(|| judge(&codes, &fields.diagnostic, &facts.notice, notice, rules));
    Recipient {
        address,
        final_address,
        action,
        class: verdict.map(|verdict| verdict.class),
        status,
        diagnostic: one_line(&fields.diagnostic),
        remote_mta: fields.remote.clone(),
        rule: verdict.map_or(String::new(), |verdict| verdict.rule.to_owned()),
        of_sender: verdict.is_some_and(|verdict| verdict.of_sender),
    }
}

/// X.0.0 says nothing; the code that the server gave does.
fn said_status(status: Option<String>, given: &[String]) -> Option<String> {
    match status {
        Some(code) if !code.ends_with(".0.0") => Some(code),
        other => given
            .iter()
            .find(|code| !code.ends_with(".0.0"))
            .cloned()
            .or(other),
    }
}

fn action_of_code(fields: &Fields, notice: &Hits, rules: &Rules) -> Action {
    match fields.status.as_deref().map(|code| &code[..1]) {
        Some("2") => Action::Delivered,
        Some("4") if rules.sign(notice, Sign::Delay).is_some() => Action::Delayed,
        _ => Action::Failed,
    }
}

/// The class: by what the server said, or by the notice's own words where it said nothing telling.
fn judge<'a>(
    codes: &[String],
    said: &str,
    notice_text: &str,
    notice: &Hits,
    rules: &'a Rules,
) -> Verdict<'a> {
    let first = basic(said);
    let permanent = match first {
        Some(code) => code >= 500,
        None => !codes.iter().any(|code| code.starts_with('4')),
    };
    let plain_said = plain_reply(said);
    let reason = rules.look(&plain_said);
    let verdict = rules.decide(&Evidence {
        codes,
        basic: first,
        permanent,
        bare: rules.is_bare(&plain_said),
        reason: &reason,
        whole: Some(notice),
    });
    if verdict.worded {
        return verdict;
    }
    // "Invalid-Recipient", "no_such_user", "MailPolicy"
    let apart = plain_reply(&words_apart(said));
    if apart != plain_said {
        let reason = rules.look(&apart);
        let verdict = rules.decide(&Evidence {
            codes,
            basic: first,
            permanent,
            bare: false,
            reason: &reason,
            whole: None,
        });
        if verdict.worded {
            return verdict;
        }
    }
    let in_text = rules.decide(&Evidence {
        codes,
        basic: first.or_else(|| basic(notice_text)),
        permanent,
        bare: rules.is_bare(&plain_said) && first.is_some(),
        reason: notice,
        whole: None,
    });
    // A code that means something is only corrected by words about the mailbox: notices carry footers of filters.
    let vague = matches!(verdict.rule, "code-policy" | "code-gave-up") && said.trim().is_empty();
    let of_mailbox = in_text.worded && in_text.rule_is_of_mailbox();
    if verdict.generic || (vague && of_mailbox) {
        in_text
    } else {
        verdict
    }
}

/// A notice without a report part, told by its sender, subject and words.
pub(super) fn written(mail: &Mail, facts: &Facts, rules: &Rules) -> Option<Kind> {
    let named: Vec<String> = mail
        .head
        .all("x-failed-recipients")
        .flat_map(address::find)
        .map(|found| found.address)
        .collect();
    if !is_notice(mail, facts, rules, !named.is_empty()) {
        return None;
    }
    let notice_plain = plain_reply(cut(&facts.notice, LONGEST_REASON));
    let notice = rules.look(&notice_plain);
    let mut failed = prose::failed(mail, facts, rules);
    if !named.is_empty() {
        let reason = |address: &str| {
            failed
                .iter()
                .find(|f| address::same(&f.address, address))
                .map(|f| f.reason.clone())
        };
        failed = named
            .into_iter()
            .take(status::MOST_RECIPIENTS)
            .map(|address| prose::Failed {
                reason: reason(&address).unwrap_or_default(),
                address,
            })
            .collect();
    }
    if failed.is_empty() {
        failed = from_original(mail, facts);
    }
    if failed.is_empty() && facts.daemon {
        failed.extend(prose::local(facts));
    }
    let action = action(facts, &notice, rules);
    let recipients: Vec<Recipient> = failed
        .iter()
        .take(status::MOST_RECIPIENTS)
        .map(|one| written_recipient(one, failed.len() == 1, action, facts, &notice, rules))
        .collect();
    let returned = !mail.enclosed.is_empty() || facts.copied.is_some();
    if recipients.is_empty() && !((returned || facts.answers) && facts.daemon) {
        return None;
    }
    Some(match action {
        Action::Delayed => Kind::Delayed(Report {
            recipients,
            reporting_mta: None,
        }),
        Action::Delivered => Kind::Delivered(Report {
            recipients,
            reporting_mta: None,
        }),
        _ => Kind::Bounce(Report {
            recipients,
            reporting_mta: None,
        }),
    })
}

/// Nobody is named in the text: whom the returned message was for.
fn from_original(mail: &Mail, facts: &Facts) -> Vec<prose::Failed> {
    original::recipients(mail, facts.copied.as_ref())
        .into_iter()
        .filter(|to| !facts.is_ours(mail, to))
        .take(1)
        .map(|address| prose::Failed {
            address,
            reason: String::new(),
        })
        .collect()
}

/// Points for what tells a notice; words alone are never enough, because people quote them.
fn is_notice(mail: &Mail, facts: &Facts, rules: &Rules, named: bool) -> bool {
    let subject = has_subject(facts, rules);
    let opening = rules.sign(&facts.own_hits, Sign::Opening).is_some();
    let auto = !facts.is_reply_subject
        && (at_start(rules, &facts.subject_hits, Sign::AutoSubject)
            || at_start(rules, &facts.subject_hits, Sign::AwaySubject));
    let coded = basic(&facts.own_text).is_some() || !enhanced(&facts.own_text).is_empty();
    let returned = facts.copied.is_some() || !mail.enclosed.is_empty();
    let reported = mail.kind == "multipart/report"
        && (mail.report_type.is_empty() || mail.report_type.contains("delivery"));
    let from_machine = named || reported || (facts.daemon && coded);
    if auto && !from_machine {
        return false;
    }
    // "That's not a valid user here.", from a mail system and without any code
    let explained = facts.daemon && says_why(&facts.own_hits, rules);
    let point = |holds: bool, worth: u8| if holds { worth } else { 0 };
    // Nobody else writes as a mailer daemon and wants no answer; postmasters also send digests.
    let by_name = facts
        .from
        .as_deref()
        .is_some_and(|from| from.to_ascii_lowercase().starts_with("mailer-daemon@"));
    let points = point(named, 5)
        + point(by_name && facts.null_path, 1)
        + point(reported, 5)
        + point(facts.daemon, 3)
        + point(facts.null_path, 1)
        + point(subject, 3)
        + point(opening, 2)
        + point(coded || explained, 2)
        + point(returned, 1);
    let from_system = named || reported || facts.daemon || facts.null_path;
    if facts.is_reply_subject && !from_system {
        return false;
    }
    // A person's or a list's own address in From: both the subject and the text must say it.
    // A list may pass on what returns a whole message.
    let listed = mail.head.has("list-unsubscribe") && mail.enclosed.is_empty();
    let placed = || prose::is_placed(mail, facts, rules);
    (from_system && (points >= 5 || (points >= 3 && placed())))
        || (!listed && subject && opening && (coded || returned || placed()))
}

/// Whether the words of a text are those of a refusal.
fn says_why(hits: &Hits, rules: &Rules) -> bool {
    let verdict = rules.decide(&Evidence {
        codes: &[],
        basic: None,
        permanent: true,
        bare: false,
        reason: hits,
        whole: None,
    });
    verdict.worded && verdict.rule_is_of_mailbox()
}

pub(super) fn at_start(rules: &Rules, hits: &Hits, sign: Sign) -> bool {
    rules.sign(hits, sign).is_some_and(|(start, _)| start <= 2)
}

fn action(facts: &Facts, notice: &Hits, rules: &Rules) -> Action {
    if rules.sign(&facts.subject_hits, Sign::Success).is_some() {
        return Action::Delivered;
    }
    let given_up = rules.sign(&facts.subject_hits, Sign::GivenUp).is_some();
    if rules.sign(&facts.subject_hits, Sign::Delay).is_some()
        || rules.sign(notice, Sign::Retrying).is_some()
        || (!given_up && rules.sign(notice, Sign::Delay).is_some())
    {
        return Action::Delayed;
    }
    if rules.sign(notice, Sign::Success).is_some() && rules.sign(notice, Sign::Opening).is_none() {
        return Action::Delivered;
    }
    Action::Failed
}

fn written_recipient(
    one: &prose::Failed,
    alone: bool,
    action: Action,
    facts: &Facts,
    notice: &Hits,
    rules: &Rules,
) -> Recipient {
    let said = if alone || one.reason.trim().is_empty() {
        cut(&facts.notice, LONGEST_REASON)
    } else {
        &one.reason
    };
    let codes = enhanced(said);
    let status = said_status(codes.first().cloned(), &codes);
    let verdict = (action == Action::Failed).then(|| judge(&codes, &one.reason, said, notice, rules));
    Recipient {
        address: one.address.clone(),
        final_address: None,
        action,
        class: verdict.map(|verdict| verdict.class),
        status,
        diagnostic: one_line(if one.reason.trim().is_empty() {
            said
        } else {
            &one.reason
        }),
        remote_mta: None,
        rule: verdict.map_or(String::new(), |verdict| verdict.rule.to_owned()),
        of_sender: verdict.is_some_and(|verdict| verdict.of_sender),
    }
}
