//! Scores of companies. No row holds them: they are worked out from the points of contacts, which the index has, and from the
//! rows that say who works where, by the published models.

use super::read::{CompaniesQuery, CompanyCount, MOST_ROWS, contacts_of, counted, values_of, values_of_all};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Index;
use crate::scores;
use crate::sql::sql;
use crate::store::Store;
use carillon_engine::companies::folded_name;
use carillon_engine::record::ContactRecord;
use carillon_engine::scores::{Companies, CompanyFacts};
use carillon_model::contact::Value;
use carillon_model::score::{CompanyScored, CompanyScoring, Score, ScoreModel};
use carillon_model::{CompanyId, ContactId, Moment, ScoreId};
use chrono::TimeDelta;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

const FOUND: &str = sql!(
    "SELECT k.id FROM companies k
     WHERE (?1 = '' OR instr(k.folded, ?1) > 0 OR instr(ifnull(k.domain, ''), ?1) > 0)
       AND (?2 = 0 OR NOT EXISTS (SELECT 1 FROM contacts c WHERE c.company_id = k.id)) ORDER BY k.folded, k.id",
    scan: "the order of all companies by a score"
);
const PEOPLE: &str = sql!(
    "SELECT company_id, id FROM contacts WHERE company_id IS NOT NULL ORDER BY company_id, id",
    scan: "the points of all companies come from all their contacts; an index has both columns"
);

const NEXT_SEQ: &str = sql!("SELECT next FROM marks WHERE name = 'seq'");
/// For how long an order by a score is shown while nothing is written: of what time alone changes nobody sees so little.
const RESTS: TimeDelta = TimeDelta::seconds(5);

/// A published score of points, as it measures companies.
#[derive(Clone, Debug)]
pub struct CompanyMeasure {
    pub id: ScoreId,
    pub name: String,
    /// The field that the score writes.
    pub field: String,
    /// What the model says of companies, or what holds where it says nothing.
    pub model: CompanyScoring,
    companies: Companies,
}

/// What companies come to.
#[derive(Clone, Debug, Default)]
pub struct CompaniesMeasured {
    pub measures: Vec<CompanyMeasure>,
    /// For each of the measures, each company in the order in which they were asked for; `None` for one that it does not
    /// measure.
    pub scored: Vec<Vec<Option<CompanyScored>>>,
}

/// The order by a score that was worked out last: whoever scrolls asks for one part of it after another.
#[derive(Default)]
pub(crate) struct LastOrder {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    asked: Asked,
    at: Moment,
    ids: Arc<[CompanyId]>,
}

/// What an order was asked for.
#[derive(PartialEq, Eq)]
struct Asked {
    field: String,
    words: String,
    without_contacts: bool,
    descending: bool,
    /// The first commit that it does not know.
    next: i64,
}

impl LastOrder {
    fn get(&self, asked: &Asked, now: Moment) -> Option<Arc<[CompanyId]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh =
            |kept: &&Kept| kept.asked == *asked && (TimeDelta::zero()..RESTS).contains(&(now - kept.at));
        kept.as_ref().filter(fresh).map(|kept| kept.ids.clone())
    }

    fn put(&self, asked: Asked, at: Moment, ids: Arc<[CompanyId]>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Kept { asked, at, ids });
    }
}

/// What rows say of companies, as far as measures ask.
#[derive(Default)]
struct Rows {
    /// Contacts by company.
    people: Vec<u32>,
    /// By the number of the company, which of them are its contacts.
    of: Vec<(CompanyId, Range<usize>)>,
    values: HashMap<CompanyId, ContactRecord>,
}

impl CompanyMeasure {
    fn of(score: Score) -> Result<Option<CompanyMeasure>> {
        let Some(ScoreModel::Points { companies, .. }) = score.published else {
            return Ok(None);
        };
        let wrong = |problem| Error::damaged("score_versions", format!("{}: {problem:?}", score.key));
        Ok(Some(CompanyMeasure {
            companies: Companies::read(companies.as_ref()).map_err(wrong)?,
            id: score.id,
            name: score.name,
            field: Score::field(&score.key),
            model: companies.unwrap_or_default(),
        }))
    }

    /// What it says of companies, in their order.
    fn measure(
        &self,
        index: &Index,
        rows: &Rows,
        ids: &[CompanyId],
        now: Moment,
    ) -> Vec<Option<CompanyScored>> {
        let points = index.numbers(&self.field);
        let asked = self.companies.of_people().map(|expr| index.members(expr, now));
        let asked: Vec<RoaringBitmap> = asked.collect();
        let nothing = ContactRecord::default();
        let (mut of_people, mut meeting) = (Vec::new(), vec![0; asked.len()]);
        let one = |id: &CompanyId| {
            let people = rows.people_of(*id);
            of_people.clear();
            // Points are whole numbers.
            of_people.extend(
                people
                    .iter()
                    .filter_map(|id| points(ContactId(*id)))
                    .map(|n| n as i64),
            );
            for (n, members) in meeting.iter_mut().zip(&asked) {
                let meets = people.iter().filter(|id| members.contains(**id));
                *n = u32::try_from(meets.count()).unwrap_or(u32::MAX);
            }
            let company = CompanyFacts {
                points: &of_people,
                meeting: &meeting,
                fields: rows.values.get(id).unwrap_or(&nothing),
            };
            self.companies.score(&company, now, index.scope())
        };
        ids.iter().map(one).collect()
    }
}

impl Rows {
    /// Of these companies.
    fn some(db: &Db<'_>, ids: &[CompanyId], fields: &BTreeSet<String>) -> Result<Rows> {
        let mut rows = Rows::default();
        let sorted: BTreeSet<CompanyId> = ids.iter().copied().collect();
        for id in sorted {
            let first = rows.people.len();
            rows.people.extend(contacts_of(db, id)?);
            rows.of.push((id, first..rows.people.len()));
            if !fields.is_empty() {
                let values = values_of(db, id)?.into_iter();
                rows.knows(id, values.filter(|(key, _)| fields.contains(key)).collect());
            }
        }
        Ok(rows)
    }

    /// Of all companies.
    fn all(db: &Db<'_>, fields: &BTreeSet<String>) -> Result<Rows> {
        let mut rows = Rows::default();
        db.each(PEOPLE, (), |row| {
            let (id, contact) = (CompanyId(row.get(0)?), row.get(1)?);
            rows.people.push(contact);
            let end = rows.people.len();
            match rows.of.last_mut() {
                Some((last, people)) if *last == id => people.end = end,
                _ => rows.of.push((id, end - 1..end)),
            }
            Ok(())
        })?;
        if !fields.is_empty() {
            values_of_all(db, fields, |id, values| rows.knows(id, values))?;
        }
        Ok(rows)
    }

    fn knows(&mut self, id: CompanyId, fields: BTreeMap<String, Value>) {
        let record = ContactRecord {
            fields,
            ..ContactRecord::default()
        };
        self.values.insert(id, record);
    }

    fn people_of(&self, id: CompanyId) -> &[u32] {
        let at = self.of.binary_search_by_key(&id, |(id, _)| *id);
        at.map_or(&[], |at| &self.people[self.of[at].1.clone()])
    }
}

/// All published scores of points by name, as they measure companies.
///
/// # Errors
/// [`Error::Damaged`] for a model that cannot be read.
fn measures(db: &Db<'_>) -> Result<Vec<CompanyMeasure>> {
    let all = scores::list(db)?.into_iter();
    all.filter_map(|score| CompanyMeasure::of(score).transpose())
        .collect()
}

fn fields_of(measures: &[CompanyMeasure]) -> BTreeSet<String> {
    let fields = measures.iter().flat_map(|measure| measure.companies.fields());
    fields.map(str::to_owned).collect()
}

impl Store {
    /// What these companies come to at `now` by the scores that write the fields of `only`; `None`: by all.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub async fn companies_measured(
        &self,
        ids: Vec<CompanyId>,
        only: Option<Vec<String>>,
        now: Moment,
    ) -> Result<CompaniesMeasured> {
        let store = self.clone();
        let measured = move |db: &Db<'_>| {
            let mut measures = measures(db)?;
            measures.retain(|measure| only.as_ref().is_none_or(|only| only.contains(&measure.field)));
            if measures.is_empty() {
                return Ok(CompaniesMeasured::default());
            }
            let rows = Rows::some(db, &ids, &fields_of(&measures))?;
            let scored = store.with_index(|index| {
                let each = measures
                    .iter()
                    .map(|measure| measure.measure(index, &rows, &ids, now));
                each.collect()
            });
            Ok(CompaniesMeasured { measures, scored })
        };
        self.read(measured).await
    }

    /// One page of companies by what the score that writes `field` says of them at `now`, whatever order `query` names; those
    /// that it does not measure come last either way. With how many there are without paging.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page of more than 1,000 rows, [`Error::NotFound`] where no published score of points writes
    /// the field.
    pub async fn companies_by_score(
        &self,
        field: String,
        query: CompaniesQuery,
        now: Moment,
    ) -> Result<(Vec<CompanyCount>, u64)> {
        if query.limit > MOST_ROWS {
            return Err(Error::Invalid(format!("A page has at most {MOST_ROWS} rows.")));
        }
        let store = self.clone();
        let paged = move |db: &Db<'_>| {
            let order = store.order_by_score(db, field, &query, now)?;
            let skip = usize::try_from(query.offset).unwrap_or(usize::MAX);
            let wanted = order.iter().skip(skip).take(query.limit as usize);
            Ok((counted(db, wanted.copied().collect())?, order.len() as u64))
        };
        self.read(paged).await
    }

    fn order_by_score(
        &self,
        db: &Db<'_>,
        field: String,
        query: &CompaniesQuery,
        now: Moment,
    ) -> Result<Arc<[CompanyId]>> {
        let asked = Asked {
            words: folded_name(&query.search),
            without_contacts: query.without_contacts,
            descending: query.descending,
            next: db.value(NEXT_SEQ, ())?.unwrap_or(1),
            field,
        };
        if let Some(order) = db.orders.of_companies.get(&asked, now) {
            return Ok(order);
        }
        let measure = measures(db)?
            .into_iter()
            .find(|measure| measure.field == asked.field);
        let measure = measure.ok_or_else(|| Error::missing("score", &asked.field))?;
        let found = (&asked.words, asked.without_contacts);
        let ids = db.all(FOUND, found, |row| Ok(CompanyId(row.get(0)?)))?;
        let rows = Rows::all(db, &fields_of(std::slice::from_ref(&measure)))?;
        let scored = self.with_index(|index| measure.measure(index, &rows, &ids, now));
        let totals = scored.into_iter().map(|scored| scored.map(|scored| scored.total));
        let mut ranked: Vec<(Option<i64>, CompanyId)> = totals.zip(ids).collect();
        // Companies of as many points stay in the order of their names.
        match asked.descending {
            true => ranked.sort_by_key(|(total, _)| (total.is_none(), total.map(Reverse))),
            false => ranked.sort_by_key(|(total, _)| (total.is_none(), *total)),
        }
        let order: Arc<[CompanyId]> = ranked.into_iter().map(|(_, id)| id).collect();
        db.orders.of_companies.put(asked, now, order.clone());
        Ok(order)
    }
}
