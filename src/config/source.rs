// SPDX-License-Identifier: MIT
//! Gathers what a configuration is made from: the file or stdin, the environment, random words.
//!
//! The only file of `config` that touches the world; it decides nothing.

use std::fs;
use std::io::{self, Read};

use super::Sources;
use super::env::{self, Environment};
use super::modules::Modules;
use super::raw::Format;
use crate::base::Rng;
use crate::cli::Flags;

/// Longer texts are no configurations.
const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Sources, and lines that somebody should read.
pub struct Gathered {
    /// For [`load`](super::load()).
    pub sources: Sources,
    /// What is worth saying about the sources themselves.
    pub notices: Vec<String>,
}

/// Reads everything that `flags` ask for; stdin to its end, if that is where the text comes from.
///
/// Errors: the text for stderr.
pub fn gather(flags: &Flags) -> Result<Gathered, String> {
    let mut environment = environment();
    let mut notices = Vec::new();
    if let Some(path) = flags.get("env").filter(|path| !path.is_empty()) {
        let failed = |why: String| format!("failed to load .env file: {why}");
        let text = fs::read(path).map_err(|error| failed(format!("open {path}: {error}")))?;
        let text = String::from_utf8(text).map_err(|_| failed(format!("{path} is not UTF-8")))?;
        notices = env::load_dotenv(&text, &mut environment).map_err(failed)?;
    }
    let (name, format, text) = if flags.is_on("config-stdin") {
        let text = read_text(&mut io::stdin().lock())
            .map_err(|error| format!("failed to load config: failed to read stdin: {error}"))?;
        ("stdin".to_owned(), Format::Json, text)
    } else {
        let path = flags.get("config").unwrap_or_default();
        let text = fs::File::open(path).and_then(|mut file| read_text(&mut file));
        let text = text.map_err(|error| {
            format!("failed to load config: failed to open config file: open {path}: {error}")
        })?;
        let format = if path.ends_with(".json") { Format::Json } else { Format::Toml };
        (path.to_owned(), format, text)
    };
    let mut rng = Rng::new(seed()?);
    let modules = Modules::of(&environment);
    let sources = Sources {
        name,
        format,
        text,
        environment,
        flags: flags.clone(),
        program: program(),
        instance: rng.hex(16),
        fresh_key: rng.hex(64),
        canonicalize: Box::new(|path| fs::canonicalize(path).ok()),
        discovered: Box::new(move |server| modules.find(server)),
        workflow: None,
    };
    Ok(Gathered { sources, notices })
}

/// This very program; an empty name if the system does not tell.
#[must_use]
pub fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.to_string_lossy().into_owned()
}

/// The environment; what is not UTF-8 is left out.
fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn read_text(from: &mut dyn Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(io::Error::other("it is longer than 16 MiB"));
    }
    Ok(text)
}

fn seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(seed)
}
