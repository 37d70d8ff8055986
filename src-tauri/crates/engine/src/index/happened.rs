//! All whose events or messages pass, contact by contact through the postings. What depends on a zone is worked out
//! once for each zone, what depends on a text once for each text.

use super::column::{Bits, Paged, eight_bits, sorted};
use super::members::{ByZone, Count};
use super::packed::{Packed, Symbols};
use super::postings::{Passing, Posting, Postings};
use super::rows::Happened;
use crate::record::Movement;
use crate::segment::in_and_out;
use crate::segment::{
    Counting, DaysOf, Kind, aggregate_holds, compare_holds, fold, least_and_most, longest_streak, times_hold,
    wait_ends, zone_of, zone_of_window,
};
use carillon_model::response::TEMPLATE;
use carillon_model::segment::{Aggregate, AggregateBound, Answer, EventMatch, Period, Times, Window, Zone};
use carillon_model::{Moment, StepId};
use chrono_tz::Tz;
use roaring::RoaringBitmap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A value as far as it differs from others, texts by the number of their folded form.
type Different = Kind<u32>;

impl<'a> Count<'a> {
    /// What counts in a window, by contact; `None` if its zone is none.
    fn counting<'w>(&self, window: &'w Window) -> Option<ByZone<'a, Counting<'w>>>
    where
        'w: 'a,
    {
        let differs = matches!(
            window,
            Window::Days {
                zone: Zone::Contact,
                ..
            }
        );
        let zones = ByZone::new(differs, self.rows, |own| {
            Some(Counting::new(
                window,
                zone_of_window(window, || own, self.scope)?,
                self.now,
            ))
        });
        zones.of_others().is_some().then_some(zones)
    }

    /// The matching events of each contact that has an event of the name, in order of time.
    fn matching(&self, event: &EventMatch, mut each: impl FnMut(u32, &[Posting<'a>])) {
        let happened = self.rows.events(&event.name);
        let passing = happened.passing(&event.props);
        let mut matching = Vec::new();
        for of_contact in happened.postings.by_contact() {
            matching.clear();
            matching.extend(of_contact.iter().filter(|p| passing.has(p)));
            each(of_contact.contact, &matching);
        }
    }

    pub(super) fn did(&self, event: &EventMatch, times: Times, window: &'a Window) -> RoaringBitmap {
        let happened = self.rows.events(&event.name);
        let passing = happened.passing(&event.props);
        self.counted(std::iter::once(&happened.postings), times, window, &passing)
    }

    pub(super) fn sent(&self, template: Option<&str>, times: Times, window: &'a Window) -> RoaringBitmap {
        match template {
            Some(template) => {
                let sent = self.rows.sent().get(template);
                self.counted(sent.into_iter(), times, window, &Passing::all())
            }
            None => self.counted(self.rows.sent().values(), times, window, &Passing::all()),
        }
    }

    pub(super) fn moved(
        &self,
        movement: Option<&Movement>,
        times: Times,
        window: &'a Window,
    ) -> RoaringBitmap {
        let postings = movement.into_iter().map(|movement| self.rows.moved(movement));
        self.counted(postings, times, window, &Passing::all())
    }

    /// Those who entered a journey, or came to a step of it, once more than they left it.
    pub(super) fn in_journey(&self, name: &str, step: Option<&StepId>) -> RoaringBitmap {
        let movements = in_and_out(step.is_some()).map(|kind| self.scope.numbers.movement(kind, name, step));
        let [Some(entering), Some(leaving)] = movements else {
            return RoaringBitmap::new();
        };
        let counting = |movement: &Movement| {
            let runs = self.rows.moved(movement).by_contact();
            runs.map(|run| {
                let so_far = run.iter().filter(|p| p.at() <= self.now).count();
                (run.contact, so_far)
            })
        };
        let left: BTreeMap<u32, usize> = counting(&leaving).collect();
        let inside = counting(&entering)
            .filter(|(contact, entered)| *entered > left.get(contact).copied().unwrap_or_default());
        sorted(inside.map(|(contact, _)| contact))
    }

    /// Those who answered so many of the last messages that they were sent.
    pub(super) fn answered(&self, answer: Answer, times: Times, last: u32) -> RoaringBitmap {
        let last = last as usize;
        if last == 0 {
            let holds = times_hold(times, 0).then(|| self.rows.contacts.clone());
            return holds.unwrap_or_default();
        }
        let symbols = &self.rows.events(answer.event()).symbols;
        let templates: Vec<Option<u32>> = self.rows.sent().keys().map(|name| symbols.number(name)).collect();
        // A page of contacts at a time, so that what is sorted is little and in one piece.
        let pages: BTreeSet<u32> = self.rows.sent().values().flat_map(Postings::pages).collect();
        let (mut found, mut sent, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for page in pages {
            sent.clear();
            for (template, postings) in self.rows.sent().values().enumerate() {
                let all = postings
                    .in_page(page)
                    .flat_map(|run| run.iter().map(move |p| (run.contact, p.at())));
                let happened = all.filter(|(_, at)| *at <= self.now);
                sent.extend(happened.map(|(contact, at)| (contact, at, template)));
            }
            sent.sort_unstable();
            self.answers(answer, page, &mut answers);
            for of_contact in sent.chunk_by(|a, b| a.0 == b.0) {
                let Some(first) = of_contact.len().checked_sub(last) else {
                    continue;
                };
                let answered = (first..of_contact.len())
                    .filter(|n| is_answered(&of_contact[*n..], &templates, &answers))
                    .count();
                if times_hold(times, answered) {
                    found.push(of_contact[0].0);
                }
            }
        }
        sorted(found)
    }

    /// The answers up to now of a page of contacts, by contact, symbol of the template, and time.
    fn answers(&self, answer: Answer, page: u32, into: &mut Vec<(u32, u32, Moment)>) {
        into.clear();
        let Happened { postings, symbols } = self.rows.events(answer.event());
        let Some(key) = symbols.number(TEMPLATE) else {
            return;
        };
        for run in postings.in_page(page) {
            into.extend(run.iter().filter_map(|p| match p.prop(key) {
                Some(Packed::Text(template)) if p.at() <= self.now => Some((run.contact, template, p.at())),
                _ => None,
            }));
        }
        into.sort_unstable();
    }

    /// Those whose number of postings that pass and count now passes.
    fn counted<'p>(
        &self,
        postings: impl Iterator<Item = &'p Postings>,
        times: Times,
        window: &'a Window,
        passing: &Passing<'_>,
    ) -> RoaringBitmap {
        let Some(zones) = self.counting(window) else {
            return RoaringBitmap::new();
        };
        let postings: SmallVec<[&Postings; 1]> = postings.collect();
        let span = zones.of_all().and_then(|counting| counting.span_millis());
        if let ([postings], Some(span)) = (&postings[..], span) {
            return self.counted_in(postings, times, span, passing);
        }
        // Whoever did nothing does not pass, and nobody comes twice.
        if let ([postings], Times::AtLeast(1)) = (&postings[..], times) {
            let some = postings.by_contact().filter(|of_contact| {
                let counting = zones.get(of_contact.contact);
                counting.is_some_and(|counting| {
                    of_contact
                        .iter()
                        .any(|p| counting.has_millis(p.millis()) && passing.has(&p))
                })
            });
            return sorted(some.map(|of_contact| of_contact.contact));
        }
        let mut numbers: Paged<u32> = Paged::default();
        for of_contact in postings.into_iter().flat_map(Postings::by_contact) {
            let contact = of_contact.contact;
            let Some(counting) = zones.get(contact) else {
                continue;
            };
            let n = of_contact
                .iter()
                .filter(|p| counting.has_millis(p.millis()) && passing.has(p))
                .count();
            if n > 0 {
                let number = numbers.place(contact, 0);
                *number = number.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            }
        }
        let some = |holds: bool| {
            let these = numbers
                .filled()
                .filter(|(_, n)| times_hold(times, *n as usize) == holds);
            sorted(these.map(|(id, _)| id))
        };
        // Who did nothing has no number, and may pass as well.
        if times_hold(times, 0) {
            &self.rows.contacts - some(false)
        } else {
            some(true)
        }
    }

    /// As [`Count::counted`], of one name in a window that is the same span of time for everybody.
    fn counted_in(
        &self,
        postings: &Postings,
        times: Times,
        span: [i64; 2],
        passing: &Passing<'_>,
    ) -> RoaringBitmap {
        // Who did nothing may pass, and is asked for by who does not.
        let nothing = times_hold(times, 0);
        let [least, most] = least_and_most(times);
        let mut found = Bits::default();
        postings.numbers(span, passing, |first, numbers| {
            let bytes = numbers
                .chunks_exact(8)
                .map(|eight| eight_bits(|bit| ((least <= eight[bit]) & (eight[bit] <= most)) != nothing));
            found.put_bytes(first, bytes);
        });
        match nothing {
            true => &self.rows.contacts - found.bitmap(),
            false => found.bitmap(),
        }
    }

    /// Those of whose matching events that count so many periods in a row have one.
    pub(super) fn in_a_row(
        &self,
        event: &EventMatch,
        n: u32,
        period: Period,
        zone: &Zone,
        window: &'a Window,
    ) -> RoaringBitmap {
        let Some(windows) = self.counting(window) else {
            return RoaringBitmap::new();
        };
        let zones = ByZone::new(*zone == Zone::Contact, self.rows, |own| {
            zone_of(zone, || own, self.scope)
        });
        if zones.of_others().is_none() {
            return RoaringBitmap::new();
        }
        if n == 0 {
            return self.rows.contacts.clone();
        }
        let mut found = Vec::new();
        // Only looked up, never walked.
        let mut days_of: HashMap<Tz, DaysOf> = HashMap::new();
        self.matching(event, |contact, all| {
            let (Some(counting), Some(tz)) = (windows.get(contact), zones.get(contact)) else {
                return;
            };
            // Each period needs one of its own.
            if all.len() < n as usize {
                return;
            }
            let days_of = days_of.entry(tz).or_insert_with(|| DaysOf::new(tz));
            let at = all.iter().map(Posting::at).filter(|at| counting.has(*at));
            if longest_streak(at.filter_map(|at| days_of.at(at)), period) >= n {
                found.push(contact);
            }
        });
        sorted(found)
    }

    pub(super) fn first_did(&self, event: &EventMatch, window: &'a Window) -> RoaringBitmap {
        self.one_of(event, window, |all| all.first().copied())
    }

    pub(super) fn last_did(&self, event: &EventMatch, window: &'a Window) -> RoaringBitmap {
        self.one_of(event, window, |all| {
            let happened = all.partition_point(|p| p.at() <= self.now);
            all[..happened].last().copied()
        })
    }

    /// Those of whose matching events the one that is picked counts.
    fn one_of(
        &self,
        event: &EventMatch,
        window: &'a Window,
        pick: impl Fn(&[Posting<'a>]) -> Option<Posting<'a>>,
    ) -> RoaringBitmap {
        let mut found = Vec::new();
        if let Some(zones) = self.counting(window) {
            self.matching(event, |contact, all| {
                let picked = pick(all).zip(zones.get(contact));
                found.extend(
                    picked
                        .filter(|(p, counting)| counting.has_millis(p.millis()))
                        .map(|_| contact),
                );
            });
        }
        sorted(found)
    }

    pub(super) fn aggregate(
        &self,
        function: Aggregate,
        prop: &str,
        event: &EventMatch,
        bound: &AggregateBound,
        window: &'a Window,
    ) -> RoaringBitmap {
        let Some(zones) = self.counting(window) else {
            return RoaringBitmap::new();
        };
        let symbols = &self.rows.events(&event.name).symbols;
        let holds = |values: &[Packed], texts: &mut Texts<'_>| match bound {
            AggregateBound::Number(compare) if function == Aggregate::Different => {
                compare_holds(compare, &(texts.different(values) as f64))
            }
            _ => {
                let seen: Vec<_> = values.iter().map(|value| symbols.seen(value)).collect();
                aggregate_holds(function, bound, &seen)
            }
        };
        let mut texts = Texts {
            symbols,
            numbers: HashMap::new(),
            forms: BTreeMap::new(),
            values: Vec::new(),
        };
        let of_nothing = holds(&[], &mut texts);
        let symbol = symbols.number(prop);
        let (mut found, mut values) = (Vec::new(), Vec::new());
        self.matching(event, |contact, all| {
            let Some(counting) = zones.get(contact) else {
                return;
            };
            values.clear();
            let counts = all.iter().filter(|p| counting.has_millis(p.millis()));
            values.extend(counts.filter_map(|p| p.prop(symbol?)));
            // Who has no value needs no word, whatever that means.
            if !values.is_empty() && holds(&values, &mut texts) != of_nothing {
                found.push(contact);
            }
        });
        match of_nothing {
            true => &self.rows.contacts - sorted(found),
            false => sorted(found),
        }
    }

    pub(super) fn sequence(
        &self,
        [first, then]: [&EventMatch; 2],
        follows: bool,
        within_secs: u32,
        window: &'a Window,
    ) -> RoaringBitmap {
        let Some(zones) = self.counting(window) else {
            return RoaringBitmap::new();
        };
        let followers = self.rows.events(&then.name);
        let passing = followers.passing(&then.props);
        let (mut found, mut behind) = (Vec::new(), Vec::new());
        self.matching(first, |contact, all| {
            let Some(counting) = zones.get(contact) else {
                return;
            };
            behind.clear();
            behind.extend(followers.postings.of(contact).iter());
            let mut later = behind.as_slice();
            let passes = |p: &Posting<'_>| {
                let at = p.at();
                // Both are in order of time: what lies behind one lies behind the next.
                later = &later[later.partition_point(|next| next.at() <= at)..];
                if !counting.has(at) {
                    return false;
                }
                let over = wait_ends(at, within_secs);
                let next = later.iter().find(|next| passing.has(next)).map(Posting::at);
                let followed = next.is_some_and(|next| over.is_none_or(|over| next <= over));
                match follows {
                    true => followed && next.is_some_and(|next| next <= self.now),
                    false => !followed && over.is_some_and(|over| over <= self.now),
                }
            };
            if all.iter().any(passes) {
                found.push(contact);
            }
        });
        sorted(found)
    }
}

/// Whether the first of a contact's messages, in order of time, was answered before the next of its template. Templates
/// are numbered in their order, so that those of one moment stand as the evaluator sorts them.
fn is_answered(
    messages: &[(u32, Moment, usize)],
    templates: &[Option<u32>],
    answers: &[(u32, u32, Moment)],
) -> bool {
    let Some(((contact, at, template), later)) = messages.split_first() else {
        return false;
    };
    let Some(symbol) = templates[*template] else {
        return false;
    };
    let place = answers.partition_point(|answer| *answer < (*contact, symbol, *at));
    let Some((.., answer)) = answers
        .get(place)
        .filter(|found| (found.0, found.1) == (*contact, symbol))
    else {
        return false;
    };
    let next = later.iter().find(|(_, next, of)| of == template && next > at);
    next.is_none_or(|(_, next, _)| answer < next)
}

/// Texts of properties by the number of their folded form.
struct Texts<'a> {
    symbols: &'a Symbols,
    /// By symbol. Only looked up, never walked.
    numbers: HashMap<u32, u32>,
    forms: BTreeMap<String, u32>,
    /// Room for the values of one contact.
    values: Vec<Different>,
}

impl Texts<'_> {
    fn number(&mut self, symbol: u32) -> u32 {
        if let Some(number) = self.numbers.get(&symbol) {
            return *number;
        }
        let form = fold(self.symbols.text(symbol)).into_owned();
        let next = self.forms.len() as u32;
        let number = *self.forms.entry(form).or_insert(next);
        self.numbers.insert(symbol, number);
        number
    }

    /// How many of the values are different.
    fn different(&mut self, values: &[Packed]) -> usize {
        let mut all = std::mem::take(&mut self.values);
        all.clear();
        for value in values {
            all.push(match value {
                Packed::YesNo(b) => Kind::YesNo(*b),
                Packed::Number(n) => Kind::number(*n),
                Packed::Money(m) => Kind::Money(m.minor, m.currency),
                Packed::Text(symbol) => Kind::Text(self.number(*symbol)),
            });
        }
        all.sort_unstable();
        all.dedup();
        let n = all.len();
        self.values = all;
        n
    }
}
