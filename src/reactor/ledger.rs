// SPDX-License-Identifier: MIT
//! What must not outlive the gateway, as lines from the reactor to the keeper.
//!
//! ```text
//! +pg 4711                           a process group began
//! -pg 4711                           it is gone
//! +cid docker\t--debug\t/tmp/x.cid   a container may begin: runtime, its arguments, the id's file
//! -cid /tmp/x.cid                    it is gone
//! +api 3f2a\t/run/docker.sock       an engine may have containers with this word of ours
//! -api /run/docker.sock              it has none
//! ```
//!
//! Both ends keep the same ledger. Knows no processes and no files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The groups and containers that are there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    groups: BTreeSet<u32>,
    /// By the file of the id: the runtime and its arguments.
    containers: BTreeMap<String, Vec<String>>,
    /// By the socket of an engine: the word that marks our containers.
    engines: BTreeMap<String, String>,
    /// The beginning of a line that has not ended yet.
    line: Vec<u8>,
}

/// A line of ours is far shorter; this only keeps a stranger's from growing.
const LINE_BYTES_MAX: usize = 64 * 1024;

impl Ledger {
    /// The process groups, by number.
    pub fn groups(&self) -> impl Iterator<Item = u32> {
        self.groups.iter().copied()
    }

    /// The containers: the file of the id, and the runtime with its arguments.
    pub fn containers(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.containers.iter().map(|(file, runtime)| (file.as_str(), runtime.as_slice()))
    }

    /// The engines: the socket, and the word that marks our containers.
    pub fn engines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.engines.iter().map(|(socket, instance)| (socket.as_str(), instance.as_str()))
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.containers.is_empty() && self.engines.is_empty()
    }

    /// Adds a group and appends the line that says so.
    pub fn add_group(&mut self, group: u32, out: &mut String) {
        self.groups.insert(group);
        push_group(group, out);
    }

    /// Removes a group and appends the line that says so.
    pub fn remove_group(&mut self, group: u32, out: &mut String) {
        if self.groups.remove(&group) {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "-pg {group}");
        }
    }

    /// Adds a container and appends the line that says so. Texts that a line cannot carry, with a
    /// tab or a line break, are not recorded: such a container is only removed by the reactor.
    pub fn add_container(&mut self, file: &str, runtime: Vec<String>, out: &mut String) {
        let fits = |text: &str| !text.contains(['\t', '\n', '\r']);
        if fits(file) && runtime.iter().all(|text| fits(text)) {
            push_container(file, &runtime, out);
            self.containers.insert(file.to_owned(), runtime);
        }
    }

    /// Removes a container and appends the line that says so.
    pub fn remove_container(&mut self, file: &str, out: &mut String) {
        if self.containers.remove(file).is_some() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "-cid {file}");
        }
    }

    /// Adds an engine and appends the line that says so, unless it is there.
    pub fn add_engine(&mut self, socket: &str, instance: &str, out: &mut String) {
        let fits = [socket, instance].iter().all(|text| !text.contains(['\t', '\n', '\r']));
        if fits && !self.engines.contains_key(socket) {
            push_engine(socket, instance, out);
            self.engines.insert(socket.to_owned(), instance.to_owned());
        }
    }

    /// Removes an engine and appends the line that says so.
    pub fn remove_engine(&mut self, socket: &str, out: &mut String) {
        if self.engines.remove(socket).is_some() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "-api {socket}");
        }
    }

    /// Appends everything that is there, for a keeper that knows nothing yet.
    pub fn push_all(&self, out: &mut String) {
        self.groups().for_each(|group| push_group(group, out));
        self.containers().for_each(|(file, runtime)| push_container(file, runtime, out));
        self.engines().for_each(|(socket, instance)| push_engine(socket, instance, out));
    }

    /// Takes lines, cut anywhere; a line that makes no sense is skipped.
    pub fn feed(&mut self, input: &[u8]) {
        for piece in input.split_inclusive(|&byte| byte == b'\n') {
            if self.line.len() + piece.len() <= LINE_BYTES_MAX {
                self.line.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.note(line.trim_ascii_end());
            }
        }
    }

    fn note(&mut self, line: &[u8]) -> Option<()> {
        let line = std::str::from_utf8(line).ok()?;
        let (verb, rest) = line.split_once(' ')?;
        match verb {
            "+pg" => {
                self.groups.insert(rest.parse().ok()?);
            }
            "-pg" => {
                self.groups.remove(&rest.parse().ok()?);
            }
            "+cid" => {
                let (runtime, file) = rest.rsplit_once('\t')?;
                let runtime = runtime.split('\t').map(str::to_owned).collect();
                self.containers.insert(file.to_owned(), runtime);
            }
            "-cid" => {
                self.containers.remove(rest);
            }
            "+api" => {
                let (instance, socket) = rest.split_once('\t')?;
                self.engines.insert(socket.to_owned(), instance.to_owned());
            }
            "-api" => {
                self.engines.remove(rest);
            }
            _ => {}
        }
        Some(())
    }
}

fn push_group(group: u32, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "+pg {group}");
}

fn push_container(file: &str, runtime: &[String], out: &mut String) {
    out.push_str("+cid ");
    for text in runtime {
        out.push_str(text);
        out.push('\t');
    }
    out.push_str(file);
    out.push('\n');
}

fn push_engine(socket: &str, instance: &str, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "+api {instance}\t{socket}");
}

/// Any bytes, cut at any place, give the same ledger.
pub fn fuzz(cut: u16, input: &[u8]) {
    let (head, tail) = input.split_at(usize::from(cut).min(input.len()));
    let (mut whole, mut parts) = (Ledger::default(), Ledger::default());
    whole.feed(input);
    parts.feed(head);
    parts.feed(tail);
    if input.len() <= LINE_BYTES_MAX {
        assert_eq!(whole, parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn both_ends_have_the_same_ledger_wherever_the_lines_are_cut() {
        let (mut ours, mut lines) = (Ledger::default(), String::new());
        ours.add_group(10, &mut lines);
        ours.add_container("/t/a.cid", runtime(&["docker", "--context", "x y"]), &mut lines);
        ours.add_group(11, &mut lines);
        ours.add_container("/t/b.cid", runtime(&["podman"]), &mut lines);
        ours.add_engine("/run/a b.sock", "3f2a", &mut lines);
        ours.add_engine("/run/c.sock", "3f2a", &mut lines);
        ours.remove_engine("/run/c.sock", &mut lines);
        ours.remove_group(10, &mut lines);
        ours.remove_container("/t/b.cid", &mut lines);
        for cut in 0..=lines.len() {
            let mut theirs = Ledger::default();
            theirs.feed(&lines.as_bytes()[..cut]);
            theirs.feed(&lines.as_bytes()[cut..]);
            assert_eq!(theirs, ours, "cut at byte {cut}");
            fuzz(cut as u16, lines.as_bytes());
        }
        let mut all = String::new();
        ours.push_all(&mut all);
        let want = "+pg 11\n+cid docker\t--context\tx y\t/t/a.cid\n+api 3f2a\t/run/a b.sock\n";
        assert_eq!(all, want);
    }

    #[test]
    fn lines_without_sense_are_skipped() {
        let mut ledger = Ledger::default();
        ledger.feed(b"\n+pg\n+pg x\n+pg -1\n?pg 3\n+cid nothing\n-cid no\n-pg 7\n\xff 1\n+pg 5");
        assert!(ledger.is_empty());
        ledger.feed(b"\n");
        assert_eq!(ledger.groups().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn a_text_that_a_line_cannot_carry_is_not_recorded() {
        let (mut ledger, mut lines) = (Ledger::default(), String::new());
        ledger.add_container("/t/a\n+pg 1", runtime(&["docker"]), &mut lines);
        ledger.add_container("/t/a", runtime(&["docker", "\t"]), &mut lines);
        ledger.add_engine("/run/d.sock\n", "a", &mut lines);
        assert!(ledger.is_empty() && lines.is_empty());
    }
}
