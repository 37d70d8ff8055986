//! Public tokens: one AES-128 block of (workspace, kind, ordinal), so that a number in a link, a Message-ID
//! or the API tells nothing, cannot be guessed, and needs no column and no index.
//!
//! Plain block, big-endian: 4 bytes mark, 2 bytes workspace, 2 bytes kind, 8 bytes ordinal. The first 8 are
//! known beforehand and checked, so a made-up token passes once in 2^64.

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};

const MARK: [u8; 4] = *b"Crln";

/// What a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum TokenKind {
    /// A row of `outbox`: the left side of its Message-ID.
    Message = 1,
    /// A contact.
    Contact = 2,
    /// The unsubscribe link of one message.
    Unsubscribe = 3,
}

/// Makes and reads the tokens of one workspace.
#[derive(Clone)]
pub struct Tokens {
    cipher: Aes128,
    workspace: u16,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    /// `key` is the workspace's own, from its file; whoever has it can read and make its tokens.
    pub fn new(key: &[u8; 16], workspace: u16) -> Tokens {
        Tokens {
            cipher: Aes128::new(GenericArray::from_slice(key)),
            workspace,
        }
    }

    fn fixed(&self, kind: TokenKind) -> [u8; 8] {
        let mut fixed = [0; 8];
        fixed[..4].copy_from_slice(&MARK);
        fixed[4..6].copy_from_slice(&self.workspace.to_be_bytes());
        fixed[6..].copy_from_slice(&(kind as u16).to_be_bytes());
        fixed
    }

    /// The token of an ordinal: 32 lower-case hexadecimal digits.
    pub fn make(&self, kind: TokenKind, ordinal: i64) -> String {
        use std::fmt::Write;
        let mut block = [0; 16];
        block[..8].copy_from_slice(&self.fixed(kind));
        block[8..].copy_from_slice(&ordinal.to_be_bytes());
        let mut block = GenericArray::from(block);
        self.cipher.encrypt_block(&mut block);
        block.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The ordinal of a token of this workspace and kind; `None` for anything else.
    pub fn read(&self, kind: TokenKind, token: &str) -> Option<i64> {
        let digits = token.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        let mut block = [0; 16];
        for (byte, pair) in block.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        let mut block = GenericArray::from(block);
        self.cipher.decrypt_block(&mut block);
        let (fixed, ordinal) = block.split_at(8);
        let ordinal = i64::from_be_bytes(ordinal.try_into().ok()?);
        (fixed == self.fixed(kind) && ordinal >= 0).then_some(ordinal)
    }

    /// The Message-ID of an outbox row at the sender's domain (RFC 5322 §3.6.4), with its angle brackets.
    pub fn message_id(&self, message: i64, domain: &str) -> String {
        format!("<{}@{domain}>", self.make(TokenKind::Message, message))
    }

    /// The outbox row a Message-ID of ours names, whatever its domain; brackets may be missing.
    pub fn read_message_id(&self, text: &str) -> Option<i64> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        self.read(TokenKind::Message, text.split_once('@')?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_only_as_its_own_kind_and_workspace() {
        let ours = Tokens::new(&[7; 16], 1);
        for ordinal in [0, 1, 42, i64::MAX] {
            let token = ours.make(TokenKind::Message, ordinal);
            assert_eq!(ours.read(TokenKind::Message, &token), Some(ordinal));
            assert_eq!(ours.read(TokenKind::Contact, &token), None);
            assert_eq!(Tokens::new(&[8; 16], 1).read(TokenKind::Message, &token), None);
            assert_eq!(Tokens::new(&[7; 16], 2).read(TokenKind::Message, &token), None);
        }
        assert_ne!(
            ours.make(TokenKind::Message, 1)[..16],
            ours.make(TokenKind::Message, 2)[..16]
        );
    }

    #[test]
    fn what_is_not_a_token_names_nothing() {
        let ours = Tokens::new(&[7; 16], 1);
        let token = ours.make(TokenKind::Message, 5);
        let mut flipped = token.clone().into_bytes();
        flipped[3] = if flipped[3] == b'0' { b'1' } else { b'0' };
        for bad in [
            "",
            "zz",
            &"g".repeat(32),
            &token[1..],
            &String::from_utf8_lossy(&flipped),
        ] {
            assert_eq!(ours.read(TokenKind::Message, bad), None);
        }
    }

    #[test]
    fn a_message_id_comes_back_with_or_without_brackets() {
        let ours = Tokens::new(&[7; 16], 1);
        let id = ours.message_id(99, "mail.example");
        assert!(id.starts_with('<') && id.ends_with("@mail.example>"));
        assert_eq!(ours.read_message_id(&id), Some(99));
        assert_eq!(ours.read_message_id(id.trim_matches(['<', '>'])), Some(99));
        assert_eq!(ours.read_message_id("<no-at-sign>"), None);
    }
}
