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
}
