use std::collections::VecDeque;

use domain::{CauseCode, Dice, Stream};

use crate::{Failure, Presence, seen::SeenKeys};

/// Rows that are asked for one by one; of more, so many at random. If one in twenty of them still existed, a sample of
/// this size would meet one of those in 994 of 1,000 passes.
const ASKED_MAX: usize = 100;

/// Keys read from the store at a time: about 100 kB.
pub(crate) const KEYS_AT_A_TIME: u32 = 10_000;

/// What is to be done next to learn which rows are gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    CountStored,
    /// The next keys that are stored, after the given one.
    LoadKeys(Option<String>),
    Ask(String),
    Over(Conclusion),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// These are to be marked as deleted; there may be none.
    Gone(Vec<String>),
    /// Records are missing that still exist.
    Suspicious(Failure),
}

/// After a complete full pass over a stream: which stored rows were not met, and are they gone?
#[derive(Debug)]
pub(crate) struct Missing {
    stream: Stream,
    met: SeenKeys,
    seed: u64,
    ahead: usize,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Counting {
        asked: bool,
    },
    Loading {
        missing: Vec<String>,
        after: Option<String>,
        asked: bool,
    },
    Asking(Asking),
    Over,
}

#[derive(Debug)]
struct Asking {
    missing: Vec<String>,
    waiting: VecDeque<String>,
    in_flight: usize,
    gone: Vec<String>,
    present: Vec<String>,
}

impl Missing {
    /// `seed` decides which rows are in the sample, if one is needed.
    pub(crate) fn new(stream: Stream, met: SeenKeys, seed: u64, ahead: usize) -> Self {
        Self {
            stream,
            met,
            seed,
            ahead: ahead.max(1),
            phase: Phase::Counting { asked: false },
        }
    }

    pub(crate) fn stream(&self) -> Stream {
        self.stream
    }

    /// What was seen is stored, so if no more than that is stored, nothing is missing.
    pub(crate) fn counted(&mut self, stored: u64) {
        self.phase = if stored <= self.met.records() {
            Phase::Asking(Asking::about(Vec::new(), self.seed))
        } else {
            Phase::Loading {
                missing: Vec::new(),
                after: None,
                asked: false,
            }
        };
    }

    pub(crate) fn loaded(&mut self, keys: Vec<String>) {
        let Phase::Loading {
            missing,
            after,
            asked,
        } = &mut self.phase
        else {
            return;
        };
        let last = keys.len() < KEYS_AT_A_TIME as usize;
        *asked = false;
        *after = keys.last().cloned();
        missing.extend(keys.into_iter().filter(|key| !self.met.contains(key)));
        if last {
            let missing = std::mem::take(missing);
            self.phase = Phase::Asking(Asking::about(missing, self.seed));
        }
    }

    pub(crate) fn asked(&mut self, key: String, presence: Presence) {
        if let Phase::Asking(asking) = &mut self.phase {
            asking.in_flight -= 1;
            match presence {
                Presence::Present => asking.present.push(key),
                Presence::Gone => asking.gone.push(key),
            }
        }
    }

    /// A question failed and is to be put again.
    pub(crate) fn failed(&mut self, key: String) {
        if let Phase::Asking(asking) = &mut self.phase {
            asking.in_flight -= 1;
            asking.waiting.push_back(key);
        }
    }

    /// What to start now.
    pub(crate) fn steps(&mut self) -> Vec<Step> {
        match &mut self.phase {
            Phase::Counting { asked } if !*asked => {
                *asked = true;
                vec![Step::CountStored]
            }
            Phase::Loading { after, asked, .. } if !*asked => {
                *asked = true;
                vec![Step::LoadKeys(after.clone())]
            }
            Phase::Asking(asking) if asking.is_answered() => {
                let conclusion = asking.conclusion(self.stream);
                self.phase = Phase::Over;
                vec![Step::Over(conclusion)]
            }
            Phase::Asking(asking) => {
                let free = self
                    .ahead
                    .saturating_sub(asking.in_flight)
                    .min(asking.waiting.len());
                asking.in_flight += free;
                asking.waiting.drain(..free).map(Step::Ask).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Asking {
    fn about(missing: Vec<String>, seed: u64) -> Self {
        Self {
            waiting: sample(&missing, seed),
            missing,
            in_flight: 0,
            gone: Vec::new(),
            present: Vec::new(),
        }
    }

    fn is_answered(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }

    fn conclusion(&mut self, stream: Stream) -> Conclusion {
        if self.missing.len() <= ASKED_MAX {
            Conclusion::Gone(std::mem::take(&mut self.gone))
        } else if let Some(present) = self.present.first() {
            Conclusion::Suspicious(suspicious(
                stream,
                self.missing.len(),
                self.present.len(),
                present,
            ))
        } else {
            Conclusion::Gone(std::mem::take(&mut self.missing))
        }
    }
}

fn suspicious(stream: Stream, missing: usize, present: usize, example: &str) -> Failure {
    Failure {
        code: CauseCode::DeletionSuspicious,
        message: format!(
            "The provider's list of {stream} lacks {missing} records that are stored, but of {ASKED_MAX} asked for one by \
             one it still has {present}, such as {example}. None was marked as deleted."
        ),
        retry_after: None,
    }
}

/// All keys, or as many at random as are asked for at most: selection sampling (Knuth, The Art of Computer Programming,
/// volume 2, algorithm S).
fn sample(keys: &[String], seed: u64) -> VecDeque<String> {
    let mut chosen = VecDeque::new();
    let mut dice = Dice::new(seed);
    for (at, key) in keys.iter().enumerate() {
        let (wanted, left) = (ASKED_MAX.saturating_sub(chosen.len()), keys.len() - at);
        if dice.place(left) < wanted {
            chosen.push_back(key.clone());
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Looks for what is missing of the stored keys, and says how many questions that took.
    fn look(
        stored: &[String],
        met: &[String],
        gone: impl Fn(&str) -> bool,
        seed: u64,
    ) -> (Conclusion, usize) {
        let mut keys = SeenKeys::default();
        for key in met {
            keys.insert(key);
        }
        keys.insert_invalid("a broken record is no row");
        let mut missing = Missing::new(Stream::Users, keys, seed, 4);
        let (mut questions, mut steps) = (0, missing.steps());
        while let Some(step) = steps.pop() {
            match step {
                Step::CountStored => missing.counted(stored.len() as u64),
                Step::LoadKeys(after) => {
                    let rest = stored
                        .iter()
                        .filter(|key| after.as_ref().is_none_or(|after| *key > after));
                    missing.loaded(rest.take(KEYS_AT_A_TIME as usize).cloned().collect());
                }
                Step::Ask(key) => {
                    questions += 1;
                    if usize::is_multiple_of(questions, 7) {
                        missing.failed(key);
                    } else {
                        let presence = if gone(&key) {
                            Presence::Gone
                        } else {
                            Presence::Present
                        };
                        missing.asked(key, presence);
                    }
                }
                Step::Over(conclusion) => return (conclusion, questions),
            }
            steps.extend(missing.steps());
        }
        panic!("it waits for nothing");
    }

    fn keys(ids: impl Iterator<Item = usize>) -> Vec<String> {
        ids.map(|id| format!("{id:07}")).collect()
    }

    #[test]
    fn where_nothing_is_missing_nothing_is_asked() {
        let stored = keys(0..300);
        let found = look(&stored, &stored, |_| true, 1);
        assert_eq!(found, (Conclusion::Gone(Vec::new()), 0));
    }

    proptest! {
        #[test]
        fn up_to_a_hundred_are_asked_for_one_by_one(missing in 1_usize..=100, seen in 0_usize..400, existing: u8) {
            let stored = keys(0..missing + seen);
            let exists = |key: &str| key.parse::<usize>().unwrap_or_default() % 256 == usize::from(existing);
            let (conclusion, _) = look(&stored, &stored[missing..], |key| !exists(key), 7);
            let Conclusion::Gone(mut gone) = conclusion else { panic!("{conclusion:?}") };
            gone.sort();
            let expected: Vec<_> = stored[..missing].iter().filter(|key| !exists(key)).cloned().collect();
            prop_assert_eq!(gone, expected);
        }

        #[test]
        fn of_more_a_sample_decides_about_all(missing in 101_usize..25_000, seed: u64) {
            let stored = keys(0..missing + 50);
            let (conclusion, questions) = look(&stored, &stored[missing..], |_| true, seed);
            prop_assert_eq!(conclusion, Conclusion::Gone(stored[..missing].to_vec()));
            prop_assert!((100..=120).contains(&questions), "{}", questions);
            let (conclusion, _) = look(&stored, &stored[missing..], |key| key.ends_with('0'), seed);
            prop_assert!(matches!(conclusion, Conclusion::Suspicious(_)), "{:?}", conclusion);
        }

        #[test]
        fn a_sample_has_a_hundred_keys_from_everywhere(seed: u64) {
            let all = keys(0..10_000);
            let chosen = sample(&all, seed);
            let halves = chosen.iter().filter(|key| **key < all[5_000]).count();
            prop_assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), ASKED_MAX);
            prop_assert!((15..85).contains(&halves), "{}", halves);
            prop_assert_eq!(sample(&all, seed), chosen, "the same seed gives the same sample");
        }
    }
}
