//! The key file: one key a line, of 64 hexadecimal digits. The first seals; the others only open, until a change of keys
//! that is under way has sealed everything anew.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;

use super::{
    KeyRing,
    key::{KEY_ID_BYTES, SecretKey},
    to_hex,
};
use crate::system::random_bytes;

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

    fn file(path: &Path, verb: &'static str) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path: path.clone(),
            verb,
            source,
        }
    }
}

/// Whether the keys may change while this is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Many may seal at a time ...
    Seal,
    /// ... and nobody does while the keys change.
    Change,
}

impl KeyRing {
    /// Reads the key file, and makes it first if there is none.
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::create(path) {
            Ok(keys) => Ok(keys),
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                Self::load(path)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = KeyError::file(path, "read");
        let mode = fs::metadata(path).map_err(&failed)?.permissions().mode();
        if mode & FOREIGN_BITS != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode: mode & 0o7777,
            });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(&failed)?);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Option<Vec<_>> = lines.map(SecretKey::of_hex).collect();
        keys.filter(|keys| !keys.is_empty())
            .map(|keys| Self { keys })
            .ok_or_else(|| KeyError::Unreadable(path.to_owned()))
    }

    fn create(path: &Path) -> Result<Self, KeyError> {
        let failed = KeyError::file(path, "made");
        if fs::exists(path).map_err(&failed)? {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(&failed)?;
        }
        let keys = Self {
            keys: vec![SecretKey::random()],
        };
        let draft = keys.write_draft(path).map_err(&failed)?;
        // Linked, not renamed: no other process ever reads half a key, and of two that make one the first wins.
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft).map_err(&failed)?;
        linked.and_then(|()| sync_folder(path)).map_err(&failed)?;
        Ok(keys)
    }

    /// Puts these keys in the place of the file's, whole or not at all.
    pub(crate) fn replace(&self, path: &Path) -> Result<(), KeyError> {
        let failed = KeyError::file(path, "replaced");
        let draft = self.write_draft(path).map_err(&failed)?;
        let replaced = fs::rename(&draft, path);
        if replaced.is_err() {
            // What matters is why it could not be put in place.
            let _ = fs::remove_file(&draft);
        }
        replaced.and_then(|()| sync_folder(path)).map_err(&failed)
    }

    fn write_draft(&self, path: &Path) -> io::Result<PathBuf> {
        let draft = path.with_extension(format!("{}.draft", to_hex(&random_bytes::<KEY_ID_BYTES>())));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        let written = self
            .keys
            .iter()
            .try_for_each(|key| writeln!(file, "{}", key.hex().as_str()))
            .and_then(|()| file.sync_all());
        if written.is_err() {
            // Half a key is of no use.
            let _ = fs::remove_file(&draft);
        }
        written.map(|()| draft)
    }
}

/// Waits until nobody seals, or nobody changes the keys, and keeps it so until the file is dropped. What is locked is the
/// folder: the key file itself is replaced.
pub(crate) fn hold(path: &Path, hold: Hold) -> Result<File, KeyError> {
    let failed = KeyError::file(path, "held");
    let folder = folder_of(path).map_err(&failed)?;
    let locked = match hold {
        Hold::Seal => folder.lock_shared(),
        Hold::Change => folder.lock(),
    };
    match locked {
        // A file system without locks: then the operator sees to it that keys change while nobody adds a connection.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(folder),
        locked => locked.map(|()| folder).map_err(&failed),
    }
}

/// A file that was put in place is there after a power cut, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    folder_of(path)?.sync_all()
}

fn folder_of(path: &Path) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
}
