// SPDX-License-Identifier: MIT
//! What a measure comes to.

use super::*;

fn refused() -> Result<String, String> {
    Err("not supported by this kernel".to_owned())
}

#[track_caller]
fn check(switch: Switch, result: Result<String, String>, want: &str, is_failure: bool) {
    let line = settle("landlock", switch, || result).unwrap();
    assert_eq!((line.to_string().as_str(), line.is_failure()), (want, is_failure));
}

#[test]
fn a_measure_says_in_one_line_what_came_of_it() {
    check(Switch::Auto, Ok("version 7".into()), "sandbox: landlock on (version 7)", false);
    check(Switch::On, Ok(String::new()), "sandbox: landlock on", false);
    check(Switch::Auto, refused(), "sandbox: landlock: not supported by this kernel", true);
    check(Switch::Off, refused(), "sandbox: landlock off", false);
}

#[test]
fn a_measure_that_must_be_and_cannot_be_is_an_error_with_a_way_out() {
    let error = settle("seccomp", Switch::On, refused).unwrap_err();
    assert!(error.starts_with("sandbox: seccomp: not supported by this kernel\n"), "{error}");
    assert!(error.contains("gateway.sandbox.seccomp = \"on\". Write \"auto\""), "{error}");
}

#[test]
fn what_is_switched_off_is_not_even_tried() {
    let line = settle("seccomp", Switch::Off, || unreachable!("it is off")).unwrap();
    assert!(!line.is_failure());
}

#[test]
fn nothing_is_taken_without_giving_up_new_privileges() {
    let off = Switch::Off;
    let mut options = Options { no_new_privileges: off, ..Options::default() };
    let lines = enter(&options, &Needs::default()).unwrap();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let why = "needs no_new_privileges, which is not on";
    let want = ["no_new_privileges off".to_owned(), format!("landlock: {why}")];
    assert_eq!(lines[..2], want.map(|line| format!("sandbox: {line}")));
    options.seccomp = Switch::On;
    assert!(enter(&options, &Needs::default()).unwrap_err().contains(why));
    assert!(!options.is_off());
    assert!(Options { landlock: off, seccomp: off, ..options }.is_off());
}
