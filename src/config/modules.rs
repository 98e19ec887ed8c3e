// SPDX-License-Identifier: MIT
//! Guard modules that lie ready for servers: `<directory>/<server>/*.wasm`, the first by name.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::env::Environment;

/// The module that the image brings along for GitHub's server.
const BUNDLED: &str = "/guards/github/00-github-guard.wasm";

/// Where modules lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    bundled: Option<PathBuf>,
    directory: Option<PathBuf>,
}

impl Modules {
    /// As the environment says. A directory that is set and empty turns the bundled module off.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let said = environment.get("MCP_GATEWAY_WASM_GUARDS_DIR");
        let is_off = said.is_some_and(|directory| directory.is_empty());
        let directory = said.map(|directory| directory.trim()).filter(|said| !said.is_empty());
        Self {
            bundled: (!is_off).then(|| PathBuf::from(BUNDLED)),
            directory: directory.map(PathBuf::from),
        }
    }

    /// The module for `server`; a directory that is not there has none.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn find(&self, server: &str) -> Result<Option<PathBuf>, String> {
        let bundled = self.bundled.as_ref().filter(|path| server == "github" && path.is_file());
        match (bundled, &self.directory) {
            (Some(path), _) => Ok(Some(path.clone())),
            (None, Some(directory)) => first_in(&directory.join(server)),
            (None, None) => Ok(None),
        }
    }
}

fn first_in(directory: &Path) -> Result<Option<PathBuf>, String> {
    let is_module = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case("wasm") && !path.is_dir()
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries.and_then(|entries| entries.collect::<Result<Vec<_>, _>>()),
    };
    let entries = entries.map_err(|error| {
        format!("failed to read server guard directory \"{}\": {error}", directory.display())
    })?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(is_module).min())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: Option<&str>) -> Modules {
        let name = "MCP_GATEWAY_WASM_GUARDS_DIR".to_owned();
        Modules::of(&said.map(|said| (name, said.to_owned())).into_iter().collect())
    }

    #[test]
    fn an_empty_variable_turns_the_bundled_module_off_and_a_blank_one_does_not() {
        assert!(of(None).bundled.is_some() && of(None).directory.is_none());
        assert_eq!(of(Some("")), Modules { bundled: None, directory: None });
        assert!(of(Some(" ")).bundled.is_some() && of(Some(" ")).directory.is_none());
        assert_eq!(of(Some(" /g ")).directory, Some(PathBuf::from("/g")));
    }

    #[test]
    fn the_first_module_by_name_is_taken() {
        let directory =
            std::env::temp_dir().join(format!("penstock-modules-{}", std::process::id()));
        let server = directory.join("s");
        fs::create_dir_all(server.join("0.wasm")).unwrap();
        for name in ["b.WASM", "c.wasm", "a.txt", "../file"] {
            fs::write(server.join(name), b"").unwrap();
        }
        let modules = of(directory.to_str());
        assert_eq!(modules.find("s"), Ok(Some(server.join("b.WASM"))));
        assert_eq!(modules.find("other"), Ok(None));
        let why = modules.find("file").unwrap_err();
        assert!(why.starts_with("failed to read server guard directory \""), "{why}");
        fs::remove_dir_all(directory).unwrap();
    }
}
