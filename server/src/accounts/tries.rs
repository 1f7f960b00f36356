//! By what tries to log in are counted.
//!
//! Someone at a browser that they have logged in with before is counted by that browser alone: whatever others try, they
//! get in. All others are counted by address and account, and by address. Nothing is counted by account alone, or
//! anyone could keep anyone out.

use std::net::IpAddr;

use domain::{AccountId, SessionId};
use store::{Bucket, TokenHash};

/// A password is forgotten in more ways than four.
const FREE_OF_ONE: u32 = 5;
/// Of a browser that is known: whoever sits there is hardly anyone else.
const FREE_OF_DEVICE: u32 = 10;
/// Of an address, which a whole office may share.
const FREE_OF_ADDRESS: u32 = 50;

/// Of someone at a browser that is not known. The address is a network's (`Client::counted_as`).
pub(super) fn of_stranger(email: &str, address: IpAddr) -> Vec<Bucket> {
    let address = address.to_string();
    vec![
        bucket("account and address", &[email, &address], FREE_OF_ONE, false),
        bucket("address", &[&address], FREE_OF_ADDRESS, true),
    ]
}

pub(super) fn of_device(device: &TokenHash, account: AccountId) -> Vec<Bucket> {
    let parts = [device.0.as_str(), &account.to_string()];
    vec![bucket("device", &parts, FREE_OF_DEVICE, false)]
}

/// Of someone who has a session, and gives the password again.
pub(super) fn of_session(session: SessionId) -> Vec<Bucket> {
    vec![bucket("session", &[&session.to_string()], FREE_OF_ONE, false)]
}

fn bucket(kind: &str, parts: &[&str], free: u32, shared: bool) -> Bucket {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(&kind).chain(parts) {
        // Its length comes first, so that no two lists of parts are one text.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    Bucket {
        name: hasher.finalize().to_hex().to_string(),
        free,
        shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(email: &str, address: [u8; 4]) -> Vec<String> {
        let buckets = of_stranger(email, IpAddr::from(address));
        buckets.into_iter().map(|bucket| bucket.name).collect()
    }

    #[test]
    fn a_stranger_shares_a_bucket_with_their_address_and_none_with_the_account() {
        let one = names("ana@company.example", [203, 0, 113, 9]);
        let same_address = names("ben@company.example", [203, 0, 113, 9]);
        let same_account = names("ana@company.example", [203, 0, 113, 10]);
        assert_ne!(one[0], same_address[0]);
        assert_eq!(one[1], same_address[1]);
        assert!(one.iter().all(|name| !same_account.contains(name)));
        assert!(one.iter().all(|name| !name.contains("ana")));
    }

    #[test]
    fn no_two_lists_of_parts_are_one_bucket() {
        let name = |parts: &[&str]| bucket("kind", parts, 1, false).name;
        assert_ne!(name(&["ab", "c"]), name(&["a", "bc"]));
        assert_ne!(name(&["a"]), bucket("kinda", &[], 1, false).name);
    }
}
