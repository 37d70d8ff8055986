//! A secret in memory.

use zeroize::Zeroizing;

/// A password or token. It is wiped from memory when dropped, and has no way into a log: no `Debug`, `Display`
/// or `Serialize`.
///
/// ```compile_fail
/// println!("{:?}", carillon_adapters::Secret::new("x".to_owned()));
/// ```
/// ```compile_fail
/// println!("{}", carillon_adapters::Secret::new("x".to_owned()));
/// ```
/// ```compile_fail
/// serde_json::to_string(&carillon_adapters::Secret::new("x".to_owned()));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text, for the one call that needs it. Never store or format what this returns.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
