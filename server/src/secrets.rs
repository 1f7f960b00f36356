//! Client secrets at rest: sealed with XChaCha20-Poly1305 under the installation's key, for one tenant.
//!
//! A sealed secret is `v1.<key id>.<nonce>.<ciphertext>`, all hexadecimal. The key id names the key without telling
//! anything about it, so that the wrong key is told from a damaged text. The tenant id is associated data: a sealed
//! secret moved to another connection does not open.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use domain::TenantId;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::system::random_bytes;

const VERSION: &str = "v1";
const KEY_BYTES: usize = 32;
/// Long enough that a random nonce never repeats under one key.
const NONCE_BYTES: usize = 24;
/// Of the sealed constant that names a key.
const KEY_ID_BYTES: usize = 4;
/// Group and others.
const FOREIGN_BITS: u32 = 0o077;

#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the key file {path} cannot be {verb}: {source}")]
    File {
        path: PathBuf,
        verb: &'static str,
        source: io::Error,
    },
    #[error("the key file {path} can be read by others (mode {mode:04o})")]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the key file {0} does not hold a key (64 hexadecimal digits)")]
    Unreadable(PathBuf),
}

impl KeyError {
    pub(crate) fn next_action(&self) -> String {
        match self {
            Self::File { path, .. } => format!(
                "Check that this user may use {} and its folder, or name another file with --secret-key-file.",
                path.display()
            ),
            Self::Exposed { path, .. } => format!("Run: chmod 600 {}", path.display()),
            Self::Unreadable(path) => format!(
                "Put the right key file back at {}, or name it with --secret-key-file.",
                path.display()
            ),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the stored client secret was sealed with another key")]
    OtherKey,
    #[error("the stored client secret is damaged, or belongs to another tenant")]
    Damaged,
}

/// The installation's key.
pub(crate) struct SecretKey {
    key: SecretBox<[u8; KEY_BYTES]>,
    id: String,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Reads the key file, and makes it first if there is none.
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::create(path) {
            Ok(key) => Ok(key),
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                Self::load(path)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            verb: "read",
            source,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & FOREIGN_BITS != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode: mode & 0o7777,
            });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let key = from_hex(text.trim())
            .and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok())
            .ok_or_else(|| KeyError::Unreadable(path.to_owned()))?;
        Ok(Self::new(key))
    }

    fn create(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            verb: "made",
            source,
        };
        if fs::exists(path).map_err(failed)? {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let key = random_bytes();
        // Written whole under another name and then linked: no other process ever reads half a key, and the first wins.
        let draft = path.with_extension(format!("{}.draft", to_hex(&random_bytes::<KEY_ID_BYTES>())));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(failed)?;
        let written = file
            .write_all(format!("{}\n", to_hex(&key)).as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&draft, path));
        fs::remove_file(&draft).map_err(failed)?;
        written.map_err(failed)?;
        Ok(Self::new(key))
    }

    fn new(key: [u8; KEY_BYTES]) -> Self {
        let mut new = Self {
            key: SecretBox::new(Box::new(key)),
            id: String::new(),
        };
        // The cipher of a constant under a constant nonce tells nothing about the key, and is the same for each use.
        let sealed = new
            .cipher()
            .encrypt(&XNonce::default(), b"tributary key id".as_slice())
            .unwrap_or_default();
        new.id = to_hex(&sealed[..KEY_ID_BYTES.min(sealed.len())]);
        new
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key.expose_secret()))
    }

    pub(crate) fn seal(&self, tenant: &TenantId, secret: &SecretString) -> String {
        let nonce = random_bytes::<NONCE_BYTES>();
        let payload = Payload {
            msg: secret.expose_secret().as_bytes(),
            aad: tenant.as_str().as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a client secret is far shorter than what the cipher takes (256 GiB)");
        format!("{VERSION}.{}.{}.{}", self.id, to_hex(&nonce), to_hex(&sealed))
    }

    pub(crate) fn open(&self, tenant: &TenantId, sealed: &str) -> Result<SecretString, OpenError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(id), Some(nonce), Some(text), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(OpenError::Damaged);
        };
        if id != self.id {
            return Err(OpenError::OtherKey);
        }
        let nonce = from_hex(nonce)
            .and_then(|bytes| <[u8; NONCE_BYTES]>::try_from(bytes).ok())
            .ok_or(OpenError::Damaged)?;
        let text = from_hex(text).ok_or(OpenError::Damaged)?;
        let payload = Payload {
            msg: &text,
            aad: tenant.as_str().as_bytes(),
        };
        let opened = self
            .cipher()
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| OpenError::Damaged)?;
        String::from_utf8(opened)
            .map(SecretString::from)
            .map_err(|_| OpenError::Damaged)
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

fn from_hex(text: &str) -> Option<Vec<u8>> {
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
    use super::*;

    const SECRET: &str = "kX9-an-unlikely-client-secret";

    fn tenant(id: &str) -> TenantId {
        id.parse().expect("a tenant id")
    }

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tributary-key-{}", to_hex(&random_bytes::<8>())));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn sealed() -> (SecretKey, String) {
        let key = SecretKey::new([7; KEY_BYTES]);
        let sealed = key.seal(&tenant("customer-en"), &SecretString::from(SECRET));
        (key, sealed)
    }

    #[test]
    fn what_was_sealed_opens_again_for_its_tenant_alone() {
        let (key, sealed) = sealed();
        let opened = key.open(&tenant("customer-en"), &sealed).expect("opens");
        assert_eq!(opened.expose_secret(), SECRET);
        let moved = key.open(&tenant("customer-de"), &sealed);
        assert_eq!(moved.err(), Some(OpenError::Damaged));
    }

    #[test]
    fn a_nonce_is_used_once() {
        let (key, first) = sealed();
        assert_ne!(
            first,
            key.seal(&tenant("customer-en"), &SecretString::from(SECRET))
        );
    }

    #[test]
    fn every_changed_digit_is_noticed() {
        let (key, sealed) = sealed();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("text");
            assert!(key.open(&tenant("customer-en"), &changed).is_err(), "digit {at}");
        }
        for cut in [
            "",
            "v1",
            "v1.aa.bb",
            &sealed[..sealed.len() - 2],
            &format!("{sealed}.00"),
        ] {
            assert!(key.open(&tenant("customer-en"), cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn another_key_is_named_as_such() {
        let (_, sealed) = sealed();
        let other = SecretKey::new([8; KEY_BYTES]);
        let error = other.open(&tenant("customer-en"), &sealed).err();
        assert_eq!(error, Some(OpenError::OtherKey));
    }

    #[test]
    fn nothing_prints_a_secret() {
        let (key, sealed) = sealed();
        let printed = format!("{key:?} {:?} {sealed}", SecretString::from(SECRET));
        assert!(!printed.contains(SECRET));
        assert!(!printed.contains(&to_hex(&[7; KEY_BYTES])));
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_alone() {
        let folder = folder();
        let path = folder.join("deep").join("secret.key");
        let first = SecretKey::load_or_create(&path).expect("made");
        let again = SecretKey::load_or_create(&path).expect("read");
        assert_eq!(first.key.expose_secret(), again.key.expose_secret());
        let mode = fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.join("deep")).expect("the folder").count(), 1);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.join("secret.key");
        SecretKey::load_or_create(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        let error = SecretKey::load_or_create(&path).expect_err("refused");
        assert!(error.to_string().contains("0640"), "{error}");
        assert!(error.next_action().starts_with("Run: chmod 600 "));
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_kept() {
        let folder = folder();
        let path = folder.join("secret.key");
        fs::write(&path, "not a key").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
        assert!(matches!(
            SecretKey::load_or_create(&path),
            Err(KeyError::Unreadable(_))
        ));
        assert_eq!(fs::read_to_string(&path).expect("kept"), "not a key");
        fs::remove_dir_all(folder).expect("removed");
    }
}
