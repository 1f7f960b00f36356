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
