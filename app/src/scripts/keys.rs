//! The console's keys: one table, which the list of them shows and the browser follows.

use crate::{companies::place::CUSTOMERS, place::COMMUNITY_MANAGEMENT, unification::place::UNIFICATION};

/// So long a first key waits for its second.
const SECOND_KEY_WITHIN_MS: f64 = 1_500.0;

/// What a key does. It uses what is on the page: links and buttons do the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Follows the link to a page that stands in the list of keys.
    Go {
        page: &'static str,
        query: &'static str,
    },
    /// Presses what carries the key on the page (`data-key`).
    Press,
    /// Takes the focus to the filter.
    Filter,
    NextRow,
    FormerRow,
    /// The box of the row that has the focus.
    Tick,
    /// The buttons of the rule that has the focus.
    MoveUp,
    MoveDown,
    /// In the list that the Summary lies over.
    EarlierRun,
    LaterRun,
    List,
    /// Told in the list, done by the browser.
    Browser,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Each does it. Two keys in a row have a space between them.
    pub keys: &'static [&'static str],
    pub act: Act,
    /// As the list says it.
    pub does: &'static str,
}

const fn shortcut(keys: &'static [&'static str], act: Act, does: &'static str) -> Shortcut {
    Shortcut { keys, act, does }
}

const fn go(page: &'static str, query: &'static str) -> Act {
    Act::Go { page, query }
}

pub const SHORTCUTS: &[Shortcut] = &[
    shortcut(&["g c"], go(COMMUNITY_MANAGEMENT, ""), "Connections"),
    shortcut(
        &["g a"],
        go(COMMUNITY_MANAGEMENT, "?tab=activity-logs"),
        "Activity Logs",
    ),
    shortcut(&["g u"], go(UNIFICATION, ""), "Unification"),
    shortcut(&["g d"], go(CUSTOMERS, ""), "Data: companies and people"),
    shortcut(&["/"], Act::Filter, "To the filter"),
    shortcut(
        &["j", "ArrowDown"],
        Act::NextRow,
        "Next row or card; arrows once one has the focus",
    ),
    shortcut(&["k", "ArrowUp"], Act::FormerRow, "Previous row or card"),
    shortcut(&["Enter"], Act::Browser, "Open the row or card"),
    shortcut(&["r"], Act::Press, "Refresh"),
    shortcut(&["x"], Act::Tick, "Select the row, of users without a company"),
    shortcut(&["Alt+ArrowUp"], Act::MoveUp, "Move the rule up"),
    shortcut(&["Alt+ArrowDown"], Act::MoveDown, "Move the rule down"),
    shortcut(&["["], Act::EarlierRun, "Previous run, in the Summary"),
    shortcut(&["]"], Act::LaterRun, "Next run, in the Summary"),
    shortcut(&["p"], Act::Press, "Pause or resume live counts"),
    shortcut(&["Escape"], Act::Browser, "Close the tip, menu or drawer"),
    shortcut(&["?"], Act::List, "This list"),
];

pub fn of_key(key: &str) -> Option<&'static Shortcut> {
    SHORTCUTS.iter().find(|shortcut| shortcut.keys.contains(&key))
}

/// Whether it is characters alone, which whoever speaks to their computer may press without meaning to (WCAG 2.1.4).
pub fn is_single(key: &str) -> bool {
    key.split(' ').all(|key| key.chars().count() == 1)
}

/// What was typed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Typed {
    first_at: Option<f64>,
}

impl Typed {
    /// The key as the table has it, with the first of two before it. `None` if a second one is waited for.
    pub fn take(&mut self, key: &str, at_ms: f64) -> Option<String> {
        let second = self
            .first_at
            .take()
            .is_some_and(|first| at_ms - first <= SECOND_KEY_WITHIN_MS);
        if second {
            return Some(format!("g {key}"));
        }
        if key == "g" {
            self.first_at = Some(at_ms);
            return None;
        }
        Some(key.to_owned())
    }
}

/// As people read it: `Alt+Up`, and the keys of a row one by one.
pub fn read_out(key: &str) -> Vec<String> {
    key.split(' ').map(|key| key.replace("Arrow", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    #[test]
    fn two_keys_belong_together_for_a_moment() {
        let mut typed = Typed::default();
        assert_eq!(typed.take("g", 0.0), None);
        assert_eq!(typed.take("a", 900.0).as_deref(), Some("g a"));
        assert_eq!(typed.take("a", 1_000.0).as_deref(), Some("a"));
        assert_eq!(typed.take("g", 2_000.0), None);
        assert_eq!(typed.take("r", 9_000.0).as_deref(), Some("r"));
        assert_eq!(typed.take("g", 10_000.0), None);
        assert_eq!(typed.take("g", 10_100.0).as_deref(), Some("g g"));
    }

    #[test]
    fn a_key_does_one_thing() {
        let mut keys: Vec<_> = SHORTCUTS.iter().flat_map(|shortcut| shortcut.keys).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert_eq!(of_key("r").map(|shortcut| shortcut.act), Some(Act::Press));
        assert_eq!(of_key("g g"), None);
    }

    #[test]
    fn what_is_no_character_stays_when_single_keys_are_off() {
        let stay: Vec<_> = SHORTCUTS
            .iter()
            .flat_map(|shortcut| shortcut.keys)
            .filter(|key| !is_single(key))
            .collect();
        assert_eq!(
            stay,
            [
                &"ArrowDown",
                &"ArrowUp",
                &"Enter",
                &"Alt+ArrowUp",
                &"Alt+ArrowDown",
                &"Escape"
            ]
        );
    }

    #[test]
    fn the_log_is_where_its_place_says() {
        let Some(Act::Go { page, query }) = of_key("g a").map(|shortcut| shortcut.act) else {
            panic!("it goes somewhere");
        };
        assert_eq!(format!("{page}{query}"), Place::log(None).href());
    }

    #[test]
    fn keys_are_read_out_as_they_are_labelled() {
        assert_eq!(read_out("g c"), ["g", "c"]);
        assert_eq!(read_out("Alt+ArrowUp"), ["Alt+Up"]);
    }
}
