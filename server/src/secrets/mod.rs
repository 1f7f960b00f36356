//! Secrets at rest, in envelopes.
//!
//! Each secret is sealed with a key of its own (XChaCha20-Poly1305), and that key with the installation's: so a change of
//! the installation's key seals short keys anew and leaves the secrets as they are. Whose secret it is, is associated
//! data of both: a sealed secret that is moved to another connection does not open.
//!
//! A sealed secret is `v2.<key id>.<nonce>.<sealed key>.<nonce>.<sealed secret>`, all hexadecimal. The key id names the
//! installation's key without telling anything about it, so that a wrong key is told from a damaged text. Secrets that
//! were sealed before there were envelopes are `v1.<key id>.<nonce>.<sealed secret>` under the installation's key itself;
//! they open, and become envelopes with the next change of keys.

mod file;
mod key;

use std::fmt;

use secrecy::{SecretString, zeroize::Zeroizing};

pub(crate) use self::file::{Hold, KeyError, hold};
use self::key::{KEY_BYTES, SecretKey};

const DIRECT: &str = "v1";
const ENVELOPE: &str = "v2";

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the stored secret was sealed with another key")]
    OtherKey,
    #[error("the stored secret is damaged, or belongs to another tenant")]
    Damaged,
}

/// The installation's keys. The first seals, all open.
#[derive(Debug)]
pub(crate) struct KeyRing {
    keys: Vec<SecretKey>,
}

/// The parts of a sealed secret.
enum Sealed<'s> {
    Direct {
        key_id: &'s str,
        secret: [&'s str; 2],
    },
    Envelope {
        key_id: &'s str,
        data_key: [&'s str; 2],
        secret: [&'s str; 2],
    },
}

impl<'s> Sealed<'s> {
    fn parse(text: &'s str) -> Result<Self, OpenError> {
        match *text.split('.').collect::<Vec<_>>() {
            [DIRECT, key_id, nonce, sealed] => Ok(Self::Direct {
                key_id,
                secret: [nonce, sealed],
            }),
            [ENVELOPE, key_id, key_nonce, key, nonce, sealed] => Ok(Self::Envelope {
                key_id,
                data_key: [key_nonce, key],
                secret: [nonce, sealed],
            }),
            _ => Err(OpenError::Damaged),
        }
    }
}

/// What a data key, and what a secret, of this owner opens for.
fn purposes(owner: &str) -> [String; 2] {
    ["data key", "secret"].map(|what| format!("tributary {ENVELOPE} {what} of {owner}"))
}

impl KeyRing {
    /// The key that seals.
    pub(crate) fn current(&self) -> &SecretKey {
        &self.keys[0]
    }

    /// The keys that are on their way out.
    pub(crate) fn former(&self) -> &[SecretKey] {
        &self.keys[1..]
    }

    /// With a new key that seals; those of before still open.
    pub(crate) fn with_new_key(self) -> Self {
        let mut keys = vec![SecretKey::random()];
        keys.extend(self.keys);
        Self { keys }
    }

    /// With the key alone that seals.
    pub(crate) fn without_former(self) -> Self {
        Self {
            keys: self.keys.into_iter().take(1).collect(),
        }
    }

    /// Seals a secret of this owner: a tenant id, or a name that is none.
    pub(crate) fn seal(&self, owner: &str, secret: &[u8]) -> String {
        let [of_key, of_secret] = purposes(owner);
        let data_key = SecretKey::random();
        let current = self.current();
        format!(
            "{ENVELOPE}.{}.{}.{}",
            current.id(),
            current.seal(&of_key, data_key.bytes()),
            data_key.seal(&of_secret, secret)
        )
    }

    pub(crate) fn open(&self, owner: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        match Sealed::parse(sealed)? {
            Sealed::Direct { key_id, secret } => self.key(key_id)?.open(owner, secret[0], secret[1]),
            Sealed::Envelope {
                key_id,
                data_key,
                secret,
            } => {
                let data_key = self.data_key(owner, key_id, data_key)?;
                data_key.open(&purposes(owner)[1], secret[0], secret[1])
            }
        }
    }

    pub(crate) fn open_text(&self, owner: &str, sealed: &str) -> Result<SecretString, OpenError> {
        let opened = self.open(owner, sealed)?;
        std::str::from_utf8(&opened)
            .map(SecretString::from)
            .map_err(|_| OpenError::Damaged)
    }

    /// The same secret under the key that seals now; `None` if it is there already.
    pub(crate) fn seal_anew(&self, owner: &str, sealed: &str) -> Result<Option<String>, OpenError> {
        let current = self.current();
        match Sealed::parse(sealed)? {
            Sealed::Direct { .. } => Ok(Some(self.seal(owner, &self.open(owner, sealed)?))),
            Sealed::Envelope { key_id, .. } if key_id == current.id() => Ok(None),
            Sealed::Envelope {
                key_id,
                data_key,
                secret: [nonce, secret],
            } => {
                let data_key = self.data_key(owner, key_id, data_key)?;
                let key = current.seal(&purposes(owner)[0], data_key.bytes());
                Ok(Some(format!(
                    "{ENVELOPE}.{}.{key}.{nonce}.{secret}",
                    current.id()
                )))
            }
        }
    }

    fn data_key(&self, owner: &str, key_id: &str, sealed: [&str; 2]) -> Result<SecretKey, OpenError> {
        let opened = self
            .key(key_id)?
            .open(&purposes(owner)[0], sealed[0], sealed[1])?;
        let bytes: &[u8; KEY_BYTES] = opened.as_slice().try_into().map_err(|_| OpenError::Damaged)?;
        Ok(SecretKey::new(bytes))
    }

    fn key(&self, id: &str) -> Result<&SecretKey, OpenError> {
        let known = self.keys.iter().find(|key| key.id() == id);
        known.ok_or(OpenError::OtherKey)
    }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use secrecy::ExposeSecret;

    use super::*;
    use crate::system::random_bytes;

    const SECRET: &str = "kX9-an-unlikely-client-secret";
    const OWNER: &str = "customer-en";

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tributary-key-{}", to_hex(&random_bytes::<8>())));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn ring(keys: &[u8]) -> KeyRing {
        KeyRing {
            keys: keys
                .iter()
                .map(|byte| SecretKey::new(&[*byte; KEY_BYTES]))
                .collect(),
        }
    }

    /// As it was done before there were envelopes.
    fn sealed_directly(key: &SecretKey) -> String {
        format!("v1.{}.{}", key.id(), key.seal(OWNER, SECRET.as_bytes()))
    }

    fn sealed_both_ways() -> [String; 2] {
        let ring = ring(&[7]);
        [
            sealed_directly(ring.current()),
            ring.seal(OWNER, SECRET.as_bytes()),
        ]
    }

    #[test]
    fn what_was_sealed_opens_again_for_its_owner_alone() {
        for sealed in sealed_both_ways() {
            let opened = ring(&[7]).open_text(OWNER, &sealed).expect("opens");
            assert_eq!(opened.expose_secret(), SECRET);
            let moved = ring(&[7]).open("customer-de", &sealed);
            assert_eq!(moved.err(), Some(OpenError::Damaged));
        }
    }

    /// Sealed by the version that came before envelopes, with the key of sevens.
    #[test]
    fn a_secret_that_an_earlier_version_sealed_opens() {
        let sealed = concat!(
            "v1.441287a0.",
            "000102030405060708090a0b0c0d0e0f1011121314151617.",
            "c34f92a89b7276d04babe82c838ed6813cba51727a831a02967ec5e4ee13feb6c77a4a342fb70979dafa3eaea8"
        );
        let opened = ring(&[7]).open_text(OWNER, sealed).expect("opens");
        assert_eq!(opened.expose_secret(), SECRET);
    }

    #[test]
    fn a_nonce_and_a_data_key_are_used_once() {
        let ring = ring(&[7]);
        let [first, second] = [(); 2].map(|()| ring.seal(OWNER, SECRET.as_bytes()));
        for (one, other) in first.split('.').zip(second.split('.')).skip(2) {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn every_changed_digit_is_noticed() {
        for sealed in sealed_both_ways() {
            for at in 0..sealed.len() {
                let mut bytes = sealed.clone().into_bytes();
                bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
                let changed = String::from_utf8(bytes).expect("text");
                assert!(
                    ring(&[7]).open(OWNER, &changed).is_err(),
                    "digit {at} of {sealed}"
                );
            }
            for cut in [
                "",
                "v1",
                "v1.aa.bb",
                "v2.aa.bb.cc.dd.ee",
                &sealed[..sealed.len() - 2],
                &format!("{sealed}.00"),
            ] {
                assert!(ring(&[7]).open(OWNER, cut).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn the_parts_of_two_envelopes_do_not_fit_together() {
        let ring = ring(&[7]);
        let [first, second] = [(); 2].map(|()| ring.seal(OWNER, SECRET.as_bytes()));
        let (first, second): (Vec<_>, Vec<_>) = (first.split('.').collect(), second.split('.').collect());
        let mixed = [&first[..4], &second[4..]].concat().join(".");
        assert_eq!(ring.open(OWNER, &mixed).err(), Some(OpenError::Damaged));
    }

    #[test]
    fn another_key_is_named_as_such() {
        for sealed in sealed_both_ways() {
            let error = ring(&[8]).open(OWNER, &sealed).err();
            assert_eq!(error, Some(OpenError::OtherKey));
            assert_eq!(ring(&[8]).seal_anew(OWNER, &sealed), Err(OpenError::OtherKey));
        }
    }

    #[test]
    fn with_a_new_key_the_key_is_sealed_anew_and_the_secret_stays_as_it_is() {
        let [direct, envelope] = sealed_both_ways();
        let changing = ring(&[8, 7]);
        for sealed in [&direct, &envelope] {
            let anew = changing
                .seal_anew(OWNER, sealed)
                .expect("opens")
                .expect("changed");
            let opened = ring(&[8])
                .open_text(OWNER, &anew)
                .expect("opens without the former key");
            assert_eq!(opened.expose_secret(), SECRET);
            assert_eq!(ring(&[7]).open(OWNER, &anew).err(), Some(OpenError::OtherKey));
            assert_eq!(changing.seal_anew(OWNER, &anew), Ok(None), "once is enough");
        }
        let anew = changing
            .seal_anew(OWNER, &envelope)
            .expect("opens")
            .expect("changed");
        assert_eq!(anew.rsplit('.').next(), envelope.rsplit('.').next());
        let again = ring(&[7])
            .seal_anew(OWNER, &direct)
            .expect("opens")
            .expect("an envelope");
        assert!(
            again.starts_with("v2."),
            "one of before becomes an envelope under its own key, too"
        );
    }

    #[test]
    fn nothing_prints_a_secret() {
        let ring = ring(&[7]);
        let printed = format!("{ring:?} {:?}", sealed_both_ways());
        assert!(!printed.contains(SECRET));
        assert!(!printed.contains(ring.current().hex().as_str()));
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_alone() {
        let folder = folder();
        let path = folder.join("deep").join("secret.key");
        let first = KeyRing::load_or_create(&path).expect("made");
        let again = KeyRing::load_or_create(&path).expect("read");
        assert_eq!(first.current().hex(), again.current().hex());
        let mode = fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.join("deep")).expect("the folder").count(), 1);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_new_key_takes_the_first_place_and_the_former_goes_when_it_is_told_to() {
        let folder = folder();
        let path = folder.join("secret.key");
        let first = KeyRing::load_or_create(&path).expect("made");
        KeyRing::load(&path)
            .expect("read")
            .with_new_key()
            .replace(&path)
            .expect("replaced");
        let both = KeyRing::load(&path).expect("read");
        assert_eq!(
            (both.former().len(), both.former()[0].id()),
            (1, first.current().id())
        );
        assert_ne!(both.current().id(), first.current().id());
        let mode = fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let current = both.current().id().to_owned();
        both.without_former().replace(&path).expect("replaced");
        let alone = KeyRing::load(&path).expect("read");
        assert_eq!(
            (alone.current().id(), alone.former().len()),
            (current.as_str(), 0)
        );
        assert_eq!(
            fs::read_dir(&folder).expect("the folder").count(),
            1,
            "no draft is left"
        );
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.join("secret.key");
        KeyRing::load_or_create(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        let error = KeyRing::load_or_create(&path).expect_err("refused");
        assert!(error.to_string().contains("0640"), "{error}");
        assert!(error.next_action().starts_with("Run: chmod 600 "));
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_kept() {
        let folder = folder();
        let path = folder.join("secret.key");
        for text in ["not a key", "", "\n"] {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
            assert!(matches!(
                KeyRing::load_or_create(&path),
                Err(KeyError::Unreadable(_))
            ));
            assert_eq!(fs::read_to_string(&path).expect("kept"), text);
        }
        fs::remove_dir_all(folder).expect("removed");
    }
}
