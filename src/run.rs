// SPDX-License-Identifier: MIT
//! Wiring: the only file that knows everything. It reads the configuration, binds, starts the log
//! thread, prints what clients need, and turns the loop.

use std::io::Write;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::base::Now;
use crate::cli::Flags;
use crate::config::source::Gathered;
use crate::config::{self, Loaded, LogDetail};
use crate::gateway::io::{Event, EventKind, Level};
use crate::gateway::snapshot::Snapshot;
use crate::observe::debug::Patterns;
use crate::reactor::{self, Listener, Observer, Reactor};
use crate::sandbox::Line;
use crate::wire::json::write;
use crate::worker::{Counters, LogOptions, LogSender, Logs};

use self::guards::Modules;
use self::sandbox::Entered;
use self::shards::Crew;

#[cfg(feature = "proxy")]
pub mod certificate;
pub mod client_config;
mod environment;
pub mod explain;
#[cfg_attr(
    not(feature = "proxy"),
    allow(dead_code, reason = "the proxy asks more of a forge than the gateway does")
)]
mod fetch;
mod guards;
pub mod health;
mod lookup;
mod owner;
mod programs;
#[cfg(feature = "proxy")]
pub mod proxy;
mod sandbox;
mod shards;

/// Runs the gateway until it is told to stop.
///
/// Errors: the text for stderr. What goes wrong before the client configuration is printed is
/// printed in its place, if there is no file to look into.
pub fn gateway(flags: &Flags) -> Result<(), String> {
    let is_headless = flags.is_on("config-stdin");
    let (ready, listeners, entered) = prepare(flags).inspect_err(|text| {
        if is_headless {
            print_error(text);
        }
    })?;
    serve(ready, listeners, entered)
}

/// A configuration with all that belongs to it.
struct Ready {
    loaded: Loaded,
    notices: Vec<String>,
    modules: Modules,
}

/// Everything that may fail before anything is started.
fn prepare(flags: &Flags) -> Result<(Ready, Vec<Listener>, Entered), String> {
    let mut gathered = config::source::gather(flags)?;
    let mut ready = load(&gathered, Modules::default())?;
    let run = &ready.loaded.run;
    if run.validate_env {
        environment::validate(run)?;
    }
    let (listeners, idle) = shards::listen(&ready.loaded)?;
    // Those who come while we ask find the port, and wait.
    if run.asks_workflow
        && let Some((workflow, line)) =
            lookup::workflow(&gathered.sources.environment, run.ca_file.clone())
    {
        gathered.sources.workflow = Some(workflow);
        gathered.notices.extend(line);
        ready = load(&gathered, ready.modules)?;
    }
    ready.notices.extend(idle);
    // After all that may wait for others, stdin above all: until now a signal simply ends us. And
    // before any thread that stays, since signals must reach the loop alone.
    reactor::keep_freed_memory();
    reactor::block_signals().map_err(|error| format!("cannot take signals: {error}"))?;
    let entered = sandbox::enter(&ready.loaded)?;
    Ok((ready, listeners, entered))
}

/// Checks a configuration and starts nothing; the summary goes to stdout.
///
/// Errors: the text for stderr.
pub fn check(flags: &Flags) -> Result<String, String> {
    let Ready { loaded, notices, .. } = load(&config::source::gather(flags)?, Modules::default())?;
    let mut text = loaded.summary();
    for notice in notices {
        text.push_str(&format!("note: {notice}\n"));
    }
    Ok(text)
}

fn load(gathered: &Gathered, mut modules: Modules) -> Result<Ready, String> {
    let loaded = config::load(&gathered.sources);
    let mut loaded = loaded.map_err(|problems| problems.to_string())?;
    modules.read(&mut loaded)?;
    let mut notices = gathered.notices.clone();
    notices.extend(loaded.notices.iter().cloned());
    let has_engine = loaded.run.engine.as_ref().is_some_and(|engine| engine.socket.exists());
    notices.extend(programs::missing(&loaded.snapshot, has_engine));
    Ok(Ready { loaded, notices, modules })
}

/// The written gateway specification wants errors of the start as a JSON object on stdout.
fn print_error(text: &str) {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        object.str("error", text);
    });
    out.push(b'\n');
    let _ = std::io::stdout().write_all(&out);
}

fn serve(ready: Ready, listeners: Vec<Listener>, entered: Entered) -> Result<(), String> {
    let Ready { loaded, notices, modules } = ready;
    let n = listeners.len();
    let mut starts = shards::starts(&loaded, n, read_clock())?.into_iter();
    let mut listeners = listeners.into_iter();
    let (Some(first), Some(listener)) = (starts.next(), listeners.next()) else { return Ok(()) };
    let address = listener.local_addr();
    let run = &loaded.run;
    let document = client_config::document(&run.client_config, &run.listen, address.port());
    let counters = counters(&loaded);
    let (logs, mut sender) = start_logs(&loaded, counters.clone());
    announce(&mut sender, &loaded, &notices, &entered.lines, &address.to_string());
    let options = reactor::Options { counters, ..reactor_options(&loaded, n, entered) };
    let mut gateway = first.gateway();
    modules.give(&loaded.snapshot, &mut gateway);
    let mut reactor =
        Reactor::new(&options, listener, gateway, sender).map_err(|e| e.to_string())?;
    // The main loop is the first, which learns what bounds children are to be given back.
    let crew = Crew::start(&mut reactor, starts.zip(listeners), &options, &logs)?;
    // Complete before the first request can be answered: who polls for it finds all of it.
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_all(document.as_bytes()).and_then(|()| stdout.flush()) {
        let _ = writeln!(std::io::stderr(), "cannot print the client configuration: {error}");
    }
    drop(stdout);
    drop(document);
    drop(loaded);
    let ended = reactor.run().map_err(|error| error.to_string());
    drop(reactor);
    if ended.is_ok() {
        crew.wait();
    }
    logs.finish();
    ended
}

/// Records can wait, but not for long: their queue has a bound.
const LOGS_GIVE_WAY: reactor::Niceness = reactor::Niceness(1);

/// Where it is not asked for, nothing is counted.
fn counters(loaded: &Loaded) -> Option<Arc<Counters>> {
    let Snapshot { servers, version, metrics, .. } = &loaded.snapshot;
    let names = servers.iter().map(|server| Arc::clone(&server.name));
    metrics.then(|| Counters::new(Arc::clone(version), names))
}

fn start_logs(loaded: &Loaded, counters: Option<Arc<Counters>>) -> (Logs, LogSender) {
    let logs = loaded.run.logs;
    let options = LogOptions {
        dir: (logs.detail != LogDetail::Nothing).then(|| loaded.run.log_dir.clone()),
        payloads: logs.detail == LogDetail::Payloads,
        patterns: Patterns::parse(&loaded.run.debug),
        counters,
        events_max: loaded.snapshot.limits.log_events_max,
        waits: logs.waits,
        on_start: || reactor::lower_thread_priority(LOGS_GIVE_WAY),
        on_idle: reactor::release_memory,
        on_grown: reactor::drop_written,
        ..LogOptions::default()
    };
    let names = loaded.snapshot.servers.iter().map(|server| Arc::clone(&server.name)).collect();
    Logs::start(options, names, loaded.secrets.clone())
}

/// The first lines of the log, as scripts look for them.
fn announce(
    sender: &mut LogSender,
    loaded: &Loaded,
    notices: &[String],
    sandbox: &[Line],
    address: &str,
) {
    let run = &loaded.run;
    let mut say = |level, category, text| {
        let kind = EventKind::Note { level, category, text };
        sender.push(Event { at_unix_ms: read_clock().unix_ms, server: None, kind });
    };
    let version = &loaded.snapshot.version;
    say(Level::Info, "startup", format!("MCPG Gateway version: {version}"));
    say(
        Level::Info,
        "startup",
        format!(
            "Starting MCPG with config: {}, listen: {}, log-dir: {}",
            run.source,
            run.listen,
            run.log_dir.display()
        ),
    );
    for notice in notices {
        say(Level::Warn, "startup", notice.clone());
    }
    for line in sandbox {
        let level = if line.is_failure() { Level::Warn } else { Level::Info };
        say(level, "startup", line.to_string());
    }
    if run.has_generated_agent {
        let text = "No agent ID configured — generated temporary random agent ID (spec §7.3)";
        say(Level::Warn, "startup", text.to_owned());
    }
    let names: Vec<_> = loaded.snapshot.servers.iter().map(|server| &*server.name).collect();
    say(Level::Info, "startup", format!("Loaded {} MCP server(s)", names.len()));
    let text = format!("Starting MCPG in ROUTED mode on {address}");
    say(Level::Info, "startup", text);
    let text = format!("Routes: /mcp/<server> where <server> is one of: [{}]", names.join(" "));
    say(Level::Info, "startup", text);
    sender.end_of_turn();
}

fn reactor_options(loaded: &Loaded, n: usize, entered: Entered) -> reactor::Options {
    let keeper = std::env::current_exe().ok().map(|program| vec![program.into(), "keeper".into()]);
    reactor::Options {
        limits: loaded.snapshot.limits.share(n),
        shutdown_timeout: loaded.run.shutdown_timeout,
        signals: true,
        keeper,
        ca_file: loaded.run.ca_file.clone(),
        starter: entered.starter,
        engine: loaded.run.engine.as_ref().map(|engine| reactor::EngineOptions {
            socket: engine.socket.clone(),
            instance: engine.instance.as_str().into(),
            owner: entered.owner,
        }),
        version: (&*loaded.snapshot.version).into(),
        ..reactor::Options::default()
    }
}

fn read_clock() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { mono: Instant::now(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
}

impl Observer for LogSender {
    fn push(&mut self, event: Event) {
        Self::push(self, event);
    }
    fn end_of_turn(&mut self) {
        Self::end_of_turn(self);
    }
}
