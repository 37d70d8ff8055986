#![allow(clippy::unwrap_used)]

use super::*;
use crate::vault::LONGEST_SECRET;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use proptest::prelude::*;
use std::sync::OnceLock;

/// One key for all tests: making one takes seconds in an unoptimised build.
fn secret() -> &'static str {
    static SECRET: OnceLock<String> = OnceLock::new();
    SECRET.get_or_init(|| make_key().unwrap().expose().to_owned())
}

fn signer() -> Signer {
    let key = Key::read(&Secret::new(secret().to_owned())).unwrap();
    Signer::new(key, "Ember.Example.", "Carillon1").unwrap()
}

fn at() -> Moment {
    Moment::from_timestamp(1_790_000_000, 0).unwrap()
}

const MESSAGE: &str = "From: A <a@ember.example>\r\nTo: b@example.com\r\nSubject: Hi\r\n there  you \r\nDate: Mon, 21 Sep \
    2026 14:13:20 +0000\r\nMessage-ID: <t@ember.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\
    List-Unsubscribe: <https://r.test/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nOne  two \r\n\r\n";

fn tags(signed: &[u8]) -> std::collections::BTreeMap<String, String> {
    let text = String::from_utf8(signed.to_vec()).unwrap();
    let field = text.strip_prefix("DKIM-Signature:").unwrap();
    let end = field.find("\r\nFrom:").unwrap();
    let flat: String = field[..end].chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = flat.split(';').filter_map(|tag| tag.split_once('='));
    pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// The examples of RFC 6376 §3.4.5 and §3.4.4.
#[test]
fn headers_and_bodies_are_read_as_the_standard_shows() {
    let (headers, body) =
        canonical::split(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n").unwrap();
    let mut out = Vec::new();
    headers.iter().for_each(|header| header.relaxed(&mut out));
    assert_eq!(out, b"a:X\r\nb:Y Z\r\n");
    assert_eq!(canonical::body(body), b" C\r\nD E\r\n");
    for (body, canonical) in [
        (&b""[..], &b""[..]),
        (b"\r\n\r\n", b""),
        (b" \t", b""),
        (b"a", b"a\r\n"),
        (b"a \r\n \r\n", b"a\r\n"),
        (b"\r\n a\r\n", b"\r\n a\r\n"),
    ] {
        assert_eq!(canonical::body(body), canonical, "{body:?}");
    }
    // RFC 6376 §3.4.4 names the hash of an empty body.
    assert_eq!(
        STANDARD.encode(digest(&SHA256, &canonical::body(b""))),
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    );
}

#[test]
fn a_signature_names_what_it_covers_and_is_good() {
    let signed = signer().sign(MESSAGE.as_bytes(), at()).unwrap();
    assert!(
        signed.ends_with(MESSAGE.as_bytes()),
        "the message itself stays as it is"
    );
    let tags = tags(&signed);
    for (tag, value) in [
        ("v", "1"),
        ("a", "rsa-sha256"),
        ("c", "relaxed/relaxed"),
        ("d", "ember.example"),
        ("s", "carillon1"),
        ("t", "1790000000"),
        (
            "h",
            "From:From:To:To:Subject:Subject:Date:Date:Message-ID:Message-ID:Reply-To:MIME-Version:MIME-Version:\
             Content-Type:Content-Type:List-Unsubscribe:List-Unsubscribe-Post",
        ),
        ("bh", &STANDARD.encode(digest(&SHA256, b"One two\r\n"))),
    ] {
        assert_eq!(tags[tag], value);
    }
    let text = String::from_utf8(signed).unwrap();
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    // Written out by hand from RFC 6376 §3.7.
    let hashed = "from:A <a@ember.example>\r\nto:b@example.com\r\nsubject:Hi there you\r\ndate:Mon, 21 Sep 2026 14:13:20 \
         +0000\r\nmessage-id:<t@ember.example>\r\nmime-version:1.0\r\ncontent-type:text/plain\r\n\
         list-unsubscribe:<https://r.test/u>\r\nlist-unsubscribe-post:List-Unsubscribe=One-Click\r\n";
    let own = &text[..text.find("\tb=").unwrap() + 3];
    let own = own.replacen("DKIM-Signature: ", "dkim-signature:", 1);
    let own = own.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let public = signer().key.pair.public_key().as_ref().to_vec();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(
            format!("{hashed}{own}").as_bytes(),
            &STANDARD.decode(&tags["b"]).unwrap(),
        )
        .unwrap();
}

#[test]
fn a_key_fits_every_vault_and_comes_back_from_it() {
    assert!(secret().len() <= LONGEST_SECRET);
    let (one, two) = (signer(), signer());
    assert_eq!(
        one.sign(MESSAGE.as_bytes(), at()).unwrap(),
        two.sign(MESSAGE.as_bytes(), at()).unwrap()
    );
    assert_eq!(one.key.pair.public_modulus_len(), 256);
}

#[test]
fn keys_that_are_none_are_refused_without_a_word_of_them() {
    let swapped = {
        let bytes = STANDARD.decode(&secret()[SORT.len()..]).unwrap();
        format!(
            "{SORT}{}",
            STANDARD.encode([&bytes[128..], &bytes[..128]].concat())
        )
    };
    for text in [
        "",
        "rsa2048:",
        "rsa2048:AAAA",
        "ed25519:AAAA",
        &secret()[..secret().len() - 8],
        &format!("{SORT}{}", STANDARD.encode([0; 256])),
        &format!("{SORT}{}", STANDARD.encode([255; 256])),
        &format!("{SORT}{}", STANDARD.encode([254; 256])),
    ] {
        let error = Key::read(&Secret::new(text.to_owned())).err();
        assert_eq!(error, Some(DkimError::Key));
    }
    // Primes in the other order are the same key or none, never a key that signs wrongly.
    if let Ok(key) = Key::read(&Secret::new(swapped)) {
        assert_eq!(key.public, signer().key.public);
    }
}

#[test]
fn the_record_says_the_public_key_in_strings_that_fit() {
    let record = signer().record();
    assert_eq!(record.name, "carillon1._domainkey.ember.example");
    assert!(
        record
            .value
            .starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")
    );
    assert!(record.value.ends_with("IDAQAB"), "the exponent 65537 ends it");
    assert_eq!(record.strings.concat(), record.value);
    assert_eq!(record.strings.len(), 2);
    assert!(record.strings.iter().all(|part| part.len() <= 255));
    assert_eq!(
        record.quoted(),
        format!("\"{}\" \"{}\"", record.strings[0], record.strings[1])
    );
}

#[test]
fn names_that_could_break_out_of_the_header_are_refused() {
    let key = || Key::read(&Secret::new(secret().to_owned())).unwrap();
    for domain in [
        "",
        "example",
        "a b.example",
        "ember.example; h=x",
        "-a.example",
        "a..example",
        "a\r\n.example",
    ] {
        assert_eq!(
            Signer::new(key(), domain, "s").err(),
            Some(DkimError::Domain),
            "{domain}"
        );
    }
    let long = "s".repeat(64);
    for selector in ["", "a b", "a;b", "a\r\nb", "-a", "ä", &long] {
        let error = Signer::new(key(), "ember.example", selector).err();
        assert_eq!(error, Some(DkimError::Selector), "{selector}");
    }
    let abroad = Signer::new(key(), "bücher.example", "s").unwrap();
    assert_eq!(abroad.record().name, "s._domainkey.xn--bcher-kva.example");
}

#[test]
fn what_is_no_message_is_not_signed() {
    for message in [
        "",
        "From: a\r\n",
        "To: b\r\n\r\nx",
        "From: a\r\nFrom: b\r\n\r\nx",
        "From a\r\n\r\n",
        " From: a\r\n\r\n",
    ] {
        assert_eq!(
            signer().sign(message.as_bytes(), at()).err(),
            Some(DkimError::Message),
            "{message:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_relay_that_folds_lines_and_adds_spaces_leaves_the_hashes_as_they_are(
        words in prop::collection::vec("[a-z]{1,9}", 1..20), gaps in prop::collection::vec("[ \t]{1,3}", 20)) {
        let plain = words.join(" ");
        let loose: String = words.iter().zip(&gaps).map(|(word, gap)| format!("{word}{gap}")).collect();
        prop_assert_eq!(
            canonical::body(format!("{plain}\r\n").as_bytes()),
            canonical::body(format!("{loose}\r\n\r\n").as_bytes())
        );
        let folded = loose.replacen(' ', "\r\n ", 3);
        let read = |field: String| {
            let mut out = Vec::new();
            Header::read(field.as_bytes()).unwrap().relaxed(&mut out);
            out
        };
        prop_assert_eq!(read(format!("Subject: {plain}")), read(format!("SUBJECT :{folded}")));
    }

    #[test]
    fn no_bytes_make_signing_panic(bytes in prop::collection::vec(prop::sample::select(&b"From:a\r\n \t;x"[..]), 0..200)) {
        let _ = signer().sign(&bytes, at());
    }
}
