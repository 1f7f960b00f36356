use domain::unification::{Attribute, Operator};

/// What a value is a value of. Equal values of two kinds have different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    PersonEmail,
    PersonPhone,
    PersonFullName,
    PersonExternalId,
    /// Of a person who is inactive, and therefore no candidate.
    InactivePersonEmail,
    CompanyDomain,
    CompanyName,
    /// Without its legal form.
    CompanyBareName,
    CompanyExternalId,
}

impl Kind {
    /// Under which a condition looks its values up. A fuzzy comparison looks up the names that it finds.
    pub(crate) fn of(attribute: Attribute, operator: Operator) -> Self {
        match (attribute, operator) {
            (Attribute::PersonEmail, _) => Self::PersonEmail,
            (Attribute::PersonPhone, _) => Self::PersonPhone,
            (Attribute::PersonFullName, _) => Self::PersonFullName,
            (Attribute::PersonExternalId, _) => Self::PersonExternalId,
            (Attribute::CompanyDomain, _) => Self::CompanyDomain,
            (Attribute::CompanyName, Operator::Exact) => Self::CompanyName,
            (Attribute::CompanyName, Operator::WithoutLegalForm | Operator::Fuzzy(_)) => {
                Self::CompanyBareName
            }
            (Attribute::CompanyExternalId, _) => Self::CompanyExternalId,
        }
    }
}

/// 96 bits of a value's BLAKE3 hash: to find another value with the key of one of a million takes 2^76 tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    high: u64,
    low: u32,
}

/// Values up to this length, which nearly all are, are hashed in one call (bytes).
const SHORT_BYTES: usize = 127;

impl Key {
    pub(crate) fn new(kind: Kind, value: &str) -> Self {
        let hash = if value.len() <= SHORT_BYTES {
            let mut bytes = [0; SHORT_BYTES + 1];
            bytes[0] = kind as u8;
            bytes[1..=value.len()].copy_from_slice(value.as_bytes());
            blake3::hash(&bytes[..=value.len()])
        } else {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&[kind as u8]);
            hasher.update(value.as_bytes());
            hasher.finalize()
        };
        let (mut high, mut low) = ([0; 8], [0; 4]);
        high.copy_from_slice(&hash.as_bytes()[..8]);
        low.copy_from_slice(&hash.as_bytes()[8..12]);
        Self {
            high: u64::from_be_bytes(high),
            low: u32::from_be_bytes(low),
        }
    }
}

/// A key and the company or person that has it: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    high: u64,
    low: u32,
    id: u32,
}

impl Entry {
    pub(crate) fn new(key: Key, id: u32) -> Self {
        Self {
            high: key.high,
            low: key.low,
            id,
        }
    }

    pub(crate) fn id(self) -> u32 {
        self.id
    }

    pub(crate) fn key(self) -> Key {
        Key {
            high: self.high,
            low: self.low,
        }
    }
}

/// Entries in the order of their keys, and where each bucket of keys begins. Hashes are spread evenly, so a bucket holds one
/// or two.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    starts: Vec<u32>,
    bits: u32,
}

impl Table {
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        entries.shrink_to_fit();
        let bits = entries.len().max(2).ilog2();
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut position = 0;
        for bucket in 0..=(1_u64 << bits) {
            while entries
                .get(position)
                .is_some_and(|entry| entry.high >> (u64::BITS - bits) < bucket)
            {
                position += 1;
            }
            // Ids are 32 bits and an entity has a handful of keys; the builder refuses more entities than that leaves room for.
            starts.push(u32::try_from(position).unwrap_or(u32::MAX));
        }
        Self {
            entries,
            starts,
            bits,
        }
    }

    /// The ids of a key, in their order.
    pub(crate) fn find(&self, key: Key) -> impl Iterator<Item = u32> {
        let bucket = usize::try_from(key.high >> (u64::BITS - self.bits)).unwrap_or(usize::MAX);
        let range = match self.starts.get(bucket..) {
            Some([start, end, ..]) => *start as usize..*end as usize,
            _ => 0..0,
        };
        self.entries[range]
            .iter()
            .filter(move |entry| entry.key() == key)
            .map(|entry| entry.id)
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.find(key).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_finds_every_id_of_a_key_and_no_other(
            values in prop::collection::vec((0_u8..40, 0_u32..40), 0..200),
        ) {
            let key = |value: u8| Key::new(Kind::PersonEmail, &value.to_string());
            let table = Table::new(values.iter().map(|(value, id)| Entry::new(key(*value), *id)).collect());
            for value in 0..41 {
                let mut expected: Vec<_> =
                    values.iter().filter(|(other, _)| *other == value).map(|(_, id)| *id).collect();
                expected.sort_unstable();
                expected.dedup();
                prop_assert_eq!(table.find(key(value)).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn keys_differ_by_kind_and_beyond_the_short_length() {
        let long = "a".repeat(SHORT_BYTES + 1);
        assert_ne!(Key::new(Kind::PersonEmail, "a"), Key::new(Kind::PersonPhone, "a"));
        assert_ne!(
            Key::new(Kind::PersonEmail, &long),
            Key::new(Kind::PersonEmail, &long[1..])
        );
        assert_eq!(
            Key::new(Kind::PersonEmail, &long),
            Key::new(Kind::PersonEmail, &long)
        );
    }
}
