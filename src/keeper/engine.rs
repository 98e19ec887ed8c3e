// SPDX-License-Identifier: MIT
//! The engine, asked by somebody who has nothing else to do: one request, one answer.

use std::io::{self, Error, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::docker::answer::Answer;
use crate::docker::body;
use crate::docker::request::Dialect;
use crate::docker::{INSTANCE_LABEL, request};

/// How long the engine may be silent.
const ANSWER_AFTER_MAX: Duration = Duration::from_secs(5);

/// How long a container may appear that was being created when the gateway ended.
const BIRTH_AFTER_MAX: Duration = Duration::from_secs(3);

/// How long the containers may take to be gone.
const REMOVAL_MAX: Duration = Duration::from_secs(10);

/// How often we look.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The list of all our containers is the longest answer.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// No gateway has more containers.
const CONTAINERS_MAX: usize = 10_000;

/// Asks the engine behind `socket`, and waits for the answer.
///
/// Errors: nobody answers, or not in HTTP.
pub fn ask(socket: &Path, request: &[u8]) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_AFTER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_AFTER_MAX))?;
    stream.write_all(request)?;
    let (mut answer, mut piece) = (Answer::new(BODY_BYTES_MAX), [0; 4096]);
    while !answer.is_done() {
        match stream.read(&mut piece)? {
            0 => answer.finish().map_err(Error::other)?,
            n => drop(answer.feed(&piece[..n]).map_err(Error::other)?),
        }
    }
    Ok(answer)
}

/// Whether an engine answers behind `socket`.
#[must_use]
pub fn answers(socket: &Path) -> bool {
    ask(socket, &request::ping()).is_ok_and(|answer| answer.version().is_some())
}

/// Removes all containers of the gateway that calls itself `instance`, until none is there and none
/// can appear any more.
pub fn remove_all(socket: &Path, instance: &str) {
    let dialect = Dialect(None);
    let list = dialect.list_labelled(&format!("{INSTANCE_LABEL}={instance}"));
    let start = Instant::now();
    while start.elapsed() < REMOVAL_MAX {
        let answer = ask(socket, &list);
        let listed = answer.ok().and_then(|answer| body::listed(answer.body(), CONTAINERS_MAX));
        match listed {
            Some(none) if none.is_empty() && start.elapsed() >= BIRTH_AFTER_MAX => return,
            Some(listed) => listed.iter().for_each(|one| {
                // There is nobody left whom a failure could be told; the next look will show it.
                let _ = ask(socket, &dialect.remove(&one.id));
            }),
            None => {}
        }
        sleep(LOOK_EVERY);
    }
}
