// SPDX-License-Identifier: MIT
//! Five servers at one address, three of which misbehave: the others are served as if alone.

use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::http::Mcp;
use crate::place::stub;

fn server(name: &str, mode: &str) -> String {
    format!("[servers.{name}]\ncommand = {:?}\nargs = [{mode:?}]\n", stub())
}

fn ask(client: &Mcp, id: u32, method: &str, params: &str) -> (String, Duration) {
    let started = Instant::now();
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}}}}}"
    );
    let response = client.post(&body).unwrap();
    (response.answer().to_owned(), started.elapsed())
}

fn call(client: &Mcp, id: u32, name: &str, arguments: &str) -> String {
    ask(client, id, "tools/call", &format!("\"name\":\"{name}\",\"arguments\":{arguments}")).0
}

// Checklist 119.
#[test]
fn three_bad_servers_of_five_are_left_out_and_named() {
    let config = [
        server("good", "normal"),
        server("hangs", "mute-list"),
        server("crashes", "crash-list"),
        server("babbles", "babble-list"),
        server("fine", "normal"),
    ];
    let gateway = Gateway::toml("unified-five", &config.concat());
    let mut client =
        Mcp::new(&gateway.addr, "", gateway.key().as_deref()).patience(Duration::from_secs(30));
    let greeting = client.initialize("2025-11-25");
    assert!(greeting.answer().contains("penstock-unified"), "{greeting:?}");
    for round in 0..2 {
        let (list, took) = ask(&client, 10 + round, "tools/list", "");
        assert!(list.contains("\"good___noop\"") && list.contains("\"fine___noop\""), "{list}");
        for name in ["hangs", "crashes", "babbles"] {
            assert!(!list.contains(&format!("{name}___")), "{list}");
            assert!(list.contains(&format!("\"{name}\":\"")), "{name} is not named: {list}");
        }
        assert!(took < Duration::from_secs(14), "{took:?}");
        // While one hangs and others fail, the good ones answer at once.
        for name in ["good___noop", "fine___noop"] {
            let started = Instant::now();
            let answer = call(&client, 20 + round, name, "{\"n\":1}");
            assert!(answer.contains("\\\"n\\\":1"), "{answer}");
            assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        }
    }
    let answer = call(&client, 30, "crashes___noop", "{}");
    assert!(answer.contains("\"result\"") || answer.contains("\"error\""), "{answer}");
}

// Checklist 117.
#[test]
fn two_servers_with_the_same_tool_keep_their_children_apart() {
    let config = [server("a", "normal"), server("b", "normal")].concat();
    let gateway = Gateway::toml("unified-two", &config);
    gateway.wait_until_up();
    let mut client = Mcp::new(&gateway.addr, "", gateway.key().as_deref());
    client.initialize("2025-11-25");
    let pid = |answer: &str| answer.split("\"pid\":").nth(1).map(|rest| rest.to_owned());
    let (a, b) = (call(&client, 2, "a___noop", "{}"), call(&client, 3, "b___noop", "{}"));
    assert!(pid(&a).is_some() && pid(&a) != pid(&b), "{a} {b}");
    assert_eq!(client.delete().unwrap().status, 204);
    let gone = client.post("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\"}").unwrap();
    assert_eq!(gone.status, 404);
}
