//! One tenant's world: every record is a function of the seed, the tenant's name, the stream and a number.

use crate::calendar::{Calendar, QUIET_START_DAYS};
use crate::changes::Changes;
use crate::damage::Damage;
use crate::index::{Indexes, LastingIndexes};
use crate::mix::Mix;
use crate::spec::TenantSpec;
use crate::structure::Structure;
use crate::words::{self, Company, Words};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// A company sends this many members on average.
const MEMBERS_PER_COMPANY: u64 = 15;
/// Even a small community has customers to tell apart.
const MIN_COMPANIES: u64 = 6;
/// One damaged tenant in this many also writes the ids in `/user` as strings.
const STRING_ID_TENANTS: u64 = 2;

/// Where each stream draws its values.
#[derive(Debug, Clone, Copy)]
enum Stream {
    Tenant,
    Users,
    Topics,
    Replies,
    Activity,
    Companies,
    Passing,
}

/// A tenant's records and what is needed to find them. A copy shares all but the changes.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) spec: Arc<TenantSpec>,
    pub(crate) words: &'static Words,
    pub(crate) members: Arc<Calendar>,
    pub(crate) posts: Arc<Calendar>,
    pub(crate) damage: Damage,
    pub(crate) structure: Arc<Structure>,
    /// What has happened since the history's end.
    pub(crate) changes: Changes,
    /// Of the history, whatever happens later.
    pub(crate) lasting: Arc<LastingIndexes>,
    /// Of the world with its changes.
    pub(crate) indexes: Arc<Indexes>,
    /// Whether `/user` writes ids as strings, as an older client saw them.
    pub(crate) string_ids: bool,
    seed: Mix,
}

impl World {
    pub(crate) fn new(seed: u64, spec: TenantSpec, now: DateTime<Utc>) -> Self {
        let place = Mix::new(seed).named(&spec.name);
        let tenant = place.at(Stream::Tenant as u64);
        let words = words::for_tenant(&spec.name);
        let members = Calendar::until(now, tenant);
        Self {
            words,
            posts: Arc::new(members.after(QUIET_START_DAYS)),
            members: Arc::new(members),
            damage: Damage::of(&spec),
            structure: Arc::new(Structure::new(words, tenant)),
            changes: Changes::default(),
            lasting: Arc::default(),
            indexes: Arc::default(),
            string_ids: spec.broken > 0 && tenant.below(9, STRING_ID_TENANTS) == 0,
            seed: place,
            spec: Arc::new(spec),
        }
    }

    pub(crate) fn user_place(&self, index: u64) -> Mix {
        self.seed.at(Stream::Users as u64).at(index)
    }

    pub(crate) fn topic_place(&self, index: u64) -> Mix {
        self.seed.at(Stream::Topics as u64).at(index)
    }

    pub(crate) fn reply_place(&self, topic: u64, position: u64) -> Mix {
        self.seed.at(Stream::Replies as u64).at(topic).at(position)
    }

    pub(crate) fn activity_place(&self, index: u64) -> Mix {
        self.seed.at(Stream::Activity as u64).at(index)
    }

    /// Where a day that passes draws from.
    pub(crate) fn passing_place(&self, day: u64) -> Mix {
        self.seed.at(Stream::Passing as u64).at(day)
    }

    pub(crate) fn companies(&self) -> u64 {
        (self.spec.users / MEMBERS_PER_COMPANY).max(MIN_COMPANIES)
    }

    pub(crate) fn company(&self, number: u64) -> Company {
        Company::new(number, self.seed.at(Stream::Companies as u64))
    }

    /// Oddities that are valid but outside the published schema come only with broken records, so that the
    /// other tenants keep to it.
    pub(crate) fn strays_from_schema(&self) -> bool {
        self.spec.broken > 0
    }
}
