//! Passwords: which are taken, and how they are hashed: argon2id on a blocking thread, a few at a time.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::spawn_blocking;

use crate::system::random_bytes;

/// OWASP's choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Long enough that a throttled guesser has no chance, without rules about signs.
pub(crate) const PASSWORD_CHARS_MIN: usize = 12;
/// Longer than any phrase; hashing has no limit of its own.
pub(crate) const PASSWORD_CHARS_MAX: usize = 256;

/// Passwords of twelve and more characters that lists of leaked ones begin with.
const COMMON: [&str; 14] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789012345",
    "1234567890123456",
    "111111111111",
    "000000000000",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdf",
    "password1234",
    "password12345",
    "passwordpassword",
    "administrator",
];

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WeakPassword {
    #[error("it is too short: {PASSWORD_CHARS_MIN} characters at least")]
    Short,
    #[error("it is too long: {PASSWORD_CHARS_MAX} characters at most")]
    Long,
    #[error("it is one of those that are tried first")]
    Common,
}

/// Whether it may be used: long, and none that is guessed first.
pub(crate) fn check(password: &SecretString, email: &str) -> Result<(), WeakPassword> {
    let text = password.expose_secret();
    let length = text.chars().count();
    if length < PASSWORD_CHARS_MIN {
        return Err(WeakPassword::Short);
    }
    if length > PASSWORD_CHARS_MAX {
        return Err(WeakPassword::Long);
    }
    let lower = text.to_lowercase();
    let mut signs: Vec<char> = lower.chars().collect();
    signs.sort_unstable();
    signs.dedup();
    // Fewer than four different signs are a pattern.
    if COMMON.contains(&lower.as_str()) || lower == email || signs.len() < 4 {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

/// Hashes a new password.
pub(crate) async fn hash(password: SecretString) -> String {
    let hashing = spawn_blocking(move || hash_now(&password));
    hashing.await.expect("hashing ends")
}

/// Takes the thread for some 20 ms.
pub(super) fn hash_now(password: &SecretString) -> String {
    let salt = random_bytes::<SALT_BYTES>();
    let hash: Result<PasswordHash, _> =
        argon2id().hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
    // Both lengths are within its bounds, which are far wider than ours.
    hash.expect("a password and a salt that can be hashed")
        .to_string()
}

/// What the password of an unknown address is checked against, so that it takes as long as any other. Nobody knows a
/// password that it fits.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LCBub3doZXJlIQ$\
     x9Wl0tUqzC4mJb1s7fTn2hYpR6kVdE8oA5gLwMiQc3Y";

/// Whether it is the password that was hashed; never, if there is none. Takes the thread for some 20 ms either way.
pub(super) fn fits(password: &SecretString, stored: Option<&str>) -> bool {
    let hash = stored.unwrap_or(NOBODYS);
    let verified = argon2id().verify_password(password.expose_secret().as_bytes(), hash);
    verified.is_ok() && stored.is_some()
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("parameters within the bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn a_hash_is_salted_and_names_its_cost() {
        let stored = hash(secret("correct horse battery")).await;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash(secret("correct horse battery")).await);
    }

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let password = secret("correct horse battery");
        let stored = hash_now(&password);
        assert!(fits(&password, Some(&stored)));
        assert!(!fits(&secret("correct horse batterY"), Some(&stored)));
        assert!(!fits(&password, None));
        assert!(!fits(&password, Some("damaged")));
    }

    #[test]
    fn an_unknown_address_costs_as_much_as_any_other() {
        let hash = PasswordHash::new(NOBODYS).expect("a hash that can be read");
        let params = Params::try_from(&hash).expect("its parameters");
        let ours = argon2id();
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(cost(&params), cost(ours.params()));
        assert_eq!(
            hash.hash.expect("what it compares").len(),
            Params::DEFAULT_OUTPUT_LEN
        );
    }

    #[test]
    fn what_is_guessed_first_is_not_taken() {
        let checked = |text: &str| check(&secret(text), "jane.doe@company.example");
        assert_eq!(checked("correct horse battery"), Ok(()));
        assert_eq!(checked("übergrößenträger"), Ok(()));
        assert_eq!(checked("elevensigns"), Err(WeakPassword::Short));
        assert_eq!(checked(&"abcdefg ".repeat(40)), Err(WeakPassword::Long));
        for common in ["PasswordPassword", "abababababab", "jane.doe@company.example"] {
            assert_eq!(checked(common), Err(WeakPassword::Common), "{common}");
        }
    }
}
