// SPDX-License-Identifier: MIT
//! `/metrics` of a gateway that runs.

use crate::binary::{CALCULATOR, LIST, Running, eventually};
use crate::exposition::{Series, parse};
use crate::guards::CALL;

const KEY: &str = "Authorization: alpha-key-of-the-scrape\r\n";

/// A gateway with a key, one server that does not work, and four calls for the one that does.
const CONFIG: &str = "[gateway]\nagent_id = \"alpha-key-of-the-scrape\"\n\
                      [servers.gone]\ncommand = \"no-such-program\"\n\
                      [budgets.servers.calculator]\ncalls = 4\n";

#[track_caller]
fn scrape(gateway: &Running) -> Series {
    let answer = gateway.ask("GET", "/metrics", KEY, "");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(head.contains("Content-Type: text/plain; version=0.0.4"), "{head}");
    parse(body)
}

fn call(gateway: &Running, body: &str) -> String {
    gateway.ask("POST", "/mcp/calculator", KEY, body)
}

fn calls(series: &Series, outcome: &str) -> f64 {
    series[&format!("penstock_calls_total{{server=\"calculator\",outcome=\"{outcome}\"}}")]
}

#[test]
fn what_was_called_is_counted_by_how_it_ended() {
    let mut gateway = Running::start(&format!("{CONFIG}{CALCULATOR}"));
    for _ in 0..3 {
        assert!(call(&gateway, CALL).contains("0.3"));
    }
    let wrong = call(&gateway, &CALL.replace("0.2", "two"));
    assert!(wrong.contains("\"error\":{\"code\":-32602"), "{wrong}");
    assert!(call(&gateway, CALL).contains("budget."));
    // They are counted a moment later, by the log thread.
    let series = eventually(|| {
        let series = scrape(&gateway);
        (calls(&series, "denied") > 0.0).then_some(series)
    });
    let of = ["ok", "error", "denied", "timeout", "cancelled"].map(|end| calls(&series, end));
    assert_eq!(of, [3.0, 1.0, 1.0, 0.0, 0.0]);
    let one = |name: &str| series[&format!("penstock_{name}")];
    assert_eq!(one("call_duration_seconds_count{server=\"calculator\"}"), 4.0);
    assert!(one("call_duration_seconds_sum{server=\"calculator\"}") < 4.0);
    assert_eq!(one("denials_total{server=\"calculator\"}"), 1.0);
    let out = one("bytes_total{server=\"calculator\",direction=\"out\"}");
    assert!(out > 4.0 * CALL.len() as f64, "{out}");
    assert!(one("bytes_total{server=\"calculator\",direction=\"in\"}") > 100.0);
    assert_eq!(one("server_up{server=\"calculator\"}"), 1.0);
    assert_eq!(one("server_up{server=\"gone\"}"), 0.0);
    assert_eq!((one("connections"), one("sessions")), (1.0, 1.0));
    assert!(one("loop_turns_total") > 5.0);
    assert_eq!(one("loop_turns_total"), one("loop_turn_seconds_count"));
    assert_eq!(one("log_records_dropped_total"), 0.0);
    assert_eq!(series.keys().filter(|name| name.starts_with("penstock_build_info")).count(), 1);
    gateway.ends_well();
}

#[test]
fn metrics_need_the_key_and_can_be_asked_for_without_a_body() {
    let mut gateway = Running::start(&format!("{CONFIG}{CALCULATOR}"));
    assert!(gateway.ask("GET", "/metrics", "", "").starts_with("HTTP/1.1 401 "));
    let head = gateway.ask("HEAD", "/metrics", KEY, "");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("Content-Length: "), "{head}");
    let post = gateway.ask("POST", "/metrics", KEY, "");
    assert!(post.starts_with("HTTP/1.1 405 ") && post.contains("Allow: GET, HEAD"), "{post}");
    gateway.ends_well();
}

#[test]
fn where_metrics_are_off_there_are_none_and_all_else_is_as_ever() {
    let off = "[gateway]\nmetrics = false\n";
    let mut gateway = Running::start(&format!("{off}{CALCULATOR}"));
    assert!(gateway.ask("GET", "/metrics", "", "").starts_with("HTTP/1.1 404 "));
    assert!(gateway.ask("POST", "/mcp/calculator", "", LIST).contains("exact_calculate"));
    gateway.ends_well();
}
