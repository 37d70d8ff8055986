//! Who is not meant, and would be if one clause held otherwise.

use super::Index;
use crate::segment::{clauses, print_clause};
use carillon_model::Moment;
use carillon_model::segment::Expr;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Those whom one clause keeps out.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Its canonical text.
    pub clause: String,
    /// No members, each of whom would be one if the clause held otherwise wherever it stands, and all else stayed.
    pub contacts: RoaringBitmap,
}

impl Index {
    /// Whom each distinct clause of an expression keeps out by itself at `now`, in order of appearance; clauses that keep
    /// nobody out by themselves are left out. Whoever misses two clauses is near to neither. A saved segment counts as one
    /// clause.
    pub fn near(&self, expr: &Expr, now: Moment) -> Vec<Near> {
        let mut count = self.reading(now).remembering();
        let mut order = Vec::new();
        let mut own = BTreeMap::new();
        for clause in clauses(expr) {
            let text = print_clause(clause);
            if !own.contains_key(&text) {
                // All are read before the first is turned: a saved segment may have the same clause in it.
                own.insert(text.clone(), count.clause(clause));
                order.push(text);
            }
        }
        let members = count.members(expr);
        let kept_out = order.into_iter().map(|clause| {
            let holding = own.remove(&clause).unwrap_or_default();
            count.tell(&clause, &self.rows.contacts - &holding);
            let contacts = count.members(expr) - &members;
            count.tell(&clause, holding);
            Near { clause, contacts }
        });
        kept_out.filter(|near| !near.contacts.is_empty()).collect()
    }
}
