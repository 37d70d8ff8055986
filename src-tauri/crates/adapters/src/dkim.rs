//! DKIM signatures (RFC 6376) on finished messages: RSA with 2048 bits and SHA-256, relaxed/relaxed, for accounts whose
//! provider does not sign.

mod canonical;

use crate::Secret;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use canonical::Header;
use carillon_model::Moment;
use getrandom::SysRng;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::{BoxedUint, PrivateKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bits of a key: the least every receiver takes without a reservation (RFC 8301 §3.2).
const BITS: usize = 2048;
/// Bytes of each of its two primes.
const PRIME_BYTES: usize = BITS / 8 / 2;
/// The public exponent, of every key.
const EXPONENT: u64 = 65_537;
/// How a secret begins, so that another sort of key is told from it.
const SORT: &str = "rsa2048:";
/// Bytes of one string of a TXT record (RFC 1035 §3.3).
const TXT_STRING_BYTES: usize = 255;

/// Headers that nobody on the way may add one more of: each is named once more than it occurs, so that a second one,
/// which some programs would show, breaks the signature (RFC 6376 §8.15).
const SEALED: [&str; 8] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
];
/// Headers that are signed where they are. A relay may add its own where they are not.
const SIGNED: [&str; 4] = [
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
];

/// Why there is no key or no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DkimError {
    #[error("The key for signing mail is damaged or of another kind. Make a new one and publish its record.")]
    Key,
    #[error("No key for signing mail could be made: this machine gave no random numbers.")]
    NoRandomness,
    #[error("The domain that signs mail is written like example.com.")]
    Domain,
    #[error("The selector is letters, digits and hyphens, like carillon1.")]
    Selector,
    #[error("The message cannot be signed: its headers cannot be read.")]
    Message,
    #[error("The message could not be signed with this key.")]
    Signing,
}

/// A new private key, for the vault: `rsa2048:` and its two primes in base64. The whole key follows from them, and in
/// the usual form (PKCS #8) it would be longer than every keychain keeps ([`crate::vault::LONGEST_SECRET`]). Takes up
/// to some seconds: call it off the async threads.
///
/// # Errors
/// [`DkimError::NoRandomness`].
pub fn make_key() -> Result<Secret, DkimError> {
    let key = PrivateKey::new(&mut SysRng, BITS).map_err(|_| DkimError::NoRandomness)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * PRIME_BYTES));
    let mut primes: Vec<&BoxedUint> = rsa::traits::PrivateKeyParts::primes(&key)
        .iter()
        .map(|prime| prime.as_ref())
        .collect();
    primes.sort_by(|a, b| b.cmp(a));
    for prime in primes {
        let whole = Zeroizing::new(prime.to_be_bytes());
        bytes.extend_from_slice(&whole[whole.len() - PRIME_BYTES..]);
    }
    let mut text = Zeroizing::new(String::from(SORT));
    STANDARD.encode_string(bytes.as_slice(), &mut text);
    Ok(Secret::new(std::mem::take(&mut *text)))
}

/// A private key, ready to sign. It has no way into a log.
pub struct Key {
    pair: KeyPair,
    /// `SubjectPublicKeyInfo` in DER (RFC 5280 §4.1).
    public: Vec<u8>,
}

impl Key {
    /// Reads what [`make_key`] made.
    ///
    /// # Errors
    /// [`DkimError::Key`].
    pub fn read(secret: &Secret) -> Result<Key, DkimError> {
        let text = secret.expose().trim().strip_prefix(SORT).ok_or(DkimError::Key)?;
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| DkimError::Key)?);
        if bytes.len() != 2 * PRIME_BYTES {
            return Err(DkimError::Key);
        }
        let prime = |bytes: &[u8]| {
            BoxedUint::from_be_slice(bytes, PRIME_BYTES as u32 * 8).map_err(|_| DkimError::Key)
        };
        let (p, q) = bytes.split_at(PRIME_BYTES);
        let key = PrivateKey::from_p_q(prime(p)?, prime(q)?, EXPONENT.into()).map_err(|_| DkimError::Key)?;
        let whole = key.to_pkcs1_der().map_err(|_| DkimError::Key)?;
        let public = key.to_public_key().to_public_key_der();
        Ok(Key {
            pair: KeyPair::from_der(whole.as_bytes()).map_err(|_| DkimError::Key)?,
            public: public.map_err(|_| DkimError::Key)?.into_vec(),
        })
    }
}

/// What is published for a key, so that receivers can check its signatures (RFC 6376 §3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxtRecord {
    /// `selector._domainkey.domain`.
    pub name: String,
    /// The whole value, for forms that split it themselves.
    pub value: String,
    /// The same in strings of at most 255 bytes, for those that do not.
    pub strings: Vec<String>,
}

impl TxtRecord {
    /// The record of a value that was made before.
    pub fn of(domain: &str, selector: &str, value: String) -> TxtRecord {
        // ASCII, so any byte is a place to split at.
        let strings = value.as_bytes().chunks(TXT_STRING_BYTES);
        TxtRecord {
            name: format!("{selector}._domainkey.{domain}"),
            strings: strings
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect(),
            value,
        }
    }

    /// The strings in quotes, as a zone file and many forms want them.
    pub fn quoted(&self) -> String {
        let quoted: Vec<String> = self.strings.iter().map(|part| format!("\"{part}\"")).collect();
        quoted.join(" ")
    }
}

/// Signs for one domain.
pub struct Signer {
    key: Key,
    domain: String,
    selector: String,
}

impl Signer {
    /// `domain` is the one of the `From` address or one above it, else DMARC does not count the signature (RFC 9989).
    /// An international domain is written as its A-labels.
    ///
    /// # Errors
    /// [`DkimError::Domain`] and [`DkimError::Selector`].
    pub fn new(key: Key, domain: &str, selector: &str) -> Result<Signer, DkimError> {
        let domain = idna::domain_to_ascii_strict(domain.trim().trim_end_matches('.'))
            .ok()
            .filter(|domain| domain.contains('.') && domain.split('.').all(is_label))
            .ok_or(DkimError::Domain)?;
        let selector = selector.trim().to_ascii_lowercase();
        let fits = selector.split('.').all(is_label) && selector.len() + domain.len() <= 230;
        if !fits {
            return Err(DkimError::Selector);
        }
        Ok(Signer {
            key,
            domain,
            selector,
        })
    }

    /// The record to publish for this signer.
    pub fn record(&self) -> TxtRecord {
        let value = format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(&self.key.public));
        TxtRecord::of(&self.domain, &self.selector, value)
    }

    /// The message with its `DKIM-Signature` in front. `message` has CRLF line ends only, `at` is when it is signed.
    ///
    /// # Errors
    /// [`DkimError::Message`] and [`DkimError::Signing`].
    pub fn sign(&self, message: &[u8], at: Moment) -> Result<Vec<u8>, DkimError> {
        let (headers, body) = canonical::split(message).ok_or(DkimError::Message)?;
        let is_from = |header: &Header<'_>| header.is("From");
        if headers.iter().filter(|header| is_from(header)).count() != 1 {
            return Err(DkimError::Message);
        }
        let body_hash = STANDARD.encode(digest(&SHA256, &canonical::body(body)));
        let (names, mut data) = selected(&headers);
        let mut field = format!(
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={};\r\n\ts={}; t={};\r\n\th={};\r\n\tbh={body_hash};\r\n\tb=",
            self.domain,
            self.selector,
            at.timestamp().max(0),
            folded(&names, ":"),
        );
        let own = Header::read(field.as_bytes()).ok_or(DkimError::Message)?;
        own.relaxed(&mut data);
        // RFC 6376 §3.7: the signature's own header is hashed last, without its line end.
        data.truncate(data.len() - 2);
        let mut signature = vec![0; self.key.pair.public_modulus_len()];
        self.key
            .pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &data, &mut signature)
            .map_err(|_| DkimError::Signing)?;
        let text = STANDARD.encode(signature);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(72)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        field.push_str(&lines.join("\r\n\t"));
        field.push_str("\r\n");
        Ok([field.as_bytes(), message].concat())
    }
}

/// A label of a host name (RFC 1035 §2.3.1), or one with an underscore, as selectors of some providers have.
fn is_label(label: &str) -> bool {
    let fits = (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    fits && label
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The names for `h=`, and the headers they stand for as they are hashed: of several, the last comes first.
fn selected(headers: &[Header<'_>]) -> (Vec<&'static str>, Vec<u8>) {
    let (mut names, mut data) = (Vec::new(), Vec::new());
    for name in SEALED.into_iter().chain(SIGNED) {
        for header in headers.iter().rev().filter(|header| header.is(name)) {
            names.push(name);
            header.relaxed(&mut data);
        }
        if SEALED.contains(&name) {
            names.push(name);
        }
    }
    (names, data)
}

/// Words on lines of about 70 signs.
fn folded(words: &[&str], between: &str) -> String {
    let mut out = String::new();
    let mut column = 4;
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out.push_str(between);
            if column + word.len() > 70 {
                out.push_str("\r\n\t ");
                column = 4;
            }
        }
        out.push_str(word);
        column += word.len() + between.len();
    }
    out
}

#[cfg(test)]
#[path = "dkim/tests.rs"]
mod tests;
