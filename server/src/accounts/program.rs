//! What programs show to be let in.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{ApiToken, Scope, TokenId};
use store::{By, NewToken, Store, StoreError, TokenHash};

use super::Token;
use crate::system::random_id;

/// What those who look for leaked secrets know a token by.
const PREFIX: &str = "trb_";

/// A program's credentials are to be looked after once a year.
const LIVES_MAX: TimeDelta = TimeDelta::days(366);
/// Shorter, it would be over before it is put in its place.
const LIVES_MIN: TimeDelta = TimeDelta::minutes(5);
/// A line of a table.
const NAME_MAX_CHARS: usize = 100;

/// Why a token that is shown is good for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadToken {
    Unknown,
    Expired,
    Revoked,
    /// Whoever made it may not do so any more.
    Suspended,
}

/// A token to be made.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// As [`token_name`] has it.
    pub(crate) name: String,
    pub(crate) scopes: BTreeSet<Scope>,
    /// As [`token_lives`] has it.
    pub(crate) lives: TimeDelta,
}

/// A token that was made, with the text that the program shows: to be handed over once, and kept nowhere.
pub(crate) struct Made {
    pub(crate) token: ApiToken,
    pub(crate) text: String,
}

pub(crate) async fn make_token(store: &dyn Store, wanted: Wanted, by: &By) -> Result<Made, StoreError> {
    let secret = Token::random();
    let new = NewToken {
        id: TokenId(random_id(by.at)),
        hash: secret.hash(),
        name: wanted.name,
        scopes: wanted.scopes.into_iter().collect(),
        expires_at: by.at + wanted.lives,
    };
    store.add_token(&new, by).await?;
    Ok(Made {
        text: format!("{PREFIX}{}", secret.text()),
        token: ApiToken {
            id: new.id,
            name: new.name,
            scopes: new.scopes,
            made_by: by.actor.account(),
            suspended: false,
            created_at: by.at,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        },
    })
}

/// What a token's text is kept as; `None` if it cannot be one of ours.
pub(super) fn token_hash(text: &str) -> Option<TokenHash> {
    let token = Token::read(text.strip_prefix(PREFIX)?)?;
    Some(token.hash())
}

/// One line that is not too long.
pub(crate) fn token_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME_MAX_CHARS || text.contains(char::is_control) {
        return Err(format!("give one line of up to {NAME_MAX_CHARS} characters"));
    }
    Ok(text.to_owned())
}

/// Days or hours, such as 90d or 12h.
pub(crate) fn token_lives(text: &str) -> Result<TimeDelta, String> {
    let odd = || "give days or hours, such as 90d or 12h, a year (366d) at most".to_owned();
    let unit = text.chars().last().ok_or_else(odd)?;
    let number: u32 = text
        .strip_suffix(unit)
        .and_then(|number| number.parse().ok())
        .ok_or_else(odd)?;
    let lives = match unit {
        'd' => TimeDelta::days(number.into()),
        'h' => TimeDelta::hours(number.into()),
        'm' => TimeDelta::minutes(number.into()),
        _ => return Err(odd()),
    };
    (LIVES_MIN..=LIVES_MAX)
        .contains(&lives)
        .then_some(lives)
        .ok_or_else(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_within_a_year() {
        let lives = |text| token_lives(text).ok();
        assert_eq!(lives("90d"), Some(TimeDelta::days(90)));
        assert_eq!(lives("12h"), Some(TimeDelta::hours(12)));
        assert_eq!(lives("366d"), Some(TimeDelta::days(366)));
        for odd in ["", "d", "90", "0d", "367d", "-1d", "4m", "90 d", "1y", "5\u{fc}"] {
            assert_eq!(lives(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_for() {
        let digits = Token::random().text().to_owned();
        assert!(token_hash(&format!("trb_{digits}")).is_some());
        let capital = format!("trb_{}", "A".repeat(64));
        for other in ["", "trb_", &digits, &format!("trb_{digits}0"), &capital] {
            assert!(token_hash(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(token_name(" nightly export ").as_deref(), Ok("nightly export"));
        for odd in ["", " ", "a\nb", &"x".repeat(101)] {
            assert!(token_name(odd).is_err());
        }
    }
}
