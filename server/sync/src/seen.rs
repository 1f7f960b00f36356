use roaring::RoaringTreemap;

/// Of the keys that are not numbers, this bit parts broken records from those that can be stored.
const INVALID_BIT: u64 = 1 << 62;

/// The top bit parts the keys that are not numbers from those that are.
const TEXT_KEY_BIT: u64 = 1 << 63;

/// The keys that a run has seen in one stream. The vendor's ids are mostly dense numbers, of which a million take about
/// 130 kB here.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenKeys(RoaringTreemap);

impl SeenKeys {
    /// Returns whether the key had not been seen.
    pub(crate) fn insert(&mut self, key: &str) -> bool {
        self.0.insert(compact(key))
    }

    /// How many records were seen, broken ones too.
    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    /// Remembers a broken record, by what it holds. Returns whether it had not been seen.
    pub(crate) fn insert_invalid(&mut self, content: &str) -> bool {
        self.0.insert(compact_invalid(content))
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.0.contains(compact(key))
    }

    /// How many records were seen that can be stored.
    pub(crate) fn records(&self) -> u64 {
        self.0.rank((TEXT_KEY_BIT | INVALID_BIT) - 1)
    }

    pub(crate) fn union(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        // Writing into memory has nothing to fail on.
        let _ = self.0.serialize_into(&mut bytes);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> std::io::Result<Self> {
        if bytes.is_empty() {
            Ok(Self::default())
        } else {
            RoaringTreemap::deserialize_from(bytes).map(Self)
        }
    }
}

/// Numbers are kept as they are. Other keys become 62 bits of a hash: were two ever to meet, the second record would
/// still be written, and only be counted as repeated.
pub(crate) fn compact(key: &str) -> u64 {
    let number = key
        .parse::<u64>()
        .ok()
        .filter(|number| number & TEXT_KEY_BIT == 0 && number.to_string() == key);
    number.unwrap_or_else(|| hashed(key) & !INVALID_BIT)
}

/// A broken record, by what it holds.
pub(crate) fn compact_invalid(content: &str) -> u64 {
    hashed(content) | INVALID_BIT
}

fn hashed(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    let first = hash
        .as_bytes()
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    first | TEXT_KEY_BIT
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_remembers_what_a_set_remembers(keys in prop::collection::vec("[0-9a-f-]{1,12}", 0..200)) {
            let mut seen = SeenKeys::default();
            let mut set = HashSet::new();
            for key in &keys {
                prop_assert_eq!(seen.insert(key), set.insert(key.clone()), "{}", key);
            }
            let mut restored = SeenKeys::default();
            restored.union(SeenKeys::from_bytes(&seen.to_bytes()).expect("what was written"));
            prop_assert_eq!(restored.records(), set.len() as u64);
            prop_assert!(restored.insert_invalid("broken") && !restored.insert_invalid("broken"));
            prop_assert_eq!(restored.records(), set.len() as u64, "a broken record is no row");
            for key in &keys {
                prop_assert!(restored.contains(key));
                prop_assert!(!restored.insert(key));
            }
            prop_assert!(restored.insert("never seen"));
        }
    }

    #[test]
    fn keys_that_only_look_like_the_same_number_are_different() {
        let mut seen = SeenKeys::default();
        for key in ["7", "07", "+7", " 7", "18446744073709551615"] {
            assert!(seen.insert(key), "{key:?}");
        }
    }
}
