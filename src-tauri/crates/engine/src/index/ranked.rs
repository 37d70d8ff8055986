//! What it takes to be in the top or the bottom, of the rows as they are.

use super::Index;
use super::rows::Rows;
use crate::segment::{Ranking, Seen, cut_of, in_rank, is_ranked, measured};
use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::segment::{Clause, Compare, Cut, Expr};
use roaring::RoaringBitmap;
use std::borrow::Cow;

impl Index {
    /// An expression with what it takes now to be in the top or the bottom. Whoever asks about one contact asks with this; those
    /// who ask the index for members need not.
    pub fn measured<'e>(&self, expr: &'e Expr, now: Moment) -> Cow<'e, Expr> {
        if !is_ranked(expr) {
            return Cow::Borrowed(expr);
        }
        Cow::Owned(measured(expr, now, &mut |_, asked| {
            let value = self.rows.cut(asked, &RoaringBitmap::new(), std::iter::empty());
            Some(Cut {
                measured_at: now,
                value,
            })
        }))
    }
}

impl Rows {
    /// What it takes by the values of all contacts, of these others instead of those whose rows do not count.
    pub fn cut<'v>(
        &'v self,
        asked: &Ranking<'_>,
        without: &RoaringBitmap,
        others: impl Iterator<Item = Seen<'v>>,
    ) -> Option<Value> {
        let column = self.column(asked.key);
        let there = column.map(|column| (column.present() & &self.contacts) - without);
        let values = there.iter().flatten().filter_map(|id| column?.get(id));
        cut_of(asked, values.chain(others))
    }
}

/// The members of a clause that ranks; one that was not measured yet is, now.
pub(super) fn members(rows: &Rows, clause: &Clause) -> RoaringBitmap {
    let Clause::Ranked {
        key,
        top,
        percent,
        currency,
        cut,
    } = clause
    else {
        return RoaringBitmap::new();
    };
    let Some(column) = rows.column(key) else {
        return RoaringBitmap::new();
    };
    let cut = cut.clone().unwrap_or_else(|| {
        let asked = Ranking {
            key,
            top: *top,
            percent: *percent,
            currency: *currency,
        };
        Cut {
            measured_at: Moment::UNIX_EPOCH,
            value: rows.cut(&asked, &RoaringBitmap::new(), std::iter::empty()),
        }
    });
    match &cut.value {
        Some(Value::Number(n)) if *top => column.comparing(&Compare::Ge(*n)),
        Some(Value::Number(n)) => column.comparing(&Compare::Le(*n)),
        Some(_) => column.passing(|_, seen| in_rank(Some(seen), *top, Some(&cut))),
        None => RoaringBitmap::new(),
    }
}
