//! The Liquid language, as far as e-mail needs it.
//!
//! Tags: `if`, `unless`, `elsif`, `else`, `case`/`when`, `for` (with `limit`, `offset`, `reversed`), `break`,
//! `continue`, `assign`, `capture`, `comment`, `raw`, and `#` for a remark. No includes, no files, nothing that
//! reaches outside. Reading uses a stack of its own, never recursion over what the author wrote.
//!
//! Where this differs from Shopify's reference: a missing value prints nothing and is recorded; a text that
//! holds only spaces counts as missing; lists print with commas; values are escaped by the part they stand in.

pub(crate) mod eval;
pub(crate) mod expr;
pub(crate) mod filters;
pub(crate) mod marks;
pub(crate) mod markup;
pub(crate) mod parse;
pub(crate) mod scope;
pub(crate) mod value;

pub(crate) use eval::{Gaps, Mode, render, render_marked};
pub(crate) use parse::{Liquid, parse};
pub(crate) use scope::Scope;
