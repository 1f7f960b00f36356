//! What `tributary connection test` asks and says.

use std::fmt;

use domain::record::Record;
use serde::Serialize;
use sync::{Failure, Fetched, PageRequest, Served, Source};

use crate::CommunityApi;

/// What a connection's credentials can read. Printed as one line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// `/user` or `/api1/user`.
    pub user_path: String,
    /// How many members the provider announces.
    pub users: Option<u64>,
    /// Whether the list of members holds profile fields (names, phone, company); unknown without a member.
    pub profile_fields: Option<bool>,
    /// Whether the provider offers view activity.
    pub activity: bool,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "token           ok")?;
        match self.users {
            Some(users) => writeln!(f, "members         {} ({users} announced)", self.user_path)?,
            None => writeln!(f, "members         {}", self.user_path)?,
        }
        let profile = match self.profile_fields {
            Some(true) => "in the list of members",
            Some(false) => "none on the first page: names, phone and company stay unknown",
            None => "unknown: the first page has no member",
        };
        writeln!(f, "profile fields  {profile}")?;
        writeln!(f, "topics          /v2/topics")?;
        let activity = if self.activity {
            "/user/activity answers"
        } else {
            "no source: import it from files"
        };
        write!(f, "view activity   {activity}")
    }
}

impl CommunityApi {
    /// Asks for a token and the first page of what a sync reads most. Stops at the first failure.
    pub async fn probe(&self) -> Result<Probe, Failure> {
        self.connect().await?;
        let users = match self.fetch(&PageRequest::users(1)).await? {
            Fetched::Page(page) => page,
            Fetched::NoSource | Fetched::Refused | Fetched::TooLong | Fetched::Counts(_) => {
                sync::Page::default()
            }
        };
        let profiles: Vec<bool> = users.records.iter().filter_map(has_profile).collect();
        self.fetch(&PageRequest::topics(1)).await?;
        let activity = self.fetch(&PageRequest::Activity { page: 1 }).await?;
        Ok(Probe {
            user_path: format!("{}/user", self.user_prefix().unwrap_or_default()),
            users: users.announced,
            profile_fields: (!profiles.is_empty()).then(|| profiles.contains(&true)),
            activity: matches!(activity, Fetched::Page(_)),
        })
    }
}

fn has_profile(served: &Served) -> Option<bool> {
    match served {
        Served::Valid(Record::User(user)) => Some(!user.profile_fields.is_empty()),
        _ => None,
    }
}
