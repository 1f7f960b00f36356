use serde::{Deserialize, Serialize};

use super::{Match, MatchStatus, Member};
use crate::{MatchCounts, grouped};

/// What another rule set would change: the difference between two matches of every member. Nothing is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub now: MatchCounts,
    pub after: MatchCounts,
    /// Without a company now, with one after.
    pub gained: Changes,
    /// With a company now, without one after; those who become ambiguous among them.
    pub lost: Changes,
    /// With another company after.
    pub moved: Changes,
    /// Ambiguous after, and not now.
    pub newly_ambiguous: Changes,
    /// Who count now, and will have left after.
    #[serde(default)]
    pub leaving: u64,
    /// Who have left now, and count after.
    #[serde(default)]
    pub coming_back: u64,
}

/// The members of one kind of change: how many, and the first of them by tenant and id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    pub members: u64,
    /// At most [`Changes::SAMPLES_MAX`].
    pub samples: Vec<Change>,
}

/// A member whose company would be another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub tenant_id: String,
    pub community_user_id: String,
    pub username: String,
    pub before: Match,
    pub after: Match,
}

impl Preview {
    /// Counts a member in.
    pub fn add(&mut self, member: &Member, before: &Match, after: &Match) {
        self.now.add(before.status);
        self.after.add(after.status);
        let is_matched = |outcome: &Match| outcome.status == MatchStatus::Matched;
        let kind = match (is_matched(before), is_matched(after)) {
            (false, true) => Some(&mut self.gained),
            (true, false) => Some(&mut self.lost),
            (true, true) if !before.same_company(after) => Some(&mut self.moved),
            (true, true) | (false, false) => None,
        };
        if let Some(kind) = kind {
            kind.add(member, before, after);
        }
        if after.status == MatchStatus::Ambiguous && before.status != MatchStatus::Ambiguous {
            self.newly_ambiguous.add(member, before, after);
        }
    }

    /// Counts a member in whom the rules have leave: whatever they are tied to, they count no more.
    pub fn add_leaving(&mut self, before: &Match) {
        self.now.add(before.status);
        self.leaving += 1;
    }

    /// Counts a member in who comes back.
    pub fn add_coming_back(&mut self, after: &Match) {
        self.after.add(after.status);
        self.coming_back += 1;
    }
}

impl Preview {
    /// What it comes to: `312 gained, 4 moved`.
    pub fn effect(&self) -> String {
        let parts = [
            (self.gained.members, "gained"),
            (self.lost.members, "lost"),
            (self.moved.members, "moved"),
            (self.newly_ambiguous.members, "ambiguous"),
            (self.leaving, "left"),
            (self.coming_back, "back"),
        ];
        let told: Vec<_> = parts
            .into_iter()
            .filter(|(members, _)| *members > 0)
            .map(|(members, word)| format!("{} {word}", grouped(members)))
            .collect();
        if told.is_empty() {
            "no user changed".to_owned()
        } else {
            told.join(", ")
        }
    }
}

impl Changes {
    /// As many as a page shows of one kind; the rest is behind its link.
    pub const SAMPLES_MAX: usize = 50;

    /// Keeps the first by their keys, so that the order in which members come makes no difference.
    fn add(&mut self, member: &Member, before: &Match, after: &Match) {
        self.members += 1;
        let key = (&member.tenant_id, &member.community_user_id);
        let position = self
            .samples
            .partition_point(|sample| (&sample.tenant_id, &sample.community_user_id) < key);
        if position >= Self::SAMPLES_MAX {
            return;
        }
        self.samples.truncate(Self::SAMPLES_MAX - 1);
        let change = Change {
            tenant_id: member.tenant_id.clone(),
            community_user_id: member.community_user_id.clone(),
            username: member.username.clone(),
            before: before.clone(),
            after: after.clone(),
        };
        self.samples.insert(position, change);
    }
}

impl MatchCounts {
    pub fn add(&mut self, status: MatchStatus) {
        let count = match status {
            MatchStatus::Matched => &mut self.matched,
            MatchStatus::Unmatched => &mut self.unmatched,
            MatchStatus::Ambiguous => &mut self.ambiguous,
            MatchStatus::Internal => &mut self.internal,
        };
        *count += 1;
    }

    pub fn total(&self) -> u64 {
        self.matched + self.unmatched + self.ambiguous + self.internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(company: &str) -> Match {
        Match {
            status: MatchStatus::Matched,
            company_external_id: Some(company.to_owned()),
            ..Match::default()
        }
    }

    fn of_status(status: MatchStatus) -> Match {
        Match {
            status,
            ..Match::default()
        }
    }

    #[test]
    fn whoever_leaves_counts_now_alone_and_whoever_comes_back_after() {
        let mut preview = Preview::default();
        preview.add_leaving(&matched("A"));
        preview.add_coming_back(&of_status(MatchStatus::Unmatched));
        preview.add_coming_back(&matched("A"));
        assert_eq!((preview.leaving, preview.coming_back), (1, 2));
        assert_eq!((preview.now.matched, preview.now.total()), (1, 1));
        assert_eq!((preview.after.matched, preview.after.total()), (1, 2));
    }

    #[test]
    fn each_change_is_counted_where_it_belongs() {
        let mut preview = Preview::default();
        let [unmatched, ambiguous, internal] = [
            MatchStatus::Unmatched,
            MatchStatus::Ambiguous,
            MatchStatus::Internal,
        ]
        .map(of_status);
        for (before, after) in [
            (&unmatched, &matched("a")),
            (&ambiguous, &matched("a")),
            (&matched("a"), &unmatched),
            (&matched("a"), &ambiguous),
            (&matched("a"), &matched("b")),
            (&matched("a"), &matched("a")),
            (&unmatched, &ambiguous),
            (&ambiguous, &ambiguous),
            (&unmatched, &internal),
        ] {
            preview.add(&Member::default(), before, after);
        }
        let kinds = [
            &preview.gained,
            &preview.lost,
            &preview.moved,
            &preview.newly_ambiguous,
        ];
        assert_eq!(kinds.map(|changes| changes.members), [2, 2, 1, 2]);
        assert_eq!(preview.effect(), "2 gained, 2 lost, 1 moved, 2 ambiguous");
        assert_eq!(Preview::default().effect(), "no user changed");
        assert_eq!(preview.now.total(), preview.after.total());
        assert_eq!(
            preview.now.matched + preview.gained.members,
            preview.after.matched + preview.lost.members
        );
    }

    #[test]
    fn samples_are_the_first_by_key_whatever_the_order() {
        let of = |ids: &mut dyn Iterator<Item = u32>| {
            let mut preview = Preview::default();
            for id in ids {
                let member = Member {
                    community_user_id: format!("{id:03}"),
                    ..Member::default()
                };
                preview.add(&member, &Match::default(), &matched("a"));
            }
            preview
        };
        let forward = of(&mut (0..200));
        assert_eq!(forward, of(&mut (0..200).rev()));
        assert_eq!(forward.gained.samples.len(), Changes::SAMPLES_MAX);
        assert_eq!(forward.gained.samples[49].community_user_id, "049");
    }
}
