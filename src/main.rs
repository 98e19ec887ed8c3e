// SPDX-License-Identifier: MIT
//! The program: arguments in, exit status out.

use std::io::Write;
use std::process::ExitCode;

use penstock::cli::{self, Command};
use penstock::{keeper, run, serve};

fn main() -> ExitCode {
    let done = cli::parse(std::env::args_os().skip(1)).map_err(|error| error.to_string());
    match done.and_then(follow) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn follow(command: Command) -> Result<(), String> {
    match command {
        Command::Run(flags) => run::gateway(&flags),
        Command::Check(flags) => run::check(&flags).and_then(|text| print(&text)),
        Command::Explain { flags, call, is_json } => {
            run::explain::explain(&flags, &call, is_json).and_then(|text| print(&text))
        }
        Command::ServeCalculator { http } => serve::calculator(http.as_deref()),
        #[cfg(feature = "proxy")]
        Command::Proxy(options) => run::proxy::run(&options),
        #[cfg(not(feature = "proxy"))]
        Command::Proxy(_) => {
            Err("this build is the slim one: the full one has the proxy".to_owned())
        }
        Command::Health { url } => run::health::ask(url.as_deref()).and_then(|text| print(&text)),
        Command::Completion(shell) => print(&shell.script()),
        Command::Keeper(_) => {
            keeper::run();
            Ok(())
        }
        Command::Print(text) => print(&text),
    }
}

fn print(text: &str) -> Result<(), String> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}
