//! Named points at which a test may end the process, to prove what a power cut leaves behind.
//!
//! Always compiled, because what is tested must be what ships; a point costs one load of a `OnceLock`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that names a point, with `:n` for its n-th passage (from 1).
pub const VARIABLE: &str = "CARILLON_CRASH_AT";

/// The points of a commit, in the order they are passed.
pub const COMMIT_POINTS: [&str; 5] = [
    "rows_written",
    "edges_written",
    "before_commit",
    "after_commit",
    "after_publish",
];

/// Ends the process without any clean-up if [`VARIABLE`] names this passage of this point.
pub fn point(name: &str) {
    static TARGET: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let target = TARGET.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| read(&text)));
    if let Some((wanted, passage)) = target
        && wanted == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *passage
    {
        std::process::abort();
    }
}

fn read(text: &str) -> (String, u64) {
    match text.rsplit_once(':') {
        Some((name, n)) if n.parse::<u64>().is_ok_and(|n| n > 0) => (name.to_owned(), n.parse().unwrap_or(1)),
        _ => (text.to_owned(), 1),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_point_is_named_with_its_passage_and_else_means_the_first() {
        assert_eq!(super::read("before_commit:7"), ("before_commit".to_owned(), 7));
        assert_eq!(super::read("before_commit"), ("before_commit".to_owned(), 1));
        assert_eq!(super::read("odd:name"), ("odd:name".to_owned(), 1));
    }
}
