// SPDX-License-Identifier: MIT
//! What is said on command lines.

use super::*;

fn parse_words(words: &str) -> Result<Command, CliError> {
    parse(words.split_whitespace().map(OsString::from))
}

#[track_caller]
fn flags(words: &str) -> Flags {
    match parse_words(words) {
        Ok(Command::Run(flags)) => flags,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_error(words: &str, want: &str) {
    let error = parse_words(words).unwrap_err().to_string();
    assert!(error.contains(want), "{error}");
}

#[test]
fn the_flags_of_the_reference_are_understood() {
    let said = flags(
        "--routed --listen 0.0.0.0:8080 --config-stdin --log-dir /logs --payload-size-threshold=10 \
         --shutdown-timeout 5s -vvv",
    );
    assert_eq!(said.get("listen"), Some("0.0.0.0:8080"));
    assert_eq!(said.get("log-dir"), Some("/logs"));
    assert!(said.is_on("config-stdin") && said.is_on("routed"));
    assert_eq!(said.verbosity, 3);
    assert_eq!(flags("-c a.toml -l:1").get("config"), Some("a.toml"));
    assert_eq!(flags("-c a.toml -l:1").get("listen"), Some(":1"));
    assert_eq!(flags("--config a --config b -v --verbose").get("config"), Some("b"));
    assert!(!flags("--config a --config-stdin=false").is_on("config-stdin"));
}

#[test]
fn what_cannot_be_followed_is_said() {
    check_error("--config a x", "unknown command \"x\" for \"penstock\"");
    check_error("nonsense", "unknown command \"nonsense\" for \"penstock\"");
    check_error("--nope", "unknown flag: --nope\nSee 'penstock --help' for usage");
    check_error("-z", "unknown shorthand flag: 'z'");
    check_error("--config", "flag needs an argument: --config");
    check_error(
        "--config a --shutdown-timeout 5",
        "invalid argument \"5\" for \"--shutdown-timeout\"",
    );
    check_error("", "at least one of the flags in the group [config config-stdin] is required");
    check_error("--config a --routed --unified", "[routed unified] were all set");
    check_error("--config a --tls-cert c", "missing [tls-key]");
    check_error("proxy --policy", "flag needs an argument: --policy");
    check_error("completion", "accepts 1 arg(s), received 0");
    check_error("completion tcsh", "invalid argument \"tcsh\"");
    check_error("serve piano", "calculator");
    check_error("explain -c a", "which call?");
    check_error("explain x y -c a", "unknown command \"y\" for \"penstock explain\"");
    check_error("explain x", "[config config-stdin] is required");
    check_error("explain - --config-stdin", "stdin cannot be both");
}

#[test]
fn commands_are_told_apart() {
    let check = |words: &str, want: Command| assert_eq!(parse_words(words), Ok(want), "{words}");
    check("serve calculator", Command::ServeCalculator { http: None });
    check(
        "serve calculator --http 127.0.0.1:9",
        Command::ServeCalculator { http: Some("127.0.0.1:9".into()) },
    );
    check("health", Command::Health { url: None });
    check("health http://h/health", Command::Health { url: Some("http://h/health".into()) });
    check("completion fish", Command::Completion(Shell::Fish));
    check("keeper --help x", Command::Keeper(vec!["--help".into(), "x".into()]));
    check("--version", Command::Print(version()));
    assert!(matches!(parse_words("check -c a.toml"), Ok(Command::Check(_))));
    for words in ["explain call.json -c a", "explain -c a call.json --json", "explain - -c a"] {
        let said = parse_words(words).unwrap();
        let Command::Explain { flags, call, is_json } = said else { panic!("{said:?}") };
        assert_eq!(flags.get("config"), Some("a"), "{words}");
        assert!(words.contains(&format!(" {call}")) && is_json == words.contains("--json"));
    }
    assert!(version().starts_with("MCPG Gateway 0."));
}

#[test]
fn help_names_every_flag_and_scripts_do_too() {
    let ways = ["--help", "-h", "help", "help check", "check --help", "serve -h", "health -h"];
    for words in ways.into_iter().chain(["help explain", "explain --help"]) {
        assert!(matches!(parse_words(words), Ok(Command::Print(_))), "{words}");
    }
    let shells = ["bash", "zsh", "fish", "powershell"].map(|name| Shell::parse(name).unwrap());
    for flag in FLAGS {
        assert!(flags::help("").contains(&format!("--{}", flag.long)));
        for shell in shells {
            assert!(shell.script().contains(flag.long), "{}", flag.long);
        }
    }
}
