// SPDX-License-Identifier: MIT
//! The Docker Engine's API as grammar: what `docker run` would ask the engine for, as requests, and
//! what the engine answers, as values.
//!
//! ```text
//!  words of `docker run` ──> run_args ──> Run ──> request ══> engine
//!                          frames, pull, body <── answer <══
//! ```
//!
//! Nothing here knows sockets, time, or what the container is for. The names of members, flags and
//! paths are those of the engine.
//!
//! Spec: Docker Engine API 1.41 to 1.47; the reference of `docker run`.

pub mod answer;
pub mod body;
pub mod create;
pub mod credentials;
pub mod frames;
pub mod owner;
pub mod pull;
pub mod request;
pub mod run_args;
pub mod version;

use std::time::Duration;

pub use run_args::{Inexpressible, Run};

/// The label with the random word of the gateway that started a container.
pub const INSTANCE_LABEL: &str = "penstock.instance";

/// The label with the [`owner::Owner`] of a container.
pub const OWNER_LABEL: &str = "penstock.owner";

/// How the engine itself can run a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What to run.
    pub run: Run,
    /// Whether the runtime's command line must not stand in when the engine cannot be asked.
    pub is_required: bool,
    /// From the wish to the start, an image that has to be fetched included.
    pub start_after_max: Duration,
}

#[cfg(test)]
mod tests {
    /// Every sample in a folder, read as its fuzz target reads it.
    #[track_caller]
    fn check(folder: &str, fuzz: fn(&[u8])) {
        let path = format!("{}/tests/data/{folder}", env!("CARGO_MANIFEST_DIR"));
        let samples = std::fs::read_dir(path).expect("samples");
        for sample in samples {
            fuzz(&std::fs::read(sample.expect("a sample").path()).expect("it can be read"));
        }
    }

    #[test]
    fn the_samples_hold() {
        check("docker_answer", super::answer::fuzz);
        check("docker_credentials", super::credentials::fuzz);
        check("docker_frames", super::frames::fuzz);
        check("docker_owner", super::owner::fuzz);
        check("docker_pull", super::pull::fuzz);
    }
}
