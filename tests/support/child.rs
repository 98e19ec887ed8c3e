// SPDX-License-Identifier: MIT
//! Processes that end with the test, and what `/proc` tells of them.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// A process that is killed, by its id, when the test is over.
pub struct Process(Child);

impl Process {
    /// Starts `command` with its output in files.
    pub fn start(command: &mut Command, stdout: &Path, stderr: &Path) -> Self {
        command.stdout(fs::File::create(stdout).unwrap());
        command.stderr(fs::File::create(stderr).unwrap());
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// The id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its standard input, once.
    pub fn stdin(&mut self) -> std::process::ChildStdin {
        self.0.stdin.take().expect("a piped standard input")
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// The exit status if the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Waits for the end, at most so long.
    #[track_caller]
    pub fn wait(&mut self, at_most: Duration) -> ExitStatus {
        eventually("the process ends", at_most, || self.ended())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// Runs a command to its end and returns what it printed; panics if it fails.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// Asks again and again until there is an answer; panics after `at_most`.
#[track_caller]
pub fn eventually<T>(what: &str, at_most: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < at_most, "not within {at_most:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process is there and not a zombie.
pub fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

/// The ids of all processes whose command line contains `text`.
pub fn processes_with(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(text) && is_alive(pid) {
            found.push(pid);
        }
    }
    found
}

/// A line of `/proc/PID/status` that counts kilobytes, such as `VmRSS` or `VmHWM`.
pub fn memory_kb(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or("0 0");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The processor time that a process has used, in milliseconds.
pub fn cpu_ms(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or("").to_owned();
    let fields: Vec<u64> =
        after.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The fields after the state, which is no number: utime and stime are the 11th and 12th.
    fields.get(10..12).map_or(0, |ticks| ticks.iter().sum::<u64>() * 10)
}
