//! Access tokens that need no memory: each carries what is asked of it, and a mark that only this simulator makes.

use crate::mix::Mix;
use std::fmt::Write;

/// As the provider answers in `expires_in`.
pub(crate) const TOKEN_LIFE_SECONDS: u64 = 7_200;
/// Digits of each part of a token.
const PART_DIGITS: usize = 16;

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// Place of the tenant in the simulator.
    pub(crate) tenant: u64,
    pub(crate) scope: Scope,
    /// Unix seconds.
    pub(crate) issued: u64,
    /// Requests that the tenant had answered by then.
    pub(crate) requests: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Scope {
    /// Names separated by spaces; `None` if one of them is unknown.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split_whitespace()
            .try_fold(Self::default(), |scope, name| match name {
                "read" => Some(Self { read: true, ..scope }),
                "write" => Some(Self { write: true, ..scope }),
                _ => None,
            })
    }

    pub(crate) fn name(self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "read write",
            (true, false) => "read",
            (false, true) => "write",
            (false, false) => "",
        }
    }

    fn bits(self) -> u64 {
        u64::from(self.read) + 2 * u64::from(self.write)
    }
}

impl Token {
    pub(crate) fn write(self, secret: Mix) -> String {
        let mut text = String::with_capacity(4 * PART_DIGITS);
        for part in [
            self.tenant * 4 + self.scope.bits(),
            self.issued,
            self.requests,
            self.mark(secret),
        ] {
            // Writing to a string does not fail.
            let _ = write!(text, "{part:016x}");
        }
        text
    }

    /// `None` for what this simulator did not write.
    pub(crate) fn read(text: &str, secret: Mix) -> Option<Self> {
        if text.len() != 4 * PART_DIGITS || !text.is_ascii() {
            return None;
        }
        let part = |at: usize| u64::from_str_radix(&text[at * PART_DIGITS..(at + 1) * PART_DIGITS], 16).ok();
        let subject = part(0)?;
        let token = Self {
            tenant: subject / 4,
            scope: Scope {
                read: subject & 1 > 0,
                write: subject & 2 > 0,
            },
            issued: part(1)?,
            requests: part(2)?,
        };
        (part(3)? == token.mark(secret)).then_some(token)
    }

    fn mark(self, secret: Mix) -> u64 {
        secret
            .at(self.tenant)
            .at(self.scope.bits())
            .at(self.issued)
            .at(self.requests)
            .draw(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tokens_read_back_and_changed_ones_do_not(
            tenant in 0_u64..9, read: bool, write: bool, issued in 0_u64..4_000_000_000, requests in 0_u64..1000, at in 0_usize..64
        ) {
            let token = Token { tenant, scope: Scope { read, write }, issued, requests };
            let text = token.write(Mix::new(1));
            prop_assert_eq!(Token::read(&text, Mix::new(1)), Some(token));
            prop_assert_eq!(Token::read(&text, Mix::new(2)), None);
            let mut forged = text.into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            prop_assert_eq!(Token::read(&String::from_utf8(forged).unwrap(), Mix::new(1)), None);
        }
    }
}
