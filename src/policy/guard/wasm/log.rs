// SPDX-License-Identifier: MIT
//! What a guard logs: lines, bounded in length and number.

use crate::base::GuardLimits;

/// The level of what a guard says by [`Lines::say`] without saying which.
const INFO: u32 = 1;
/// The level of its stderr, where languages write why they panic.
const WARN: u32 = 2;
/// The highest level that there is.
const ERROR: u32 = 3;

/// Lines that nobody has fetched yet.
pub(super) struct Lines {
    kept: Vec<(u32, String)>,
    n_dropped: u64,
    /// What has been written to stdout and stderr and is no line yet.
    pending: [Vec<u8>; 2],
    lines_max: usize,
    line_bytes_max: usize,
}

impl Lines {
    pub fn new(limits: &GuardLimits) -> Self {
        Self {
            kept: Vec::new(),
            n_dropped: 0,
            pending: [Vec::new(), Vec::new()],
            lines_max: limits.log_lines_max,
            line_bytes_max: limits.log_line_bytes_max,
        }
    }

    /// One line at `level`: 0 debug, 1 info, 2 warning, 3 error; any other is told as information.
    pub fn say(&mut self, level: u32, text: &[u8]) {
        if self.kept.len() >= self.lines_max {
            self.n_dropped += 1;
            return;
        }
        let text = &text[..text.len().min(self.line_bytes_max)];
        let text = String::from_utf8_lossy(text);
        let text = text.trim_end().replace(char::is_control, " ");
        self.kept.push((if level <= ERROR { level } else { INFO }, text));
    }

    /// Bytes for stdout (1) or stderr (2).
    pub fn write(&mut self, fd: u32, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.append(fd, &bytes[..end]);
            self.flush(fd);
            bytes = &bytes[end + 1..];
        }
        self.append(fd, bytes);
    }

    fn append(&mut self, fd: u32, bytes: &[u8]) {
        let line_bytes_max = self.line_bytes_max;
        let line = self.pending_of(fd);
        let room = line_bytes_max.saturating_sub(line.len());
        line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn flush(&mut self, fd: u32) {
        let line = std::mem::take(self.pending_of(fd));
        if !line.is_empty() {
            self.say(if fd == 2 { WARN } else { INFO }, &line);
        }
    }

    fn pending_of(&mut self, fd: u32) -> &mut Vec<u8> {
        &mut self.pending[usize::from(fd == 2)]
    }

    /// All lines, also unfinished ones, and how many there was no room for.
    pub fn take(&mut self) -> Vec<(u32, String)> {
        self.flush(1);
        self.flush(2);
        let mut lines = std::mem::take(&mut self.kept);
        let n_dropped = std::mem::take(&mut self.n_dropped);
        if n_dropped > 0 {
            lines.push((WARN, format!("{n_dropped} more lines were dropped")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_in_length_and_number_and_cannot_forge_others() {
        let mut lines = Lines::new(&GuardLimits::TEST_MIN);
        lines.say(9, b"a\nb\x1b[0m");
        lines.say(3, "é".repeat(100).as_bytes());
        lines.write(2, b"panic at");
        lines.write(2, b" once\n\nmore");
        assert_eq!(lines.take()[2], (WARN, "panic at once".to_owned()));
        lines.say(0, b"1");
        for _ in 0..4 {
            lines.write(1, b"x\n");
        }
        let taken = lines.take();
        assert_eq!(taken.len(), 4);
        assert_eq!(taken[3], (WARN, "2 more lines were dropped".to_owned()));
        assert!(lines.take().is_empty());
    }
}
