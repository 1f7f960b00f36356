//! Where an export goes: stdout, or a file that is there whole or not at all.

use std::{
    io,
    path::{Path, PathBuf},
};

use tempfile::TempPath;
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, Stdout},
};

pub(crate) enum Target {
    Stdout(Stdout),
    /// A pipe or a device: it is written to as it stands.
    Stream(File),
    /// Written beside the file that it becomes; it goes away if it is dropped before.
    File {
        file: File,
        beside: TempPath,
        path: PathBuf,
    },
}

impl Target {
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Stdout(tokio::io::stdout()));
        };
        // A link is followed, so that what it names is replaced and not the link.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match std::fs::metadata(&path) {
            Ok(existing) if existing.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(existing) if !existing.is_file() => {
                let stream = std::fs::OpenOptions::new().write(true).open(&path)?;
                Ok(Self::Stream(File::from_std(stream)))
            }
            _ => Self::beside(path),
        }
    }

    /// Only its owner can read it: an export holds members' addresses.
    fn beside(path: PathBuf) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let (file, beside) = tempfile::Builder::new()
            .prefix(".tributary-export-")
            .tempfile_in(folder.unwrap_or(Path::new(".")))?
            .into_parts();
        Ok(Self::File {
            file: File::from_std(file),
            beside,
            path,
        })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes).await,
            Self::Stream(file) | Self::File { file, .. } => file.write_all(bytes).await,
        }
    }

    /// Hands everything over; the file is in its place only now.
    pub(crate) async fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush().await,
            Self::Stream(mut file) => file.flush().await,
            Self::File {
                mut file,
                beside,
                path,
            } => {
                file.flush().await?;
                file.sync_all().await?;
                beside.persist(path).map_err(|error| error.error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder");
        let name = |entry: io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect()
    }

    #[tokio::test]
    async fn an_export_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users.csv");
        std::fs::write(&path, "of yesterday").expect("written");
        let mut target = Target::open(Some(&path)).expect("a target");
        target.write(b"half").await.expect("written");
        assert_eq!(names(folder.path()).len(), 2, "beside it");
        drop(target);
        assert_eq!(names(folder.path()), ["users.csv"]);
        assert_eq!(std::fs::read(&path).expect("the file"), b"of yesterday");

        let mut target = Target::open(Some(&path)).expect("a target");
        target.write(b"whole").await.expect("written");
        target.finish().await.expect("in its place");
        assert_eq!(names(folder.path()), ["users.csv"]);
        assert_eq!(std::fs::read(&path).expect("the file"), b"whole");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_device_is_written_to_and_a_link_followed() {
        let device = Target::open(Some(Path::new("/dev/null"))).expect("a target");
        assert!(matches!(device, Target::Stream(_)));

        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("users.csv"), folder.path().join("link"));
        std::fs::write(&path, "of yesterday").expect("written");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let mut target = Target::open(Some(&link)).expect("a target");
        target.write(b"whole").await.expect("written");
        target.finish().await.expect("in its place");
        assert!(std::fs::symlink_metadata(&link).expect("the link").is_symlink());
        assert_eq!(std::fs::read(&path).expect("the file"), b"whole");
    }
}
