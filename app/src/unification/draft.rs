//! A draft of rules: what an admin changes before anything is applied. It lives in the address alone, so it can be kept,
//! sent to a colleague, and left by Back; nothing of it is stored.

use domain::unification::{Condition, Operator, Rule, RuleSet, Target, Threshold, WhenAmbiguous};

use super::view::DraftText;
use crate::error::AppError;

/// A rule set that is being changed, and the version that it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub base: u32,
    pub set: RuleSet,
}

/// A change that needs one press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Up,
    Down,
    On,
    Off,
    Remove,
    /// Opens the rule as a form.
    Edit,
}

impl Press {
    const ALL: [Self; 6] = [
        Self::Up,
        Self::Down,
        Self::On,
        Self::Off,
        Self::Remove,
        Self::Edit,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::On => "on",
            Self::Off => "off",
            Self::Remove => "remove",
            Self::Edit => "edit",
        }
    }

    /// What its button sends.
    pub fn of_rule(self, rule: &str) -> String {
        format!("{}:{rule}", self.as_str())
    }

    /// What a button sent: the change and the rule.
    pub fn read(text: &str) -> Option<(Self, &str)> {
        let (press, rule) = text.split_once(':')?;
        let press = Self::ALL.into_iter().find(|known| known.as_str() == press)?;
        Some((press, rule))
    }
}

impl Draft {
    pub fn read(text: &DraftText) -> Result<Self, AppError> {
        let set = serde_json::from_str(&text.set).map_err(|_| AppError::Refused {
            what: "The draft in this address cannot be read.".to_owned(),
            next_action:
                "Open the rules without it, and change them again. The rules in use are as they were."
                    .to_owned(),
        })?;
        Ok(Self { base: text.base, set })
    }

    pub fn text(&self) -> DraftText {
        DraftText {
            base: self.base,
            set: set_text(&self.set),
        }
    }

    /// What a button of the list sends: `up:email-to-person`. A rule that is not there any more is left alone.
    pub fn press(&mut self, sent: &str) {
        let Some((press, id)) = Press::read(sent) else {
            return;
        };
        let rules = &mut self.set.rules;
        let Some(at) = rules.iter().position(|rule| rule.id == id) else {
            return;
        };
        match press {
            Press::Up if at > 0 => rules.swap(at, at - 1),
            Press::Down if at + 1 < rules.len() => rules.swap(at, at + 1),
            Press::Up | Press::Down | Press::Edit => {}
            Press::On => rules[at].active = true,
            Press::Off => rules[at].active = false,
            Press::Remove => {
                rules.remove(at);
            }
        }
    }

    /// Puts a rule in the place of the one with its id, or at the end as a new one.
    pub fn save(
        &mut self,
        id: Option<&str>,
        conditions: Vec<Condition>,
        when_ambiguous: WhenAmbiguous,
        active: bool,
    ) {
        let id = id.map_or_else(|| self.new_id(&conditions), str::to_owned);
        let saved = Rule {
            names: target(&conditions),
            id,
            conditions,
            when_ambiguous,
            active,
        };
        match self.set.rules.iter_mut().find(|rule| rule.id == saved.id) {
            Some(rule) => *rule = saved,
            None => self.set.rules.push(saved),
        }
    }

    /// Says what the rule compares: `email-domain-to-company`, and a number if there is one already.
    fn new_id(&self, conditions: &[Condition]) -> String {
        let name = conditions.first().map_or_else(
            || "rule".to_owned(),
            |condition| {
                let words = format!(
                    "{} to {}",
                    condition.field.label(),
                    condition.compared_with.label()
                );
                slug(&words)
            },
        );
        let mut ids = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
        ids.find(|id| self.set.rule(id).is_none()).unwrap_or(name)
    }
}

/// A rule set as it stands in an address or a form.
pub fn set_text(set: &RuleSet) -> String {
    // Words and numbers alone: nothing in it can fail to be written.
    serde_json::to_string(set).unwrap_or_default()
}

/// `Email domain to a company's domains` as `email-domain-to-company-domains`.
fn slug(words: &str) -> String {
    let words = words.to_lowercase().replace("'s", "");
    let words = words.split(|letter: char| !letter.is_ascii_alphanumeric());
    let kept: Vec<_> = words.filter(|word| !word.is_empty() && *word != "a").collect();
    kept.join("-")
}

/// A rule with a condition that speaks of persons names a person; others name a company.
fn target(conditions: &[Condition]) -> Target {
    let of_person = conditions
        .iter()
        .any(|condition| condition.compared_with.target() == Target::Person);
    if of_person {
        Target::Person
    } else {
        Target::Company
    }
}

/// What a condition can be: each field with each way to compare it. Fuzzy ones with the threshold that a form begins with.
pub fn possible_conditions() -> Vec<Condition> {
    let mut all = Vec::new();
    for field in domain::unification::Field::ALL {
        for attribute in field.attributes() {
            let fuzzy = Threshold::try_from(FUZZY_FIRST_PERCENT).map(Operator::Fuzzy).ok();
            let operators = [Some(Operator::Exact), Some(Operator::WithoutLegalForm), fuzzy];
            let usable = operators
                .into_iter()
                .flatten()
                .filter(|operator| operator.compares(*attribute));
            all.extend(usable.map(|operator| Condition {
                field,
                operator,
                compared_with: *attribute,
            }));
        }
    }
    all
}

/// The threshold that a new fuzzy condition begins with, in percent: high, so that few names look alike that are not.
pub const FUZZY_FIRST_PERCENT: u8 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            base: 14,
            set: RuleSet::shipped(),
        }
    }

    fn ids(draft: &Draft) -> Vec<&str> {
        draft.set.rules.iter().map(|rule| rule.id.as_str()).collect()
    }

    #[test]
    fn a_draft_is_read_back_from_its_text() {
        let draft = draft();
        assert_eq!(Draft::read(&draft.text()), Ok(draft));
        let broken = DraftText {
            base: 1,
            set: "{".to_owned(),
        };
        assert!(matches!(Draft::read(&broken), Err(AppError::Refused { .. })));
    }

    #[test]
    fn rules_move_by_one_and_stop_at_the_ends() {
        let mut moved = draft();
        moved.press("down:email-to-person");
        assert_eq!(ids(&moved)[..2], ["email-domain-to-company", "email-to-person"]);
        moved.press("up:email-to-person");
        assert_eq!(moved, draft());
        for nothing in [
            "up:email-to-person",
            "down:full-name-to-person",
            "up:none",
            "up",
            "",
        ] {
            moved.press(nothing);
            assert_eq!(moved, draft(), "{nothing}");
        }
    }

    #[test]
    fn rules_are_switched_and_taken_out() {
        let mut changed = draft();
        changed.press("on:full-name-to-person");
        changed.press("off:phone-to-person");
        changed.press("remove:email-to-person");
        assert_eq!(
            changed.set.changes_since(&RuleSet::shipped()),
            [
                "Rule switched off: Phone is exactly a person's phone",
                "Rule switched on: Full name equals a person's full name",
                "Rule taken out: Email is exactly a person's email",
            ]
        );
    }

    #[test]
    fn a_new_rule_has_an_id_of_its_own_and_a_set_that_can_be_applied() {
        let mut draft = draft();
        for condition in possible_conditions() {
            draft.save(None, vec![condition], WhenAmbiguous::Stop, true);
            assert_eq!(draft.set.check(), Ok(()), "{condition}");
        }
        let last = draft.set.rules.len();
        assert_eq!(last, 5 + possible_conditions().len());
        draft.save(
            Some("phone-to-person"),
            possible_conditions(),
            WhenAmbiguous::GoOn,
            false,
        );
        assert_eq!(draft.set.rules.len(), last);
        assert_eq!(
            draft.set.rule("phone-to-person").map(|rule| rule.names),
            Some(Target::Person)
        );
    }
}
