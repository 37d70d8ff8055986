//! Companies, and what contacts read of theirs.

mod imported;
mod measured;
mod random;
mod removed;
mod scored;

use super::fixtures::{Place, add, again, field, fresh, ids, write};
use crate::companies::{self, CompaniesQuery, CompanyOrder};
use crate::contacts::{self, Order, PageQuery, delete, set_field};
use crate::duplicates::{merge, unmerge};
use crate::{Error, Store, fields, segments};
use carillon_engine::segment::parse;
use carillon_model::contact::{Currency, FieldType, Money, Value};
use carillon_model::{CompanyId, ContactId, SegmentId};
use std::collections::{BTreeMap, BTreeSet};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Three contacts, an industry, revenue and a size of companies, and a company that nobody has.
async fn acme(place: &Place) -> (Store, Vec<ContactId>, CompanyId) {
    let store = fresh(place).await;
    let (people, company) = write(&store, |tx| {
        fields::add(tx, &field("company.industry", FieldType::Text, &[]))?;
        fields::add(tx, &field("company.revenue", FieldType::Money, &[]))?;
        fields::add(tx, &field("company.size", FieldType::Choice, &["small", "large"]))?;
        let people = ids(&add(
            tx,
            &["a@acme.example", "b@acme.example", "c@x.example"],
            "user",
        )?);
        let company = companies::add(tx, "Acme", Some("https://www.Acme.example/"), "user")?;
        companies::set(tx, company, "company.industry", Some(&text("Retail")), "user")?;
        Ok((people, company))
    })
    .await
    .unwrap();
    (store, people, company)
}

/// What the index knows of a contact's company.
fn read_by_index(store: &Store, id: ContactId) -> BTreeMap<String, Value> {
    let record = store.with_index(|index| index.record(id)).unwrap();
    let of_company = |(key, _): &(String, Value)| key.starts_with("company.");
    record.fields.into_iter().filter(of_company).collect()
}

async fn read_by_rows(store: &Store, id: ContactId) -> BTreeMap<String, Value> {
    let found = store
        .read(move |db| contacts::record_fields(db, id))
        .await
        .unwrap();
    let of_company = |(key, _): &(String, Value)| key.starts_with("company.");
    found.unwrap().into_iter().filter(of_company).collect()
}

/// Who is in a segment by the edges that were written, and by asking anew.
async fn members(store: &Store, segment: SegmentId, text: &str) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let edges = store
        .read(move |db| {
            db.all(
                "SELECT contact, entered FROM segment_edges WHERE segment = ?1 ORDER BY id",
                (segment.0,),
                |row| Ok((row.get::<_, u32>(0)?, row.get::<_, bool>(1)?)),
            )
        })
        .await
        .unwrap();
    let mut by_edges = BTreeSet::new();
    for (contact, entered) in edges {
        match entered {
            true => assert!(by_edges.insert(contact), "{contact} entered twice"),
            false => assert!(by_edges.remove(&contact), "{contact} left twice"),
        }
    }
    let expr = parse(text).unwrap();
    let asked = store.with_index(|index| index.members(&expr, index.as_of()));
    (by_edges, asked.iter().collect())
}

#[tokio::test]
async fn a_contact_reads_the_values_of_its_company_as_its_own_and_follows_each_change() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let (a, b) = (people[0], people[1]);
    let retail = "company.industry is \"Retail\"";
    let segment = write(&store, move |tx| {
        segments::save(tx, None, "Retail", &parse(retail).unwrap())
    })
    .await
    .unwrap()
    .id;
    write(&store, move |tx| {
        assert!(companies::connect(tx, a, Some(acme), "user")?.is_some());
        assert!(
            companies::connect(tx, a, Some(acme), "user")?.is_none(),
            "it has it already"
        );
        Ok(())
    })
    .await
    .unwrap();
    let read = read_by_index(&store, a);
    assert_eq!(read.get("company.name"), Some(&text("Acme")));
    assert_eq!(read.get("company.domain"), Some(&text("acme.example")));
    assert_eq!(read, read_by_rows(&store, a).await);
    assert_eq!(
        members(&store, segment, retail).await,
        ([a.0].into(), [a.0].into())
    );
    let commit = write(&store, move |tx| {
        companies::connect(tx, b, Some(acme), "user")?;
        companies::set(tx, acme, "company.industry", Some(&text("Mining")), "user")?;
        Ok(tx.seq())
    })
    .await
    .unwrap();
    assert_eq!(members(&store, segment, retail).await, ([].into(), [].into()));
    let left = store
        .read(move |db| {
            db.value::<u32>(
                "SELECT contact FROM segment_edges WHERE seq = ?1 AND entered = 0",
                (commit.0,),
            )
        })
        .await
        .unwrap();
    assert_eq!(left, Some(a.0), "in the very commit that changed the company");
    let touched = store
        .read(move |db| crate::changes::after(db, carillon_model::Seq(commit.0 - 1), 100))
        .await
        .unwrap();
    for id in [a, b] {
        let row = i64::from(id.0);
        assert!(
            touched
                .iter()
                .any(|t| t.table == "contacts" && t.first <= row && t.last >= row),
            "{touched:?}"
        );
    }
    let shown = store.read(move |db| contacts::get(db, a)).await.unwrap().unwrap();
    let source = |key: &str| {
        shown
            .fields
            .iter()
            .find(|f| f.key == key)
            .map(|f| f.provenance.source.clone())
    };
    assert_eq!(source("company.name").as_deref(), Some("user"));
    assert_eq!(source("company.industry"), Some(format!("company:{acme}")));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(read_by_index(&store, b), read_by_rows(&store, b).await);
    assert_eq!(
        read_by_index(&store, b).get("company.industry"),
        Some(&text("Mining"))
    );
}

#[tokio::test]
async fn a_contact_cannot_write_what_it_reads_of_its_company() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let a = people[0];
    let done = write(&store, move |tx| {
        companies::connect(tx, a, Some(acme), "user")?;
        for key in ["company.name", "company.industry"] {
            let refused = set_field(tx, a, key, Some(&text("Other")), "user");
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
            assert!(contacts::Columns::resolve(tx, &[key]).is_err());
        }
        let of_contact = companies::set(tx, acme, "city", Some(&text("Bonn")), "user");
        assert!(matches!(of_contact, Err(Error::Invalid(_))), "{of_contact:?}");
        Ok(())
    });
    done.await.unwrap();
}

#[tokio::test]
async fn names_may_be_the_same_domains_may_not_and_neither_may_be_nothing() {
    let place = Place::new();
    let (store, _, acme) = acme(&place).await;
    write(&store, move |tx| {
        let second = companies::add(tx, " ACME ", None, "user")?;
        assert_ne!(second, acme);
        for (name, domain) in [
            ("", None),
            (" \u{3000}\t", None),
            ("B", Some("no domain")),
            ("B", Some("localhost")),
        ] {
            let refused = companies::add(tx, name, domain, "user");
            assert!(
                matches!(refused, Err(Error::Invalid(_))),
                "{name:?} {domain:?}: {refused:?}"
            );
        }
        let taken = companies::add(tx, "B", Some("www.ACME.example"), "user");
        assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
        let taken = companies::set(tx, second, "company.domain", Some(&text("acme.example")), "user");
        assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
        assert!(companies::set(tx, acme, "company.name", None, "user").is_err());
        companies::set(tx, acme, "company.domain", None, "user")?;
        companies::set(tx, second, "company.domain", Some(&text("acme.example")), "user")?;
        let hostile = "Robert'); DROP TABLE companies;-- \u{1f480} <b>{{ x }}</b>";
        let odd = companies::add(tx, hostile, None, "user")?;
        let found = companies::get(tx, odd)?.unwrap();
        assert_eq!(found.name, hostile);
        assert_eq!(
            companies::find(tx, Some(&hostile.to_uppercase()), None)?,
            Some(odd)
        );
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_list_means_a_company_by_its_domain_and_else_by_its_name() {
    let place = Place::new();
    let (store, _, acme) = acme(&place).await;
    write(&store, move |tx| {
        let plain = companies::add(tx, "Plain", None, "user")?;
        for (name, domain, found) in [
            (Some("Other"), Some("ACME.example"), Some(acme)),
            (Some("acme"), None, Some(acme)),
            (Some("acme"), Some("acme.test"), None),
            (Some("plain"), Some("plain.example"), Some(plain)),
            (Some("plain"), Some("not a domain"), Some(plain)),
            (None, Some("acme.example"), Some(acme)),
            (Some("  "), None, None),
            (None, None, None),
        ] {
            assert_eq!(companies::find(tx, name, domain)?, found, "{name:?} {domain:?}");
        }
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_removed_company_leaves_its_contacts_and_its_number_is_not_given_again() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let (a, b) = (people[0], people[1]);
    write(&store, move |tx| {
        companies::connect(tx, a, Some(acme), "user")?;
        companies::connect(tx, b, Some(acme), "user").map(drop)
    })
    .await
    .unwrap();
    write(&store, move |tx| {
        assert_eq!(companies::remove(tx, acme)?, 2);
        assert!(matches!(companies::remove(tx, acme), Err(Error::NotFound { .. })));
        let next = companies::add(tx, "Next", None, "user")?;
        assert!(next.0 > acme.0);
        Ok(())
    })
    .await
    .unwrap();
    for id in [a, b] {
        assert_eq!(read_by_index(&store, id), BTreeMap::new());
        assert_eq!(read_by_rows(&store, id).await, BTreeMap::new());
    }
    write(&store, move |tx| delete(tx, a, None, "user"))
        .await
        .unwrap();
    store.close().await;
    assert_eq!(read_by_index(&again(&place.file()).await, b), BTreeMap::new());
}

#[tokio::test]
async fn a_merge_takes_the_company_as_one_more_field_and_gives_it_back() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let (a, b) = (people[0], people[1]);
    let own = write(&store, move |tx| {
        let own = companies::add(tx, "Own", None, "user")?;
        companies::set(
            tx,
            own,
            "company.size",
            Some(&Value::Choice("small".to_owned())),
            "user",
        )?;
        companies::connect(tx, a, Some(own), "user")?;
        companies::connect(tx, b, Some(acme), "user")?;
        Ok(own)
    })
    .await
    .unwrap();
    let before = [read_by_rows(&store, a).await, read_by_rows(&store, b).await];
    let id = write(&store, move |tx| {
        merge(tx, a, b, &["company.name".to_owned()], "user")
    })
    .await
    .unwrap();
    assert_eq!(read_by_rows(&store, a).await, before[1]);
    assert_eq!(
        read_by_index(&store, a),
        before[1],
        "what the other company does not have is gone"
    );
    write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    for (id, was) in people.iter().zip(&before) {
        assert_eq!(read_by_rows(&store, *id).await, *was);
        assert_eq!(read_by_index(&store, *id), *was);
    }
    // A company that goes while its contact is part of another does not come back with it.
    let id = write(&store, move |tx| merge(tx, a, b, &[], "user"))
        .await
        .unwrap();
    assert_eq!(read_by_rows(&store, a).await, before[0]);
    write(&store, move |tx| {
        companies::remove(tx, acme)?;
        companies::remove(tx, own)
    })
    .await
    .unwrap();
    write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    let kept = store.read(move |db| companies::of_contact(db, b)).await.unwrap();
    assert_eq!(kept, None);
    assert_eq!(read_by_index(&store, b), BTreeMap::new());
    let refused = write(&store, move |tx| {
        merge(tx, a, b, &["company.domain".to_owned()], "user")
    })
    .await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn a_retired_field_of_companies_is_nobodys_any_more_and_its_key_is_free() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let a = people[0];
    write(&store, move |tx| {
        companies::connect(tx, a, Some(acme), "user")?;
        let bad = fields::add(tx, &field("company.", FieldType::Text, &[]));
        assert!(matches!(bad, Err(Error::Invalid(_))), "{bad:?}");
        let taken = fields::add(tx, &field("company.domain", FieldType::Text, &[]));
        assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
        // A field of contacts may be called company: lists from before have one.
        fields::add(tx, &field("company", FieldType::Text, &[]))?;
        set_field(tx, a, "company", Some(&text("As written")), "user").map(drop)
    })
    .await
    .unwrap();
    write(&store, |tx| fields::retire(tx, "company.industry"))
        .await
        .unwrap();
    assert_eq!(read_by_index(&store, a).get("company.industry"), None);
    write(&store, move |tx| {
        fields::add(tx, &field("company.industry", FieldType::Number, &[]))?;
        companies::set(tx, acme, "company.industry", Some(&Value::Number(7.0)), "user").map(drop)
    })
    .await
    .unwrap();
    assert_eq!(
        read_by_index(&store, a).get("company.industry"),
        Some(&Value::Number(7.0))
    );
    assert_eq!(read_by_index(&store, a), read_by_rows(&store, a).await);
}

#[tokio::test]
async fn companies_and_contacts_are_sorted_by_what_companies_have() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let (a, b, c) = (people[0], people[1], people[2]);
    let zed = write(&store, move |tx| {
        let zed = companies::add(tx, "Zed", Some("aaa.example"), "user")?;
        let eur = |minor| {
            Value::Money(Money {
                minor,
                currency: Currency(*b"EUR"),
            })
        };
        companies::set(tx, zed, "company.revenue", Some(&eur(500)), "user")?;
        companies::set(tx, acme, "company.revenue", Some(&eur(900)), "user")?;
        companies::connect(tx, a, Some(zed), "user")?;
        companies::connect(tx, b, Some(zed), "user")?;
        companies::connect(tx, c, Some(acme), "user")?;
        companies::add(tx, "beta", None, "user")?;
        Ok(zed)
    })
    .await
    .unwrap();
    let names = async |order: CompanyOrder, descending: bool, search: &str| {
        let query = CompaniesQuery {
            order,
            descending,
            search: search.to_owned(),
            limit: 10,
            ..CompaniesQuery::default()
        };
        let (rows, total) = store.read(move |db| companies::page(db, &query)).await.unwrap();
        assert_eq!(total, rows.len() as u64);
        rows.into_iter()
            .map(|row| (row.company.name, row.contacts))
            .collect::<Vec<_>>()
    };
    let of = |names: &[(&str, u64)]| {
        names
            .iter()
            .map(|(n, k)| ((*n).to_owned(), *k))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(CompanyOrder::Name, false, "").await,
        of(&[("Acme", 1), ("beta", 0), ("Zed", 2)])
    );
    assert_eq!(
        names(CompanyOrder::Contacts, true, "").await,
        of(&[("Zed", 2), ("Acme", 1), ("beta", 0)])
    );
    let revenue = CompanyOrder::Field("company.revenue".to_owned());
    assert_eq!(
        names(revenue, false, "").await,
        of(&[("Zed", 2), ("Acme", 1), ("beta", 0)])
    );
    let domain = CompanyOrder::Field("company.domain".to_owned());
    assert_eq!(
        names(domain, true, "").await,
        of(&[("Acme", 1), ("Zed", 2), ("beta", 0)])
    );
    assert_eq!(
        names(CompanyOrder::Added, true, "AAA.ex").await,
        of(&[("Zed", 2)])
    );
    assert_eq!(names(CompanyOrder::Name, false, "%").await, of(&[]));
    let unhad = CompaniesQuery {
        without_contacts: true,
        limit: 10,
        ..CompaniesQuery::default()
    };
    let (rows, total) = store.read(move |db| companies::page(db, &unhad)).await.unwrap();
    assert_eq!((rows[0].company.name.as_str(), rows.len(), total), ("beta", 1, 1));
    for descending in [false, true] {
        let mut paged = Vec::new();
        for offset in 0..4 {
            let query = CompaniesQuery {
                descending,
                offset,
                limit: 1,
                ..CompaniesQuery::default()
            };
            let (rows, total) = store.read(move |db| companies::page(db, &query)).await.unwrap();
            assert_eq!(total, 3);
            paged.extend(rows.into_iter().map(|row| (row.company.name, row.contacts)));
        }
        assert_eq!(paged, names(CompanyOrder::Name, descending, "").await);
    }
    let behind = store
        .read(move |db| companies::behind(db, Some(acme), 9))
        .await
        .unwrap();
    let behind: Vec<_> = behind.into_iter().map(|row| row.company.name).collect();
    assert_eq!(behind, ["Zed", "beta"]);
    for (key, first) in [("company.name", c), ("company.domain", a), ("company.revenue", a)] {
        let query = PageQuery {
            order: Order::Field(key.to_owned()),
            limit: 10,
            ..PageQuery::default()
        };
        let page = store.contacts_page(query).await.unwrap();
        assert_eq!(page.rows[0].id, first, "{key}");
        assert_eq!(page.total, 3);
    }
    // The order of contacts is read anew when a company changes.
    write(&store, move |tx| {
        companies::set(tx, zed, "company.name", Some(&text("AA")), "user").map(drop)
    })
    .await
    .unwrap();
    let query = PageQuery {
        order: Order::Field("company.name".to_owned()),
        limit: 1,
        ..PageQuery::default()
    };
    assert_eq!(store.contacts_page(query).await.unwrap().rows[0].id, a);
}

#[tokio::test]
async fn a_page_by_name_or_domain_is_read_in_the_order_of_an_index() {
    let place = Place::new();
    let (store, ..) = acme(&place).await;
    let domain = CompanyOrder::Field("company.domain".to_owned());
    for order in [CompanyOrder::Name, CompanyOrder::Added, domain] {
        for descending in [false, true] {
            let order = order.clone();
            let plan = store.read(move |db| {
                let sql = companies::page_sql(db, &order, descending)?;
                let plan = format!("EXPLAIN QUERY PLAN {sql}");
                db.all(&plan, ("", false, 10, 0), |row| Ok(row.get::<_, String>(3)?))
            });
            let plan = plan.await.unwrap();
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
    }
}

#[tokio::test]
async fn a_company_with_very_many_contacts_changes_for_all_of_them_in_one_commit() {
    const MANY: u32 = 5_000;
    let place = Place::new();
    let (store, _, acme) = acme(&place).await;
    let asked = "company.industry is \"Mining\"";
    let segment = write(&store, move |tx| {
        let emails: Vec<String> = (0..MANY).map(|n| format!("p{n}@many.example")).collect();
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        for contact in ids(&add(tx, &emails, "user")?) {
            companies::connect(tx, contact, Some(acme), "user")?;
        }
        segments::save(tx, None, "Mining", &parse(asked).unwrap())
    })
    .await
    .unwrap()
    .id;
    let seq = write(&store, move |tx| {
        companies::set(tx, acme, "company.industry", Some(&text("Mining")), "user")?;
        Ok(tx.seq())
    })
    .await
    .unwrap();
    let (by_edges, anew) = members(&store, segment, asked).await;
    assert_eq!(by_edges.len(), MANY as usize);
    assert_eq!(by_edges, anew);
    let commits = store
        .read(move |db| {
            db.all(
                "SELECT DISTINCT seq FROM segment_edges WHERE segment = ?1",
                (segment.0,),
                |row| Ok(row.get::<_, i64>(0)?),
            )
        })
        .await
        .unwrap();
    assert_eq!(commits, [seq.0]);
    write(&store, move |tx| companies::remove(tx, acme))
        .await
        .unwrap();
    let (by_edges, anew) = members(&store, segment, asked).await;
    assert_eq!((by_edges.len(), anew.len()), (0, 0));
}
