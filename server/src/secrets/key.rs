use std::fmt;

use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use secrecy::{
    ExposeSecret, SecretBox,
    zeroize::{Zeroize, Zeroizing},
};

use super::{OpenError, from_hex, to_hex};
use crate::system::random_bytes;

pub(super) const KEY_BYTES: usize = 32;
/// Long enough that a random nonce never repeats under one key.
const NONCE_BYTES: usize = 24;
/// Of the sealed constant that names a key.
pub(super) const KEY_ID_BYTES: usize = 4;

/// A key, and the name by which sealed texts know it.
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
    pub(super) fn random() -> Self {
        let mut bytes = random_bytes();
        let key = Self::new(&bytes);
        bytes.zeroize();
        key
    }

    pub(super) fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut new = Self {
            key: SecretBox::init_with_mut(|key: &mut [u8; KEY_BYTES]| key.copy_from_slice(bytes)),
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

    /// Of 64 hexadecimal digits.
    pub(super) fn of_hex(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(from_hex(text)?);
        let bytes: &[u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
        Some(Self::new(bytes))
    }

    /// As the key file and an envelope hold it.
    pub(super) fn hex(&self) -> Zeroizing<String> {
        Zeroizing::new(to_hex(self.key.expose_secret()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.key.expose_secret()
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key.expose_secret()))
    }

    /// `<nonce>.<ciphertext>`, hexadecimal. It opens only with the same purpose.
    pub(super) fn seal(&self, purpose: &str, text: &[u8]) -> String {
        let nonce = random_bytes::<NONCE_BYTES>();
        let payload = Payload {
            msg: text,
            aad: purpose.as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far shorter than what the cipher takes (256 GiB)");
        format!("{}.{}", to_hex(&nonce), to_hex(&sealed))
    }

    pub(super) fn open(
        &self,
        purpose: &str,
        nonce: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let nonce = from_hex(nonce)
            .and_then(|bytes| <[u8; NONCE_BYTES]>::try_from(bytes).ok())
            .ok_or(OpenError::Damaged)?;
        let sealed = from_hex(sealed).ok_or(OpenError::Damaged)?;
        let payload = Payload {
            msg: &sealed,
            aad: purpose.as_bytes(),
        };
        self.cipher()
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Damaged)
    }
}
