use serde::{Deserialize, Serialize};

/// The account of one stream in one run: every record that the provider served is in exactly one column.
///
/// `found = new + updated + unchanged + invalid + repeated`. The database enforces it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// What the provider served.
    pub found: u64,
    pub new: u64,
    pub updated: u64,
    /// Same content as stored; no row was written.
    pub unchanged: u64,
    /// Set aside with reason and payload.
    pub invalid: u64,
    /// Served twice in one run, because pages shifted.
    pub repeated: u64,
    /// Marked as deleted, after a complete full pass.
    pub deleted: u64,
    /// New rows whose own time lies before the previous run's watermark.
    pub late: u64,
    /// Items or categories that the provider refused to serve (403).
    pub refused: u64,
    pub pages: u64,
}

/// The ledger does not add up: `found` and the sum of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} records were found, but {accounted} are accounted for")]
pub struct Unbalanced {
    pub found: u64,
    pub accounted: u64,
}

impl Ledger {
    /// New, updated and unchanged: what is stored.
    pub fn valid(&self) -> u64 {
        self.new + self.updated + self.unchanged
    }

    pub fn check(&self) -> Result<(), Unbalanced> {
        let accounted = self.valid() + self.invalid + self.repeated;
        if accounted == self.found {
            Ok(())
        } else {
            Err(Unbalanced {
                found: self.found,
                accounted,
            })
        }
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            new: self.new + other.new,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            invalid: self.invalid + other.invalid,
            repeated: self.repeated + other.repeated,
            deleted: self.deleted + other.deleted,
            late: self.late + other.late,
            refused: self.refused + other.refused,
            pages: self.pages + other.pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn balanced()(new in 0..1000_u64, updated in 0..1000_u64, unchanged in 0..1000_u64, invalid in 0..1000_u64, repeated in 0..1000_u64) -> Ledger {
            Ledger { found: new + updated + unchanged + invalid + repeated, new, updated, unchanged, invalid, repeated, ..Ledger::default() }
        }
    }

    proptest! {
        #[test]
        fn balanced_ledgers_stay_balanced_when_added(a in balanced(), b in balanced()) {
            prop_assert_eq!(a.plus(b).check(), Ok(()));
        }

        #[test]
        fn one_record_too_many_or_too_few_shows(a in balanced()) {
            let lost = Ledger { found: a.found + 1, ..a };
            let accounted = a.found;
            prop_assert_eq!(lost.check(), Err(Unbalanced { found: a.found + 1, accounted }));
            let doubled = Ledger { new: a.new + 1, ..a };
            prop_assert!(doubled.check().is_err());
        }
    }
}
