// SPDX-License-Identifier: MIT
//! The log directory: files that grow, and one that is replaced.
//!
//! Does not know what is written. Every file is readable by its owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Logs tell who asked what of whom, even without secrets.
const FILE_MODE: u32 = 0o600;

/// Others may see that there are logs.
const DIR_MODE: u32 = 0o755;

/// How often a file that grows is reported.
const GROWN_BYTES: usize = 1024 * 1024;

/// A file that grows at its end; created when the first byte is written.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: Option<File>,
    /// Whether the last write failed: the same error is not reported twice.
    failing: bool,
    /// What was appended since `on_grown` was called.
    grown: usize,
    on_grown: fn(&File),
}

impl LogFile {
    /// Nothing is opened yet. `on_grown` is called whenever another megabyte has been appended.
    #[must_use]
    pub const fn new(path: PathBuf, on_grown: fn(&File)) -> Self {
        Self { path, file: None, failing: false, grown: 0, on_grown }
    }

    /// Opens the file for appending, and creates it if it is not there.
    ///
    /// Errors: the system's, with the path; trying again can help.
    pub fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let options = OpenOptions::new().append(true).create(true).mode(FILE_MODE).to_owned();
            self.file = Some(open_private(&self.path, &options)?);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("not open"))
    }

    /// Appends `bytes` in one write, if there are any.
    ///
    /// Errors: the system's, for the first of several failures in a row.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.open().and_then(|file| file.write_all(bytes));
        self.grown += bytes.len();
        if self.grown >= GROWN_BYTES {
            self.grown = 0;
            self.file.as_ref().map(self.on_grown);
        }
        let was_failing = std::mem::replace(&mut self.failing, written.is_err());
        if was_failing { Ok(()) } else { written.map_err(|error| with_path(&self.path, &error)) }
    }

    /// Waits until what was written is on the disk. A file without one is no failure.
    pub fn sync(&self) {
        if let Some(file) = &self.file {
            let _ = file.sync_data();
        }
    }
}

/// Creates the directory `dir` and those above it.
///
/// Errors: the system's, with the path.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    let created = DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir);
    created.map_err(|error| with_path(dir, &error))
}

/// Makes the file at `path` empty.
///
/// Errors: the system's, with the path.
pub fn truncate(path: &Path) -> io::Result<()> {
    let options =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).to_owned();
    open_private(path, &options).map(drop).map_err(|error| with_path(path, &error))
}

/// Puts a file with `bytes` in the place of the one at `path`: readers see the old or the new one.
///
/// Errors: the system's, with the path; the old file is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let options =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).to_owned();
    open_private(&temporary, &options)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| with_path(path, &error))
}

/// A file that was there before may have been readable for others.
fn open_private(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & 0o777 != FILE_MODE {
        // A file of somebody else, that we may write to, stays as it is.
        let _ = file.set_permissions(Permissions::from_mode(FILE_MODE));
    }
    Ok(file)
}

fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
