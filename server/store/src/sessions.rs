//! Sessions of those who have logged in, and how often it was tried.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Account, AccountId, SessionId};

use crate::{By, StoreError, TokenHash};

/// After so long without a request a session is over: a night.
pub const SESSION_IDLE_MAX: TimeDelta = TimeDelta::hours(12);
/// However busy it is: a week away from the password is enough.
pub const SESSION_AGE_MAX: TimeDelta = TimeDelta::days(7);
/// A request moves the time of a session only if it is older than this: one write a minute at most.
pub const SESSION_SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// A browser is forgotten after so long without a log-in.
pub const DEVICE_KEPT: TimeDelta = TimeDelta::days(180);

#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: SessionId,
    pub account: AccountId,
    /// What the password was checked against; none if it was not a password that let them in.
    pub password_hash: Option<String>,
    pub token: TokenHash,
    /// The browser, known from now on as one of this person's ...
    pub device: TokenHash,
    /// ... and as what it was known before.
    pub former_device: Option<TokenHash>,
    /// Where it came from and with which program, for the list of sessions.
    pub address: String,
    pub browser: String,
    /// The sealed ID token, if it was the identity provider that let them in.
    pub signed_on: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub account: AccountId,
    pub began_at: DateTime<Utc>,
    /// When the password was last given, or the identity provider asked who they are.
    pub confirmed_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub address: String,
    pub browser: String,
    /// The sealed ID token by which it began; `None` of one that began with a password.
    pub signed_on: Option<String>,
}

impl Session {
    /// When it ends if nothing more is asked for.
    pub fn ends_at(&self) -> DateTime<Utc> {
        (self.last_seen_at + SESSION_IDLE_MAX).min(self.latest_end())
    }

    /// When it ends however busy it is.
    pub fn latest_end(&self) -> DateTime<Utc> {
        self.began_at + SESSION_AGE_MAX
    }
}

/// What tries to log in have in common, and how many are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// A hash: it names nobody.
    pub name: String,
    /// Tries without a wait.
    pub free: u32,
    /// Others' tries are in it too: a success takes back its own try alone.
    pub shared: bool,
}

/// Whether a try may be made; it is counted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// So many are left before the first wait, this one not counted.
    Allowed {
        left: u32,
    },
    BlockedUntil(DateTime<Utc>),
}

/// The first wait; each further try doubles it ...
pub const WAIT_FIRST: Duration = Duration::from_secs(30);
/// ... up to this, so that nobody is locked out for good.
pub const WAIT_MAX: Duration = Duration::from_mins(15);
/// Tries are forgotten after so long without another.
pub const TRIES_KEPT: TimeDelta = TimeDelta::hours(24);

/// How long the next try must wait after so many without success.
pub fn wait_after(tries: u32, free: u32) -> Duration {
    let Some(over) = tries.checked_sub(free.max(1)) else {
        return Duration::ZERO;
    };
    WAIT_FIRST.saturating_mul(1 << over.min(10)).min(WAIT_MAX)
}

/// The tries of a bucket, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    pub tries: u32,
    pub last_at: DateTime<Utc>,
    pub blocked_until: DateTime<Utc>,
}

impl Tries {
    /// A block that reaches further than any can is of a clock that was wrong.
    fn blocks(&self, now: DateTime<Utc>) -> bool {
        self.blocked_until > now && self.blocked_until <= now + WAIT_MAX
    }

    fn one_more(self, free: u32, now: DateTime<Utc>) -> Self {
        let forgotten = now - self.last_at > TRIES_KEPT;
        let tries = if forgotten {
            1
        } else {
            self.tries.saturating_add(1)
        };
        Self {
            tries,
            last_at: now,
            blocked_until: now + wait_after(tries, free),
        }
    }
}

/// When the last of the blocks ends, if there is one.
pub fn blocked_until(stored: &[Tries], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let blocked = stored.iter().filter(|tries| tries.blocks(now));
    blocked.map(|tries| tries.blocked_until).max()
}

/// Decides on a try, given what is stored of each of its buckets: counted in all, or in none.
pub fn judge_try(buckets: &[Bucket], stored: &[Tries], now: DateTime<Utc>) -> (Tried, Vec<Tries>) {
    if let Some(until) = blocked_until(stored, now) {
        return (Tried::BlockedUntil(until), stored.to_vec());
    }
    let counted: Vec<Tries> = buckets
        .iter()
        .zip(stored)
        .map(|(bucket, tries)| tries.one_more(bucket.free, now))
        .collect();
    let left = buckets.iter().zip(&counted);
    let left = left.map(|(bucket, counted)| bucket.free.saturating_sub(counted.tries));
    (
        Tried::Allowed {
            left: left.min().unwrap_or_default(),
        },
        counted,
    )
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    LoggedOut,
    /// From a list of sessions.
    Ended,
}

#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Counts a try in each bucket, unless one of them is blocked. To be asked before the password is looked at, so that
    /// many tries at once are counted all the same.
    async fn try_log_in(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Tried, StoreError>;

    /// Notes a try that failed.
    async fn log_in_failed(&self, account: Option<AccountId>, by: &By) -> Result<(), StoreError>;

    /// Begins a session, and forgets the tries in the buckets. Whether it began: not if the account was disabled or its
    /// password replaced meanwhile.
    async fn begin_session(&self, new: &NewSession, buckets: &[Bucket], by: &By) -> Result<bool, StoreError>;

    /// The session with its account, if it is still good at this time.
    async fn session(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Account)>, StoreError>;

    async fn session_seen(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The password was given again: the session goes on under another token, and the tries in the buckets are
    /// forgotten. Whether there was such a session.
    async fn confirm_session(
        &self,
        id: SessionId,
        token: &TokenHash,
        buckets: &[Bucket],
        by: &By,
    ) -> Result<bool, StoreError>;

    /// Whether there was such a session. With an account, only if it is theirs.
    async fn end_session(
        &self,
        id: SessionId,
        only_of: Option<AccountId>,
        ending: Ending,
        by: &By,
    ) -> Result<bool, StoreError>;

    /// Those that are still good, latest first; of one account or of all.
    async fn sessions(&self, of: Option<AccountId>, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError>;

    async fn is_known_device(
        &self,
        device: &TokenHash,
        account: AccountId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Removes sessions, links, browsers and tries that are over.
    async fn sweep_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn bucket(free: u32) -> Bucket {
        Bucket {
            name: "b".into(),
            free,
            shared: false,
        }
    }

    fn tries(tries: u32, blocked_until: DateTime<Utc>) -> Tries {
        Tries {
            tries,
            last_at: NOW,
            blocked_until,
        }
    }

    #[test]
    fn waits_double_and_have_an_end() {
        let waits: Vec<u64> = (4..=12).map(|tries| wait_after(tries, 5).as_secs()).collect();
        assert_eq!(waits, [0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(wait_after(u32::MAX, 5), WAIT_MAX);
        assert_eq!(wait_after(0, 0), Duration::ZERO);
    }

    #[test]
    fn a_try_is_counted_in_all_buckets_or_in_none() {
        let buckets = [bucket(5), bucket(30)];
        let stored = [tries(4, NOW), tries(4, NOW)];
        let (tried, counted) = judge_try(&buckets, &stored, NOW);
        assert_eq!(tried, Tried::Allowed { left: 0 });
        assert_eq!(counted[0], tries(5, NOW + WAIT_FIRST));
        assert_eq!(counted[1], tries(5, NOW));

        let blocked = [counted[0], counted[1]];
        let (tried, counted) = judge_try(&buckets, &blocked, NOW);
        assert_eq!(tried, Tried::BlockedUntil(NOW + WAIT_FIRST));
        assert_eq!(counted, blocked);
        let (tried, _) = judge_try(&buckets, &blocked, NOW + WAIT_FIRST);
        assert_eq!(tried, Tried::Allowed { left: 0 });
    }

    #[test]
    fn tries_are_forgotten_and_a_wrong_clock_blocks_nobody() {
        let old = [tries(40, NOW)];
        let later = NOW + TRIES_KEPT + TimeDelta::seconds(1);
        assert_eq!(judge_try(&[bucket(5)], &old, later).0, Tried::Allowed { left: 4 });
        let wrong = [tries(1, NOW + TimeDelta::days(365))];
        assert_eq!(judge_try(&[bucket(5)], &wrong, NOW).0, Tried::Allowed { left: 3 });
    }
}
