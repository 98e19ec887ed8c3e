// SPDX-License-Identifier: MIT
//! Guard modules that lie ready for servers: `<directory>/<server>/*.wasm`, the first by name.

use std::fs;
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

    /// The module for `server`; one that cannot be looked for is none.
    #[must_use]
    pub fn find(&self, server: &str) -> Option<PathBuf> {
        let bundled = self.bundled.as_ref().filter(|path| server == "github" && path.is_file());
        bundled.cloned().or_else(|| first_in(&self.directory.as_ref()?.join(server)))
    }
}

fn first_in(directory: &Path) -> Option<PathBuf> {
    let is_module = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case("wasm") && !path.is_dir()
    };
    let entries = fs::read_dir(directory).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_module).min()
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
        for name in ["b.WASM", "c.wasm", "a.txt"] {
            fs::write(server.join(name), b"").unwrap();
        }
        let modules = of(directory.to_str());
        assert_eq!(modules.find("s"), Some(server.join("b.WASM")));
        assert_eq!(modules.find("other"), None);
        fs::remove_dir_all(directory).unwrap();
    }
}
