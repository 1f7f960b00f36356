use std::fmt;

use store::TokenHash;

use crate::{secrets::to_hex, system::random_bytes};

/// What a guess would have to hit: 256 bits.
const TOKEN_BYTES: usize = 32;

/// Something that whoever holds it may use: a session, a one-time link, a known browser. It is stored as its hash only, so
/// that whoever reads the database can use none of them.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn random() -> Self {
        Self(to_hex(&random_bytes::<TOKEN_BYTES>()))
    }

    /// One that came back; `None` if it cannot be one of ours.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 2 * TOKEN_BYTES && digits(text)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// A token has all the randomness that there is to guess, so a quick hash without a salt will do.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(blake3::hash(self.0.as_bytes()).to_hex().to_string())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows_itself() {
        let token = Token::random();
        assert_ne!(token.text(), Token::random().text());
        assert_eq!(format!("{token:?}"), "Token");
        assert!(!token.hash().0.contains(token.text()));
    }

    #[test]
    fn only_what_can_be_a_token_is_read_as_one() {
        let token = Token::random();
        let read = Token::read(token.text()).expect("a token");
        assert_eq!(read.hash(), token.hash());
        for other in [
            String::new(),
            token.text()[1..].to_owned(),
            "g".repeat(64),
            "A".repeat(64),
        ] {
            assert!(Token::read(&other).is_none(), "{other}");
        }
    }
}
