//! Every statement goes through [`sql!`], which is how the test of all statements finds them.

/// A statement. `scan: "reason"` allows it to read a whole large table, and says why.
macro_rules! sql {
    ($text:literal) => {
        $text
    };
    ($text:literal, scan: $reason:literal) => {{
        const _: &str = $reason;
        $text
    }};
}
pub(crate) use sql;
