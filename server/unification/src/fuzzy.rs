use std::collections::HashMap;

use domain::unification::Threshold;

use crate::strings::Strings;

/// As many names as one fuzzy comparison looks at: some milliseconds.
const NAMES_MAX: usize = 20_000;

/// Before the first and behind the last letter, so that these have pairs of their own.
const EDGE: char = '\u{0}';

type Pair = (char, char);

/// Names by the pairs of letters in them.
#[derive(Debug, Default)]
pub(crate) struct Fuzzy {
    names: Strings,
    by_pair: HashMap<Pair, Vec<u32>>,
}

/// More names would have to be looked at than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooCommon;

impl Fuzzy {
    pub(crate) fn new(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        names.dedup();
        let mut fuzzy = Self::default();
        for (position, name) in (0_u32..).zip(&names) {
            fuzzy.names.push(name);
            let mut pairs: Vec<_> = pairs(name).collect();
            pairs.sort_unstable();
            pairs.dedup();
            for pair in pairs {
                fuzzy.by_pair.entry(pair).or_default().push(position);
            }
        }
        fuzzy
    }

    /// All names that are at least as alike as the threshold says, in their order.
    ///
    /// An edit destroys at most two pairs, so of any `2k + 1` pairs a name within `k` edits has one; the rarest are asked.
    pub(crate) fn similar(&self, name: &str, threshold: Threshold) -> Result<Vec<&str>, TooCommon> {
        let mut by_rarity: Vec<&[u32]> = pairs(name)
            .map(|pair| self.by_pair.get(&pair).map_or(&[][..], Vec::as_slice))
            .collect();
        by_rarity.sort_by_key(|names| names.len());
        by_rarity.truncate(2 * most_edits(name, threshold) + 1);
        if by_rarity.iter().map(|names| names.len()).sum::<usize>() > NAMES_MAX {
            return Err(TooCommon);
        }
        let mut positions = by_rarity.concat();
        positions.sort_unstable();
        positions.dedup();
        Ok(positions
            .into_iter()
            .map(|position| self.names.get(position))
            .filter(|other| are_alike(name, other, threshold))
            .collect())
    }
}

/// The pairs of neighbouring letters, with the edges.
fn pairs(name: &str) -> impl Iterator<Item = Pair> {
    let before = std::iter::once(EDGE).chain(name.chars());
    before.zip(name.chars().chain(std::iter::once(EDGE)))
}

/// The most edits between a name and one that is as alike as the threshold says. That one has at most `100 ÷ threshold` times
/// as many letters.
fn most_edits(name: &str, threshold: Threshold) -> usize {
    let percent = usize::from(threshold.percent());
    let longest = name.chars().count() * 100 / percent;
    longest * (100 - percent) / 100
}

pub(crate) fn are_alike(one: &str, other: &str, threshold: Threshold) -> bool {
    let (short, long) = {
        let (one, other) = (one.chars().count(), other.chars().count());
        (one.min(other), one.max(other))
    };
    let allowed = long * usize::from(100 - threshold.percent()) / 100;
    long - short <= allowed && strsim::levenshtein(one, other) <= allowed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn threshold(percent: u8) -> Threshold {
        percent.try_into().unwrap()
    }

    #[test]
    fn a_name_is_found_in_spite_of_a_slip() {
        let fuzzy = Fuzzy::new(
            ["haldenfreight", "halden", "kestrelhaul"]
                .map(str::to_owned)
                .into(),
        );
        let similar = |name, percent| fuzzy.similar(name, threshold(percent)).unwrap();
        assert_eq!(similar("haldenfrieght", 80), ["haldenfreight"]);
        assert_eq!(similar("xaldenfreight", 90), ["haldenfreight"]);
        assert_eq!(similar("haldenfreight", 99), ["haldenfreight"]);
        assert!(similar("haldenfrieght", 90).is_empty());
        assert!(similar("", 80).is_empty());
    }

    #[test]
    fn names_that_share_all_their_pairs_are_too_common() {
        let names = (0..=NAMES_MAX)
            .map(|number| format!("abcabcabc{number:05}"))
            .collect();
        assert_eq!(
            Fuzzy::new(names).similar("abcabcabc", threshold(70)),
            Err(TooCommon)
        );
    }

    proptest! {
        #[test]
        fn none_is_overlooked(
            names in prop::collection::vec("[abc]{0,9}", 0..30), name in "[abc]{0,9}", percent in 70_u8..100,
        ) {
            let threshold = threshold(percent);
            let mut expected: Vec<_> =
                names.iter().map(String::as_str).filter(|other| are_alike(&name, other, threshold)).collect();
            expected.sort_unstable();
            expected.dedup();
            let fuzzy = Fuzzy::new(names.clone());
            prop_assert_eq!(fuzzy.similar(&name, threshold), Ok(expected));
        }
    }
}
