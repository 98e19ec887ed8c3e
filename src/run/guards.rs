// SPDX-License-Identifier: MIT
//! Where the guard of a server lies, if nobody has said so: files found by convention.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The guard that images bring along, and the server that it is for.
const BUNDLED: (&str, &str) = ("github", "/guards/github/00-github-guard.wasm");

/// The file with the guard of `server`, if there is one.
///
/// `dir` is what `MCP_GATEWAY_WASM_GUARDS_DIR` says: guards lie in folders that are called like
/// their servers. Set and empty, it also switches off the guard that images bring along.
///
/// # Errors
///
/// The folder is there and cannot be read.
pub fn discover(server: &str, dir: Option<&str>) -> Result<Option<PathBuf>, String> {
    find(server, dir, Path::new(BUNDLED.1))
}

fn find(server: &str, dir: Option<&str>, bundled: &Path) -> Result<Option<PathBuf>, String> {
    if server == BUNDLED.0 && dir != Some("") && bundled.exists() {
        return Ok(Some(bundled.to_owned()));
    }
    let dir = dir.unwrap_or_default().trim();
    // A name that is more than the name of a folder would lead out of the folder.
    let mut parts = Path::new(server).components();
    let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    if dir.is_empty() || !is_name {
        return Ok(None);
    }
    let folder = Path::new(dir).join(server);
    first_in(&folder)
        .map_err(|error| format!("failed to read server guard directory {folder:?}: {error}"))
}

/// The first file in the order of names that ends in `.wasm`, in any case.
fn first_in(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut first: Option<PathBuf> = None;
    for entry in entries {
        let path = entry?.path();
        let is_wasm = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("wasm"));
        let is_first = first.as_ref().is_none_or(|first| path.file_name() < first.file_name());
        if is_wasm && is_first && !path.is_dir() {
            first = Some(path);
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("penstock-guards-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn put(&self, file: &str) -> PathBuf {
            let path = self.0.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"").unwrap();
            path
        }

        fn text(&self) -> &str {
            self.0.to_str().unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_first_wasm_file_by_name_is_the_guard() {
        let folder = Folder::new("first");
        folder.put("notes/README.md");
        folder.put("notes/00.wasm/x");
        let second = folder.put("notes/02.wasm");
        assert_eq!(discover("notes", Some(folder.text())), Ok(Some(second)));
        let first = folder.put("notes/01.WASM");
        assert_eq!(discover("notes", Some(&format!(" {} ", folder.text()))), Ok(Some(first)));
        assert_eq!(discover("other", Some(folder.text())), Ok(None));
        for none in [None, Some(""), Some("  ")] {
            assert_eq!(discover("notes", none), Ok(None));
        }
    }

    #[test]
    fn a_name_does_not_lead_out_of_the_folder() {
        let folder = Folder::new("out");
        folder.put("x.wasm");
        folder.put("a/b/x.wasm");
        let inner = folder.0.join("a");
        for server in ["..", ".", "", "../a", "b/../..", "/", folder.text()] {
            assert_eq!(discover(server, inner.to_str()), Ok(None), "{server}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_an_error() {
        let folder = Folder::new("file");
        folder.put("notes");
        let error = discover("notes", Some(folder.text())).unwrap_err();
        assert!(error.starts_with("failed to read server guard directory \""), "{error}");
    }

    #[test]
    fn images_bring_a_guard_for_one_server_unless_it_is_switched_off() {
        let folder = Folder::new("bundled");
        let (own, bundled) = (folder.put("github/own.wasm"), folder.put("bundled.wasm"));
        let dir = folder.text();
        assert_eq!(find("github", Some(dir), &bundled), Ok(Some(bundled.clone())));
        assert_eq!(find("github", None, &bundled), Ok(Some(bundled.clone())));
        assert_eq!(find("github", Some(" "), &bundled), Ok(Some(bundled.clone())));
        assert_eq!(find("github", Some(""), &bundled), Ok(None));
        assert_eq!(find("notes", None, &bundled), Ok(None));
        let missing = folder.0.join("missing.wasm");
        assert_eq!(find("github", Some(dir), &missing), Ok(Some(own)));
    }
}
