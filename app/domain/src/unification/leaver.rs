use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Which signs mark a member as left. Off as shipped: a bounced mail may be a full mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeaverRule {
    /// Their person is inactive.
    pub inactive_person: bool,
    /// Their e-mail address bounced.
    pub bounced_email: bool,
}

/// What is known of whether a member is still with their company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaverSigns {
    /// Since when the person is inactive. `None` if they are active, or there is none.
    pub person_inactive_since: Option<DateTime<Utc>>,
    /// When mail to the address first came back. `None` since it was delivered again.
    pub email_bounced_at: Option<DateTime<Utc>>,
    pub by_hand: Option<LeaverByHand>,
}

/// What an admin said. No rule overwrites it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub enum LeaverByHand {
    Left { since: DateTime<Utc> },
    Stays,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftBecause {
    PersonInactive,
    EmailBounced,
    ByHand,
}

impl LeftBecause {
    pub const ALL: [Self; 3] = [Self::PersonInactive, Self::EmailBounced, Self::ByHand];

    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PersonInactive => "person_inactive",
            Self::EmailBounced => "email_bounced",
            Self::ByHand => "by_hand",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|because| because.as_str() == name)
    }

    /// The label on a page.
    pub fn label(self) -> &'static str {
        match self {
            Self::PersonInactive => "Person is inactive",
            Self::EmailBounced => "Email bounced",
            Self::ByHand => "Marked by hand",
        }
    }
}

/// A member who has left their company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The first moment at which they no longer count.
    pub since: DateTime<Utc>,
    pub because: LeftBecause,
}

impl Left {
    /// Whether the member counted in the company's figures at a time: before they left, they did.
    pub fn counted_at(&self, time: DateTime<Utc>) -> bool {
        time < self.since
    }
}

impl LeaverRule {
    /// Whether a member has left, and since when: what an admin said; else the earliest sign that the rule heeds.
    pub fn left(self, signs: &LeaverSigns) -> Option<Left> {
        let heeded = |heeds: bool, since: Option<DateTime<Utc>>, because| {
            since.filter(|_| heeds).map(|since| Left { since, because })
        };
        match signs.by_hand {
            Some(LeaverByHand::Stays) => None,
            Some(LeaverByHand::Left { since }) => heeded(true, Some(since), LeftBecause::ByHand),
            None => [
                heeded(
                    self.inactive_person,
                    signs.person_inactive_since,
                    LeftBecause::PersonInactive,
                ),
                heeded(
                    self.bounced_email,
                    signs.email_bounced_at,
                    LeftBecause::EmailBounced,
                ),
            ]
            .into_iter()
            .flatten()
            .min_by_key(|left| (left.since, left.because)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    const BOTH: LeaverRule = LeaverRule {
        inactive_person: true,
        bounced_email: true,
    };

    #[test]
    fn a_member_stops_counting_from_the_earliest_sign_that_is_heeded() {
        let signs = LeaverSigns {
            person_inactive_since: Some(at(200)),
            email_bounced_at: Some(at(100)),
            by_hand: None,
        };
        let left = BOTH.left(&signs).unwrap();
        assert_eq!((left.since, left.because), (at(100), LeftBecause::EmailBounced));
        assert!(left.counted_at(at(99)) && !left.counted_at(at(100)));
        let only_persons = LeaverRule {
            bounced_email: false,
            ..BOTH
        };
        assert_eq!(only_persons.left(&signs).unwrap().since, at(200));
        assert_eq!(LeaverRule::default().left(&signs), None, "off as shipped");
    }

    #[test]
    fn what_an_admin_says_stands_above_every_sign() {
        let bounced = LeaverSigns {
            email_bounced_at: Some(at(100)),
            ..LeaverSigns::default()
        };
        let said = |by_hand| {
            BOTH.left(&LeaverSigns {
                by_hand: Some(by_hand),
                ..bounced
            })
        };
        assert_eq!(said(LeaverByHand::Stays), None);
        let left = said(LeaverByHand::Left { since: at(300) }).unwrap();
        assert_eq!((left.since, left.because), (at(300), LeftBecause::ByHand));
    }

    #[test]
    fn names_are_read_back() {
        for because in LeftBecause::ALL {
            assert_eq!(LeftBecause::parse(because.as_str()), Some(because));
        }
    }

    fn signs() -> impl Strategy<Value = LeaverSigns> {
        let time = || prop::option::of((0_i64..50).prop_map(at));
        let hand = prop::option::of(prop_oneof![
            Just(LeaverByHand::Stays),
            (0_i64..50).prop_map(|second| LeaverByHand::Left { since: at(second) }),
        ]);
        (time(), time(), hand).prop_map(|(person_inactive_since, email_bounced_at, by_hand)| LeaverSigns {
            person_inactive_since,
            email_bounced_at,
            by_hand,
        })
    }

    proptest! {
        #[test]
        fn heeding_more_never_lets_a_member_count_longer(
            signs in signs(), inactive_person in any::<bool>(), bounced_email in any::<bool>(), time in 0_i64..60,
        ) {
            let counts = |rule: LeaverRule| rule.left(&signs).is_none_or(|left| left.counted_at(at(time)));
            let some = LeaverRule { inactive_person, bounced_email };
            prop_assert!(counts(some) || !counts(BOTH));
            if let Some(left) = some.left(&signs) {
                prop_assert!(left.counted_at(left.since - chrono::Duration::microseconds(1)));
                prop_assert!((0..60).all(|later| !left.counted_at(left.since + chrono::Duration::seconds(later))));
            }
        }
    }
}
