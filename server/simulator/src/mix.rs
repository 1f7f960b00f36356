//! Numbers from a seed: the same place in the world always draws the same value, in any order of asking.

/// Odd constant of the `SplitMix64` sequence (Steele, Lea and Flood, 2014).
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A place in the world from which any number of independent values can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mix(u64);

impl Mix {
    pub(crate) fn new(seed: u64) -> Self {
        Self(scramble(seed))
    }

    /// The place of a named thing.
    pub(crate) fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |mix, byte| mix.at(u64::from(byte)))
    }

    /// A place inside this one.
    pub(crate) fn at(self, index: u64) -> Self {
        Self(scramble(self.0 ^ scramble(index.wrapping_add(GOLDEN_GAMMA))))
    }

    /// One value; each salt gives another.
    pub(crate) fn draw(self, salt: u64) -> u64 {
        scramble(self.0.wrapping_add(salt.wrapping_mul(GOLDEN_GAMMA)))
    }

    /// Evenly below `bound`, and 0 if there is nothing below it.
    pub(crate) fn below(self, salt: u64, bound: u64) -> u64 {
        share_of(bound, self.draw(salt))
    }

    /// Below `bound`, small values much more often: few are responsible for most.
    pub(crate) fn skewed(self, salt: u64, bound: u64) -> u64 {
        let even = self.draw(salt);
        share_of(bound, share_of(even, even))
    }

    pub(crate) fn per_mille(self, salt: u64, chance: u64) -> bool {
        self.below(salt, 1000) < chance
    }

    pub(crate) fn pick<T: Copy>(self, salt: u64, choices: &[T]) -> T {
        choices[index(self.below(salt, choices.len() as u64))]
    }
}

/// `whole * share / 2^64`: scales a draw without the bias of a remainder.
fn share_of(whole: u64, share: u64) -> u64 {
    let product = u128::from(whole) * u128::from(share);
    u64::try_from(product >> 64).unwrap_or(u64::MAX)
}

fn scramble(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(GOLDEN_GAMMA);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A record number as an offset into memory; both have 64 bits where this runs.
pub(crate) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_draws_the_same_value_and_others_differ() {
        let place = Mix::new(7).named("acme-en").at(12);
        assert_eq!(place.draw(1), Mix::new(7).named("acme-en").at(12).draw(1));
        assert_ne!(place.draw(1), place.draw(2));
        assert_ne!(place.draw(1), Mix::new(8).named("acme-en").at(12).draw(1));
    }

    #[test]
    fn skewed_draws_stay_in_bounds_and_prefer_the_small() {
        let world = Mix::new(1);
        let draws: Vec<u64> = (0..10_000).map(|index| world.at(index).skewed(0, 100)).collect();
        assert!(draws.iter().all(|&drawn| drawn < 100));
        let small = draws.iter().filter(|&&drawn| drawn < 25).count();
        assert!(
            (4_500..5_500).contains(&small),
            "half lies in the first quarter, not {small}"
        );
    }
}
