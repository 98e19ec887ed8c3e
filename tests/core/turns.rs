// SPDX-License-Identifier: MIT
//! Calls of modern clients that may lead to questions have a legacy child to themselves, and wait
//! for one when there are enough.

use penstock::base::{Key, Limits};
use penstock::gateway::io::{Backend, ChildEnd, Peer};

use crate::world::{HANDSHAKE, World, snapshot, stdio_server};

/// A legacy server with two children at most for each kind of client.
fn few() -> World {
    let limits = Limits { pooled_children_max: 2, ..Limits::DEFAULT };
    let mut world = World::new(penstock::gateway::snapshot::Snapshot {
        limits,
        ..snapshot(vec![stdio_server("time")])
    });
    let first = world.spawned[0];
    world.open_child(first);
    call(&mut world, "probe");
    let probe = world.spawned[1];
    world.child_gone(probe, ChildEnd::Exited(1));
    open(&mut world, 2);
    answer(&mut world, 2, "probe");
    world
}

fn call(world: &mut World, name: &str) -> Key<Peer> {
    let extra = format!(r#""name":"{name}","arguments":{{}}"#);
    world.ask_as("/mcp/time", "1", "tools/call", &extra, r#"{"sampling":{}}"#, "")
}

fn open(world: &mut World, at: usize) {
    let child = world.spawned[at];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#));
}

fn has(world: &World, at: usize, name: &str) -> bool {
    world.sent_to(world.spawned[at]).iter().any(|text| text.contains(&format!("\"{name}\"")))
}

fn answer(world: &mut World, at: usize, name: &str) {
    let child: Key<Backend> = world.spawned[at];
    assert!(has(world, at, name));
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#));
}

#[test]
fn calls_beyond_the_children_of_a_pool_wait_for_their_turn_in_order() {
    let mut world = few();
    let peers: Vec<_> =
        ["tool-a", "tool-b", "tool-c", "tool-d"].map(|name| call(&mut world, name)).into();
    open(&mut world, 3);
    assert_eq!(world.spawned.len(), 4, "two children, the probe and the first one");
    assert!(has(&world, 2, "tool-a") && has(&world, 3, "tool-b") && !has(&world, 2, "tool-c"));
    answer(&mut world, 2, "tool-a");
    assert!(has(&world, 2, "tool-c") && !has(&world, 2, "tool-d") && !has(&world, 3, "tool-d"));
    answer(&mut world, 3, "tool-b");
    assert!(has(&world, 3, "tool-d"));
    answer(&mut world, 2, "tool-c");
    answer(&mut world, 3, "tool-d");
    assert!(peers.iter().all(|peer| world.client(*peer).status == 200));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn who_leaves_while_it_waits_is_never_sent_and_holds_nobody_up() {
    let mut world = few();
    let peers: Vec<_> = ["tool-a", "tool-b", "tool-c", "tool-d", "tool-e"]
        .map(|name| call(&mut world, name))
        .into();
    open(&mut world, 3);
    world.leave(peers[2]);
    answer(&mut world, 2, "tool-a");
    assert!(!has(&world, 2, "tool-c") && has(&world, 2, "tool-e"));
    world.child_gone(world.spawned[3], ChildEnd::Exited(1));
    assert!(world.client(peers[3]).body.contains("error"), "it waited for the child that is gone");
    answer(&mut world, 2, "tool-e");
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn whose_turn_never_comes_is_told_in_time() {
    let mut world = few();
    let peers: Vec<_> = ["tool-a", "tool-b", "tool-c"].map(|name| call(&mut world, name)).into();
    open(&mut world, 3);
    world.pass(std::time::Duration::from_secs(61));
    assert!(peers.iter().all(|peer| !world.client(*peer).body.is_empty()
        || world.client(*peer).events.iter().any(|event| event.contains("error"))));
    assert!(!has(&world, 2, "tool-c") && !has(&world, 3, "tool-c"));
}
