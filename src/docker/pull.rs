// SPDX-License-Identifier: MIT
//! What the engine tells while it fetches an image: a line of JSON for each step.
//!
//! Progress of single layers comes many times a second; what is worth a line of a log is when a
//! step begins or ends. An error comes as a line, too, long after the status said that all is well.
//!
//! Spec: Docker Engine API, ImageCreate.

use super::body::one_line;
use crate::wire::json::tree;
use crate::wire::ndjson::{Line, Lines};

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something for the log.
    Told(String),
    /// The image cannot be had.
    Failed(String),
}

/// A line of the engine is far shorter.
const LINE_BYTES_MAX: usize = 1024;

/// Steps of one image that are told; images have a few dozen layers.
const STEPS_MAX: usize = 500;

/// Reads the lines, in pieces of any size.
pub struct Progress {
    lines: Lines,
    left: usize,
}

impl Default for Progress {
    fn default() -> Self {
        Self { lines: Lines::new(LINE_BYTES_MAX, 0), left: STEPS_MAX }
    }
}

impl Progress {
    /// Takes the next bytes and returns the steps they tell of.
    pub fn feed(&mut self, input: &[u8]) -> Vec<Step> {
        let (mut steps, left) = (Vec::new(), &mut self.left);
        self.lines.feed(input, &mut |line| steps.extend(step(&line, left)));
        steps
    }

    /// The answer has ended: a last line without its end is a line.
    pub fn finish(&mut self) -> Vec<Step> {
        let (mut steps, left) = (Vec::new(), &mut self.left);
        self.lines.finish(&mut |line| steps.extend(step(&line, left)));
        steps
    }
}

fn step(line: &Line, left: &mut usize) -> Option<Step> {
    let Line::Whole(line) = line else { return None };
    let line = tree::parse(line, 8).ok()?;
    if let Some(error) = line.get("error").and_then(|error| error.as_str()) {
        return Some(Step::Failed(one_line(error)));
    }
    let status = line.get("status")?.as_str()?;
    let is_moving = line
        .get("progressDetail")
        .and_then(|detail| detail.as_object())
        .is_some_and(|detail| !detail.is_empty());
    *left = left.checked_sub(usize::from(!is_moving))?;
    let told = match line.get("id").and_then(|id| id.as_str()) {
        Some(id) => format!("{id}: {status}"),
        None => status.to_owned(),
    };
    (!is_moving).then(|| Step::Told(one_line(&told)))
}

/// Any bytes, cut anywhere, give the same steps, and not too many of them.
pub fn fuzz(input: &[u8]) {
    let read = |size: usize| {
        let (mut progress, mut steps) = (Progress::default(), Vec::new());
        input.chunks(size).for_each(|piece| steps.extend(progress.feed(piece)));
        steps.extend(progress.finish());
        steps
    };
    let whole = read(input.len().max(1));
    let told = whole.iter().filter(|step| matches!(step, Step::Told(_)));
    assert!(told.count() <= STEPS_MAX);
    assert_eq!(read(input.first().map_or(1, |&byte| usize::from(byte % 13) + 1)), whole);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_and_progress_is_not() {
        let input = "{\"status\":\"Pulling from a/b\",\"id\":\"latest\"}\r\n\
            {\"status\":\"Downloading\",\"progressDetail\":{\"current\":1},\"id\":\"c0\"}\r\n\
            {\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"c0\"}\r\nnoise\r\n\
            {\"status\":\"Status: Downloaded\"}";
        let mut progress = Progress::default();
        let mut steps = progress.feed(input.as_bytes());
        steps.extend(progress.finish());
        let told = ["latest: Pulling from a/b", "c0: Pull complete", "Status: Downloaded"]
            .map(|text| Step::Told(text.to_owned()));
        assert_eq!(steps, told);
        fuzz(input.as_bytes());
    }

    #[test]
    fn an_error_may_come_late() {
        let line = "{\"errorDetail\":{\"message\":\"no\"},\"error\":\"manifest\\nunknown\"}\n";
        let steps = Progress::default().feed(line.as_bytes());
        assert_eq!(steps, [Step::Failed("manifest unknown".to_owned())]);
    }

    #[test]
    fn an_engine_that_tells_too_much_is_no_longer_heard() {
        let mut progress = Progress::default();
        let lines = "{\"status\":\"x\"}\n".repeat(STEPS_MAX + 9);
        assert_eq!(progress.feed(lines.as_bytes()).len(), STEPS_MAX);
        assert_eq!(progress.feed(b"{\"error\":\"y\"}\n").len(), 1);
    }
}
