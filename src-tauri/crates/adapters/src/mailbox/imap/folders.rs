//! Names of folders: modified UTF-7 (RFC 3501 §5.1.3) and quoting.

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::sync::LazyLock;

/// Base64 with `,` for `/` and without padding.
static MODIFIED: LazyLock<GeneralPurpose> = LazyLock::new(|| {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&Alphabet::new(letters).expect("64 different letters"), config)
});

/// The name as people know it. What is not modified UTF-7 stays as it is.
pub(super) fn readable(name: &str) -> String {
    decode(name).unwrap_or_else(|| name.to_owned())
}

fn decode(name: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = name;
    while let Some((plain, shifted)) = rest.split_once('&') {
        text.push_str(plain);
        let (coded, after) = shifted.split_once('-')?;
        if coded.is_empty() {
            text.push('&');
        } else {
            let bytes = MODIFIED.decode(coded).ok()?;
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|two| u16::from_be_bytes([two[0], two[1]]))
                .collect();
            text.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// The name as an argument; `None` where it holds what no name can (RFC 3501 §9, `quoted`).
pub(super) fn quoted(name: &str) -> Option<String> {
    let fit =
        !name.is_empty() && name.len() <= 1000 && name.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    fit.then(|| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_people_wrote_it() {
        for (wire, people) in [
            ("INBOX", "INBOX"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("R&AOk-pertoire&-Spam", "Répertoire&Spam"),
            ("&U,BTFw-", "台北"),
            ("&2D3eAA-", "😀"),
            ("&broken", "&broken"),
            ("&!!!-", "&!!!-"),
            ("&2D0-", "&2D0-"),
        ] {
            assert_eq!(readable(wire), people);
        }
    }

    #[test]
    fn a_name_can_never_end_a_line() {
        assert_eq!(quoted(r#"a "b" \c"#).as_deref(), Some(r#""a \"b\" \\c""#));
        for bad in ["", "a\r\nb LOGOUT", "a\0", "ä"] {
            assert_eq!(quoted(bad), None, "{bad:?}");
        }
    }
}
