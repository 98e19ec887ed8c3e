// SPDX-License-Identifier: MIT
//! `--validate-env`: whether the container runtime answers and the variables are there.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::config::{ContainerRuntime, RunOptions};
use crate::keeper::engine;

/// How long the container runtime may take to say that it is there.
const RUNTIME_AFTER_MAX: Duration = Duration::from_secs(10);

/// From one question to the next: a socket may appear a moment late.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How often we look whether the answer has come.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Checks what containers need.
///
/// Errors: everything that is missing, a line each.
pub fn validate(run: &RunOptions) -> Result<(), String> {
    let mut problems = Vec::new();
    // An engine that answers over its socket needs no command line.
    let has_engine = run.engine.as_ref().is_some_and(|found| engine::answers(&found.socket));
    if !has_engine && !answers(&run.runtime, Instant::now() + RUNTIME_AFTER_MAX) {
        problems.push(match run.runtime.program.as_str() {
            "docker" => "Docker daemon is not accessible. Ensure the Docker socket is mounted or \
                         Docker is running."
                .to_owned(),
            other => format!(
                "Container runtime \"{other}\" is not accessible. Ensure it is installed, \
                 running, and usable."
            ),
        });
    }
    if !run.missing_variables.is_empty() {
        let missing = run.missing_variables.join(", ");
        problems.push(format!("Required environment variables not set: {missing}"));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!(
        "environment validation failed: Environment validation failed:\n  - {}",
        problems.join("\n  - ")
    ))
}

/// Whether the runtime answers before `deadline`. One that is not installed never will.
fn answers(runtime: &ContainerRuntime, deadline: Instant) -> bool {
    loop {
        match ask(runtime, deadline) {
            Some(answer) if answer || Instant::now() + ASK_EVERY > deadline => return answer,
            Some(_) => sleep(ASK_EVERY),
            None => return false,
        }
    }
}

/// Whether the runtime answers now; `None` if it cannot be asked.
fn ask(runtime: &ContainerRuntime, deadline: Instant) -> Option<bool> {
    let mut info = Command::new(&runtime.program);
    info.args(&runtime.args).arg("info");
    info.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(host) = &runtime.docker_host {
        // It may come from the .env file, which our own environment knows nothing of.
        info.env("DOCKER_HOST", host);
    }
    let mut info = info.spawn().ok()?;
    loop {
        match info.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < deadline => sleep(LOOK_EVERY),
            // A daemon that accepts and says nothing lets its command line wait for ever.
            _ => {
                let _ = info.kill();
                let _ = info.wait();
                return Some(false);
            }
        }
    }
}
