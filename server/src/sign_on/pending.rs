//! What a browser keeps for us while its person is at the provider: sealed, in a cookie, for a few minutes.

use chrono::{DateTime, TimeDelta, Utc};
use domain::SessionId;
use serde::{Deserialize, Serialize};

use crate::{
    secrets::{KeyRing, OpenError, to_hex},
    system::random_bytes,
};

/// Time for a password, a second factor and a lost telephone.
pub(crate) const PENDING_LIVES: TimeDelta = TimeDelta::minutes(10);

/// What a guess would have to hit: 256 bits. As digits it is a verifier's length, too (43 to 128).
const RANDOM_BYTES: usize = 32;

/// Longest page that is gone on to, in bytes: sealed and in hexadecimal digits it fits into a cookie's 4 KiB.
const NEXT_MAX_BYTES: usize = 1_000;
/// Instead of a page with a longer address, or of none.
const START: &str = "/";

/// Whose it is, where it is sealed. No tenant's name has a space.
const OWNER: &str = "sign-on that is pending";

/// A sign-on that was begun. Only the browser that began it can end it, since only that one holds this.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Comes back with the browser.
    pub(crate) state: String,
    /// Comes back within the ID token.
    pub(crate) nonce: String,
    /// Proves to the provider that whoever asks for the tokens is who began (PKCE).
    pub(crate) verifier: String,
    /// The page of ours that they want.
    pub(crate) next: String,
    /// The session whose person is to be asked again who they are; `None` if they log in.
    pub(crate) confirms: Option<SessionId>,
    pub(crate) began_at: DateTime<Utc>,
}

/// Why a sign-on is not gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotPending {
    /// No cookie, one that does not open, or another state.
    #[error("it was not begun in this browser, or another one was begun since")]
    Unknown,
    #[error("it took longer than {} minutes", PENDING_LIVES.num_minutes())]
    Expired,
}

impl From<OpenError> for NotPending {
    fn from(_: OpenError) -> Self {
        Self::Unknown
    }
}

impl Pending {
    pub(crate) fn begin(next: Option<&str>, confirms: Option<SessionId>, now: DateTime<Utc>) -> Self {
        let next = next.filter(|next| next.len() <= NEXT_MAX_BYTES);
        let random = || to_hex(&random_bytes::<RANDOM_BYTES>());
        Self {
            state: random(),
            nonce: random(),
            verifier: random(),
            next: next.unwrap_or(START).to_owned(),
            confirms,
            began_at: now,
        }
    }

    pub(crate) fn seal(&self, keys: &KeyRing) -> String {
        let plain = serde_json::to_vec(self).expect("text and a time have a JSON");
        keys.seal(OWNER, &plain)
    }

    /// The one that a browser comes back with, if it is the one that the provider answers.
    pub(crate) fn open(
        keys: &KeyRing,
        sealed: &str,
        state: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, NotPending> {
        let plain = keys.open(OWNER, sealed)?;
        let pending: Self = serde_json::from_slice(&plain).map_err(|_| NotPending::Unknown)?;
        if pending.state != state {
            return Err(NotPending::Unknown);
        }
        if now - pending.began_at > PENDING_LIVES {
            return Err(NotPending::Expired);
        }
        Ok(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn keys() -> KeyRing {
        let folder = tempfile::tempdir().expect("a folder");
        KeyRing::load_or_create(&folder.path().join("key")).expect("keys")
    }

    fn begun() -> Pending {
        Pending::begin(Some("/customers?page=2"), None, NOW)
    }

    #[test]
    fn a_browser_brings_back_what_it_was_given() {
        let (keys, pending) = (keys(), begun());
        let sealed = pending.seal(&keys);
        let opened = Pending::open(&keys, &sealed, &pending.state, NOW + PENDING_LIVES);
        assert!(opened == Ok(pending.clone()));
        for secret in [&pending.state, &pending.nonce, &pending.verifier] {
            assert!(!sealed.contains(secret.as_str()));
        }
    }

    #[test]
    fn a_forged_state_and_anothers_cookie_are_not_gone_on_with() {
        let (keys, pending, others) = (keys(), begun(), begun());
        let sealed = pending.seal(&keys);
        let opened = |sealed: &str, state: &str| Pending::open(&keys, sealed, state, NOW).err();
        assert_eq!(opened(&sealed, &others.state), Some(NotPending::Unknown));
        assert_eq!(opened(&sealed, ""), Some(NotPending::Unknown));
        assert_eq!(opened("", &pending.state), Some(NotPending::Unknown));
        let forged = serde_json::to_string(&pending).expect("JSON");
        assert_eq!(opened(&forged, &pending.state), Some(NotPending::Unknown));
        let other_keys = self::keys();
        let elsewhere = Pending::open(&other_keys, &sealed, &pending.state, NOW).err();
        assert_eq!(elsewhere, Some(NotPending::Unknown));
    }

    #[test]
    fn nobody_comes_back_after_too_long() {
        let (keys, pending) = (keys(), begun());
        let late = NOW + PENDING_LIVES + TimeDelta::seconds(1);
        let opened = Pending::open(&keys, &pending.seal(&keys), &pending.state, late).err();
        assert_eq!(opened, Some(NotPending::Expired));
    }

    #[test]
    fn what_is_kept_fits_into_a_cookie() {
        let session = SessionId(uuid::Uuid::max());
        let longest = format!("/{}", "x".repeat(NEXT_MAX_BYTES - 1));
        let pending = Pending::begin(Some(&longest), Some(session), NOW);
        assert_eq!(pending.next, longest);
        assert!(pending.seal(&keys()).len() < 3_900);
        let too_long = Pending::begin(Some(&format!("{longest}x")), None, NOW);
        assert_eq!(too_long.next, START);
        assert_eq!(Pending::begin(None, None, NOW).next, START);
    }

    #[test]
    fn no_two_sign_ons_share_anything() {
        let (one, other) = (begun(), begun());
        assert!(one.state != other.state && one.nonce != other.nonce && one.verifier != other.verifier);
        assert!(one.state != one.nonce && one.nonce != one.verifier);
    }
}
