//! Whatever happens: the index reads of companies what the rows say.

use super::{acme, members, read_by_index, read_by_rows, text};
use crate::companies;
use crate::contacts::{self, delete};
use crate::duplicates::{merge, unmerge};
use crate::tests::fixtures::{Place, again, write};
use crate::{Error, Result, Tx, segments};
use carillon_engine::segment::parse;
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::{CompanyId, ContactId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Something that happens to companies and contacts; numbers count from the first modulo how many there are.
#[derive(Clone, Debug)]
enum Deed {
    Make(String),
    Set(usize, usize, Option<u8>),
    Connect(usize, Option<usize>),
    Remove(usize),
    /// Gives the company back that was removed last.
    Restore,
    Leave(usize),
    Merge(usize, usize, bool),
    Unmerge,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => "[A-Ca-c'\u{202e} ]{1,4}".prop_map(Deed::Make),
        8 => (0..9usize, 0..5usize, proptest::option::of(0..4u8)).prop_map(|(k, f, v)| Deed::Set(k, f, v)),
        8 => (0..9usize, proptest::option::weighted(0.8, 0..9usize)).prop_map(|(c, k)| Deed::Connect(c, k)),
        1 => (0..9usize).prop_map(Deed::Remove),
        1 => Just(Deed::Restore),
        1 => (0..9usize).prop_map(Deed::Leave),
        2 => (0..9usize, 0..9usize, any::<bool>()).prop_map(|(a, b, take)| Deed::Merge(a, b, take)),
        1 => Just(Deed::Unmerge),
    ]
}

#[derive(Default)]
struct Town {
    people: Vec<ContactId>,
    companies: Vec<CompanyId>,
    merges: Vec<carillon_model::MergeId>,
}

/// Does it, where it can be done; what cannot be leaves nothing behind.
fn act(tx: &mut Tx<'_>, town: &mut Town, deed: &Deed) -> Result<()> {
    let company = |town: &Town, k: usize| town.companies.get(k % town.companies.len().max(1)).copied();
    let contact = |town: &Town, c: usize| town.people.get(c % town.people.len().max(1)).copied();
    match deed {
        Deed::Make(name) => {
            town.companies.extend(companies::add(tx, name, None, "user").ok());
        }
        Deed::Set(k, field, v) => {
            let Some(id) = company(town, *k) else {
                return Ok(());
            };
            let (key, value) = match field {
                0 => ("company.name", v.map(|v| text(&format!("N{v}")))),
                1 => ("company.domain", v.map(|v| text(&format!("d{v}.example")))),
                2 => ("company.industry", v.map(|v| text(&format!("I{v}")))),
                3 => (
                    "company.size",
                    v.map(|v| Value::Choice(["small", "large"][usize::from(v % 2)].to_owned())),
                ),
                _ => (
                    "company.revenue",
                    v.map(|v| {
                        Value::Money(Money {
                            minor: i64::from(v),
                            currency: Currency(*b"EUR"),
                        })
                    }),
                ),
            };
            match companies::set(tx, id, key, value.as_ref(), "user") {
                Ok(_) | Err(Error::Invalid(_) | Error::Taken { .. } | Error::NotFound { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Deed::Connect(c, k) => {
            let Some(id) = contact(town, *c) else {
                return Ok(());
            };
            let to = k.and_then(|k| company(town, k));
            match companies::connect(tx, id, to, "user") {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Deed::Remove(k) => {
            if let Some(id) = company(town, *k) {
                companies::remove(tx, id)?;
                town.companies.retain(|other| *other != id);
            }
        }
        Deed::Restore => {
            if let Some(gone) = companies::removed(tx)?.first() {
                companies::restore(tx, gone.id)?;
                town.companies.push(gone.id);
            }
        }
        Deed::Leave(c) => {
            if let Some(id) = contact(town, *c)
                && contacts::exists(tx, id)?
            {
                delete(tx, id, None, "user")?;
            }
        }
        Deed::Merge(a, b, take) => {
            let (Some(a), Some(b)) = (contact(town, *a), contact(town, *b)) else {
                return Ok(());
            };
            if a == b || !contacts::exists(tx, a)? || !contacts::exists(tx, b)? {
                return Ok(());
            }
            let take: Vec<String> = take.then(|| "company.name".to_owned()).into_iter().collect();
            town.merges.push(merge(tx, a, b, &take, "user")?);
        }
        Deed::Unmerge => {
            let Some(id) = town.merges.pop() else {
                return Ok(());
            };
            match unmerge(tx, id) {
                Ok(()) | Err(Error::NotFound { .. } | Error::Invalid(_)) => {}
                Err(other) => return Err(other),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn whatever_happens_the_index_reads_of_companies_what_the_rows_say_and_segments_are_true() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    for case in 0..12 {
        let deeds = vec(deed(), 20..60).new_tree(&mut runner).unwrap().current();
        let place = Place::new();
        let (store, people, first) = acme(&place).await;
        let asked =
            "company.industry is \"I1\" or company.size is \"small\" or company.domain is \"d2.example\"";
        let segment = write(&store, move |tx| {
            segments::save(tx, None, "Asked", &parse(asked).unwrap())
        })
        .await
        .unwrap()
        .id;
        let mut town = Town {
            people: people.clone(),
            companies: vec![first],
            merges: Vec::new(),
        };
        for deed in &deeds {
            let done = deed.clone();
            town = write(&store, move |tx| {
                act(tx, &mut town, &done)?;
                Ok(town)
            })
            .await
            .unwrap_or_else(|error| panic!("case {case}: {deed:?}: {error}"));
            for id in &people {
                if store.with_index(|index| index.record(*id).is_none()) {
                    continue;
                }
                assert_eq!(
                    read_by_index(&store, *id),
                    read_by_rows(&store, *id).await,
                    "case {case}: {deed:?}"
                );
            }
            let (by_edges, anew) = members(&store, segment, asked).await;
            assert_eq!(by_edges, anew, "case {case}: {deed:?}");
        }
        let live: Vec<_> = people
            .iter()
            .map(|id| store.with_index(|index| index.record(*id)))
            .collect();
        store.close().await;
        let store = again(&place.file()).await;
        let opened: Vec<_> = people
            .iter()
            .map(|id| store.with_index(|index| index.record(*id)))
            .collect();
        assert_eq!(opened, live, "case {case}: a fresh index is the same");
    }
}
