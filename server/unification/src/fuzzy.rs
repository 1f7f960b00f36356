use std::collections::HashMap;

use domain::unification::Threshold;

use crate::strings::Strings;

/// As many names as one fuzzy comparison looks up, those that are met again counted again: some tenths of a millisecond.
const NAMES_MAX: usize = 100_000;
/// So many pairs more than one has to be shared of are asked, so that few names are left to be compared.
const MORE_PAIRS: usize = 4;

/// Before the first and behind the last letter, so that these have pairs of their own.
const EDGE: char = '\u{0}';

type Pair = (char, char);

/// Names by the pairs of letters in them.
#[derive(Debug, Default)]
pub(crate) struct Fuzzy {
    /// The shortest first, so that names of some lengths lie side by side.
    names: Strings,
    /// By length in letters: where the names of this length begin.
    begins: Vec<u32>,
    by_pair: HashMap<Pair, Vec<u32>>,
}

/// More names would have to be looked at than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooCommon;

impl Fuzzy {
    pub(crate) fn new(mut names: Vec<String>) -> Self {
        names.sort_by_cached_key(|name| (name.chars().count(), name.clone()));
        names.dedup();
        let mut fuzzy = Self::default();
        for (position, name) in (0_u32..).zip(&names) {
            fuzzy.names.push(name);
            let length = name.chars().count();
            fuzzy.begins.resize(fuzzy.begins.len().max(length + 1), position);
            let mut pairs: Vec<_> = pairs(name).collect();
            pairs.sort_unstable();
            pairs.dedup();
            for pair in pairs {
                fuzzy.by_pair.entry(pair).or_default().push(position);
            }
        }
        fuzzy
    }

    /// All names that are at least as alike as the threshold says, the shortest first.
    ///
    /// An edit destroys at most two pairs, so of any `2k + m` pairs a name within `k` edits has `m`; the rarest among names of a
    /// length that it may have are asked.
    pub(crate) fn similar(&self, name: &str, threshold: Threshold) -> Result<Vec<&str>, TooCommon> {
        let length = name.chars().count();
        let (shortest, longest) = lengths(length, threshold);
        let begin = |length: usize| self.begins.get(length).copied().unwrap_or(u32::MAX);
        let (first, end) = (begin(shortest), begin(longest + 1));
        let mut by_rarity: Vec<&[u32]> = pairs(name)
            .map(|pair| {
                let all = self.by_pair.get(&pair).map_or(&[][..], Vec::as_slice);
                let all = &all[all.partition_point(|position| *position < first)..];
                &all[..all.partition_point(|position| *position < end)]
            })
            .collect();
        by_rarity.sort_by_key(|names| names.len());
        let needed = by_rarity.len().min(2 * edits(longest, threshold) + 1);
        let mut looked_up: usize = by_rarity[..needed].iter().map(|names| names.len()).sum();
        if looked_up > NAMES_MAX {
            return Err(TooCommon);
        }
        let mut shared = 1_u16;
        for more in by_rarity[needed..].iter().take(MORE_PAIRS) {
            looked_up += more.len();
            if looked_up > NAMES_MAX {
                break;
            }
            shared += 1;
        }
        let asked = &by_rarity[..needed + usize::from(shared) - 1];
        let positions = met(asked, shared, first);
        let pattern = Pattern::new(name);
        Ok(positions
            .into_iter()
            .map(|position| self.names.get(position))
            .filter(|other| pattern.is_like(other, threshold))
            .collect())
    }
}

/// The positions that are in so many of the lists, in their order. None is below the first.
fn met(lists: &[&[u32]], times: u16, first: u32) -> Vec<u32> {
    let last = lists.iter().filter_map(|list| list.last()).max();
    let mut seen = vec![0_u16; last.map_or(0, |last| (last - first) as usize + 1)];
    let mut positions = Vec::new();
    for position in lists.iter().copied().flatten() {
        let seen = &mut seen[(position - first) as usize];
        *seen = seen.saturating_add(1);
        if *seen == times {
            positions.push(*position);
        }
    }
    positions.sort_unstable();
    positions
}

/// The lengths that a name may have that is as alike as the threshold says: the longer of two allows the edits that its letters
/// more need.
fn lengths(length: usize, threshold: Threshold) -> (usize, usize) {
    (
        length - edits(length, threshold),
        length * 100 / usize::from(threshold.percent()),
    )
}

/// The edits that the threshold allows between names of which the longer has so many letters.
fn edits(longer: usize, threshold: Threshold) -> usize {
    longer * usize::from(100 - threshold.percent()) / 100
}

/// A name that many others are compared with.
struct Pattern<'a> {
    name: &'a str,
    length: usize,
    /// In which places each of its letters is, a bit for each; empty if it has more letters than bits.
    places: Vec<(char, u64)>,
}

impl<'a> Pattern<'a> {
    fn new(name: &'a str) -> Self {
        let length = name.chars().count();
        let mut places: Vec<(char, u64)> = Vec::new();
        if length <= u64::BITS as usize {
            for (place, letter) in name.chars().enumerate() {
                match places.iter_mut().find(|(other, _)| *other == letter) {
                    Some((_, places)) => *places |= 1 << place,
                    None => places.push((letter, 1 << place)),
                }
            }
        }
        Self { name, length, places }
    }

    fn is_like(&self, other: &str, threshold: Threshold) -> bool {
        let length = other.chars().count();
        let allowed = edits(self.length.max(length), threshold);
        self.length.abs_diff(length) <= allowed && self.distance(other) <= allowed
    }

    /// The edits between two names (Levenshtein), a column of the table at a time: G. Myers, "A fast bit-vector algorithm for
    /// approximate string matching", 1999, as H. Hyyrö has it for whole strings.
    fn distance(&self, other: &str) -> usize {
        if self.places.is_empty() {
            return strsim::levenshtein(self.name, other);
        }
        let last = 1 << (self.length - 1);
        let (mut more, mut less) = (u64::MAX, 0_u64);
        let mut distance = self.length;
        for letter in other.chars() {
            let same = self
                .places
                .iter()
                .find(|(own, _)| *own == letter)
                .map_or(0, |(_, places)| *places);
            let diagonal = ((same & more).wrapping_add(more) ^ more) | same | less;
            let right_more = less | !(diagonal | more);
            let right_less = more & diagonal;
            distance += usize::from(right_more & last != 0);
            distance -= usize::from(right_less & last != 0);
            let right_more = (right_more << 1) | 1;
            more = (right_less << 1) | !(diagonal | right_more);
            less = right_more & diagonal;
        }
        distance
    }
}

/// The pairs of neighbouring letters, with the edges.
fn pairs(name: &str) -> impl Iterator<Item = Pair> {
    let before = std::iter::once(EDGE).chain(name.chars());
    before.zip(name.chars().chain(std::iter::once(EDGE)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn threshold(percent: u8) -> Threshold {
        percent.try_into().unwrap()
    }

    /// As the threshold is defined.
    fn are_alike(one: &str, other: &str, threshold: Threshold) -> bool {
        let longer = one.chars().count().max(other.chars().count());
        let edits = strsim::levenshtein(one, other);
        edits * 100 <= longer * usize::from(100 - threshold.percent())
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
            .map(|number| format!("abcabc{number:05}"))
            .collect();
        assert_eq!(
            Fuzzy::new(names).similar("abcabcabc", threshold(70)),
            Err(TooCommon)
        );
    }

    proptest! {
        #[test]
        fn edits_are_counted_as_by_the_table(one in "[abcd]{0,70}", other in "[abcd]{0,70}") {
            prop_assert_eq!(Pattern::new(&one).distance(&other), strsim::levenshtein(&one, &other));
        }

        #[test]
        fn none_is_overlooked(
            names in prop::collection::vec("[abc]{0,9}", 0..30), name in "[abc]{0,9}", percent in 70_u8..100,
        ) {
            let threshold = threshold(percent);
            let mut expected: Vec<_> =
                names.iter().map(String::as_str).filter(|other| are_alike(&name, other, threshold)).collect();
            expected.sort_by_key(|name| (name.len(), *name));
            expected.dedup();
            let fuzzy = Fuzzy::new(names.clone());
            prop_assert_eq!(fuzzy.similar(&name, threshold), Ok(expected));
        }
    }
}
