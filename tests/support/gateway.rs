// SPDX-License-Identifier: MIT
//! The binary under test, started with a configuration and stopped with the test.

use std::io::Write;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::child::{Process, eventually};
use crate::http::{self, Mcp};
use crate::place::{PENSTOCK, Scratch};

/// A running gateway.
pub struct Gateway {
    process: Process,
    scratch: Scratch,
    /// Where it listens, as `HOST:PORT`.
    pub addr: String,
}

impl Gateway {
    /// Starts with a TOML file and waits for the port.
    #[track_caller]
    pub fn toml(name: &str, config: &str) -> Self {
        Self::start(name, config, false, &[], &[])
    }

    /// Starts with JSON on standard input and waits for the port.
    #[track_caller]
    pub fn json(name: &str, config: &str, flags: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start(name, config, true, flags, env)
    }

    #[track_caller]
    fn start(name: &str, config: &str, json: bool, flags: &[&str], env: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new(name);
        let mut command = Command::new(PENSTOCK);
        command.current_dir(scratch.path()).envs(env.iter().copied()).args(flags);
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !flags.contains(&"--log-dir") {
            command.args(["--log-dir", &scratch.file("logs")]);
        }
        if json {
            command.arg("--config-stdin").stdin(Stdio::piped());
        } else {
            fs::write(scratch.file("config.toml"), config).unwrap();
            command.args(["--config", "config.toml"]).stdin(Stdio::null());
        }
        let (stdout, stderr) = (scratch.path().join("stdout"), scratch.path().join("stderr"));
        let mut process = Process::start(&mut command, &stdout, &stderr);
        if json {
            process.stdin().write_all(config.as_bytes()).unwrap();
        }
        let mut gateway = Self { process, scratch, addr: String::new() };
        gateway.addr =
            eventually("the client configuration is printed", Duration::from_secs(10), {
                let gateway = &mut gateway;
                move || {
                    let text = gateway.stdout();
                    if let Some(status) = gateway.process.ended() {
                        panic!("the gateway ended with {status}:\n{}", gateway.stderr());
                    }
                    let after = text.split("http://").nth(1)?;
                    text.trim_end()
                        .ends_with('}')
                        .then(|| after.split('/').next().unwrap().to_owned())
                }
            });
        gateway
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it printed.
    pub fn stdout(&self) -> String {
        fs::read_to_string(self.scratch.file("stdout")).unwrap()
    }

    /// What it logged.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.scratch.file("stderr")).unwrap()).into()
    }

    /// The address of a server behind it.
    pub fn url(&self, server: &str) -> String {
        format!("http://{}/mcp/{server}", self.addr)
    }

    /// Waits until the child that is started first has shaken hands: the first session gets it.
    #[track_caller]
    pub fn wait_until_up(&self) {
        eventually("the servers are up", Duration::from_secs(20), || {
            let health = http::get(&self.addr, "/health").ok()?;
            let up = !health.body.contains("starting") && health.body.contains("running");
            up.then_some(())
        });
    }

    /// The key that its printed configuration tells clients to send.
    pub fn key(&self) -> Option<String> {
        let text = self.stdout();
        let after = text.split("\"Authorization\"").nth(1)?;
        after.split('"').nth(1).map(str::to_owned)
    }

    /// A client of a server behind it, with a session.
    #[track_caller]
    pub fn client(&self, server: &str) -> Mcp {
        let mut mcp = Mcp::new(&self.addr, server, self.key().as_deref());
        mcp.initialize("2025-11-25");
        mcp
    }

    /// Asks it to end, by SIGTERM, and returns how it did and how long it took.
    #[track_caller]
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.process.signal("TERM");
        (self.process.wait(Duration::from_secs(15)), started.elapsed())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.stderr();
            let lines: Vec<_> = log.lines().collect();
            println!("the gateway's last lines:");
            for line in &lines[lines.len().saturating_sub(40)..] {
                println!("  {line}");
            }
        } else if self.process.ended().is_none() {
            // Its children end with it only if it is asked.
            self.process.signal("TERM");
            let patience = Instant::now();
            while self.process.ended().is_none() && patience.elapsed() < Duration::from_secs(12) {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
