// SPDX-License-Identifier: MIT
//! What a configuration comes to in the sandbox: whether programs are started, which files, which
//! directories, which ports.

use std::path::PathBuf;

use crate::config::Loaded;
use crate::gateway::snapshot::Transport;
use crate::reactor::{SYSTEM_FILE, Starter};
use crate::sandbox::{self, Line, Needs};
use crate::worker::files;

/// A process in its sandbox.
pub struct Entered {
    /// Who starts programs from now on.
    pub starter: Starter,
    /// What was given up, a line for each measure.
    pub lines: Vec<Line>,
}

/// Gives up what `loaded` does not need. Every thread but the one that starts programs must be
/// started after this, and every port bound before.
///
/// Errors: what must be given up cannot be, or there is no thread to start programs.
pub fn enter(loaded: &Loaded) -> Result<Entered, String> {
    let options = &loaded.run.sandbox;
    let needs = needs(loaded);
    let starter = match needs.starts_programs && !options.is_off() {
        true => Starter::beside().map_err(|error| format!("cannot start a thread: {error}"))?,
        false => Starter::default(),
    };
    // A directory that is not there cannot be left open. Whoever writes says what is wrong with it.
    let _ = files::create_dir(&loaded.run.log_dir);
    let lines = sandbox::enter(options, &needs)?;
    Ok(Entered { starter, lines })
}

/// What is needed once the listener is bound. Whoever opens something later adds it here.
fn needs(loaded: &Loaded) -> Needs {
    let (snapshot, run) = (&loaded.snapshot, &loaded.run);
    let mut needs = Needs {
        // Its directory may be somebody's home, so it is left open alone.
        reads: vec![PathBuf::from(&run.source)],
        renewed: vec![run.ca_file.clone().unwrap_or_else(|| SYSTEM_FILE.into())],
        writes: vec![run.log_dir.clone()],
        ports: snapshot.guards.forge.iter().map(|forge| forge.port).collect(),
        ..Needs::default()
    };
    for server in &snapshot.servers {
        match &server.transport {
            Transport::Http(target) => needs.ports.push(target.port),
            Transport::Stdio(_) => needs.starts_programs = true,
        }
    }
    if run.uses_containers {
        // For the private directory with their ids.
        needs.writes.push(std::env::temp_dir());
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Flags;
    use crate::config::{self, Format, Sources};

    fn needs_of(text: &str) -> Needs {
        let sources = Sources {
            name: "/etc/penstock/c.toml".to_owned(),
            format: Format::Toml,
            text: text.to_owned(),
            environment: [("MCP_GATEWAY_LOG_DIR".to_owned(), "/logs".to_owned())].into(),
            flags: Flags::default(),
            program: "/penstock".to_owned(),
            instance: "test".to_owned(),
            fresh_key: "0".repeat(64),
            canonicalize: Box::new(|path| Some(path.to_path_buf())),
            discovered: Box::new(|_| Ok(None)),
            workflow: None,
        };
        needs(&config::load(&sources).unwrap())
    }

    #[test]
    fn http_servers_need_their_ports_and_nobody_who_starts_programs() {
        let needs = needs_of(
            "[servers.a]\nurl = \"https://a.example/mcp\"\n\
             [servers.b]\nurl = \"http://b.example:8080/mcp\"\n",
        );
        assert_eq!(
            needs,
            Needs {
                starts_programs: false,
                reads: vec!["/etc/penstock/c.toml".into()],
                renewed: vec![SYSTEM_FILE.into()],
                writes: vec!["/logs".into()],
                ports: vec![443, 8080],
            }
        );
    }

    #[test]
    fn commands_need_somebody_who_starts_them_and_containers_a_place_for_their_ids() {
        let command = needs_of("[servers.a]\ncommand = \"true\"\n");
        assert!(command.starts_programs && command.ports.is_empty());
        assert_eq!(command.writes, [PathBuf::from("/logs")]);
        let container = needs_of("[servers.a]\ncontainer = \"image\"\n");
        assert!(container.starts_programs);
        assert_eq!(container.writes, [PathBuf::from("/logs"), std::env::temp_dir()]);
    }
}
