// SPDX-License-Identifier: MIT
//! Containers over the engine's socket, with an engine that follows a script.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use penstock::base::Secret;
use penstock::docker::{Plan, run_args};
use penstock::gateway::io::{ChildEnd, Input, Output};
use penstock::gateway::snapshot::{ChildCommand, ContainerCare};

use crate::fake_engine::{Asked, EXITED, Fake, UPGRADED, WAITING, answer, frame};
use crate::toy::{BACKEND, World, eventually, send, shell, spawn};

/// A container that the engine runs; if it cannot and may hand it on, a shell that says `[1]`.
fn container(words: &[&str], is_required: bool) -> ChildCommand {
    let run = run_args::parse(words).unwrap();
    let plan = Plan { run, is_required, start_after_max: Duration::from_secs(10) };
    let care = ContainerCare {
        runtime: "true".into(),
        runtime_args: Vec::new(),
        // Behind the script, where a shell takes it for an argument.
        cidfile_at: 2,
        plan: Some(Arc::new(plan)),
    };
    ChildCommand { container: Some(care), ..shell("echo [1]; cat") }
}

/// What the container says, in the order of its streams, and how it ends.
#[track_caller]
fn listen(world: &World) -> (Vec<String>, ChildEnd) {
    let mut said = Vec::new();
    let end = world.wait(|fact| {
        let (mark, text) = match fact {
            Input::Line { line, .. } => ('=', line),
            Input::Noise { line, .. } => ('~', line),
            Input::Stderr { line, .. } => ('!', line),
            Input::ChildClosed { why, .. } => return Some(why),
            _ => return None,
        };
        said.push(format!("{mark}{}", String::from_utf8_lossy(&text)));
        None
    });
    (said, end)
}

fn is(asked: &Asked, part: &str) -> bool {
    asked.line.contains(part)
}

fn stop(now: bool) -> Output {
    Output::Stop { backend: BACKEND, now }
}

/// Tells it to leave when it has echoed an object.
fn stop_at_object(input: &Input, outputs: &mut VecDeque<Output>) {
    if matches!(input, Input::Line { line, .. } if line.starts_with(b"{")) {
        outputs.push_back(stop(false));
    }
}

#[test]
fn a_container_is_attached_and_watched_before_it_is_started() {
    let go = Arc::new(AtomicUsize::new(0));
    let fake = Fake::new(move |asked, stream| {
        if is(asked, "/start") {
            go.store(1, Ordering::SeqCst);
            answer(stream, "204 No Content", "");
            return true;
        }
        if is(asked, "/attach") {
            stream.write_all(UPGRADED).unwrap();
            // It echoes what it is told, and leaves when it is told no more.
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap() > 0 {
                assert_eq!(go.load(Ordering::SeqCst), 1, "spoken to before it was started");
                stream.write_all(&frame(1, line.as_bytes())).unwrap();
                line.clear();
            }
            stream.write_all(&frame(2, b"bye\n")).unwrap();
            go.store(2, Ordering::SeqCst);
            return true;
        }
        if is(asked, "/wait") {
            stream.write_all(WAITING).unwrap();
            eventually(|| go.load(Ordering::SeqCst) == 2);
            stream.write_all(EXITED).unwrap();
            return true;
        }
        false
    });
    // Said before it runs, which must wait.
    let first = [send("{\"n\":1}"), send("[2]")];
    let world = World::with(
        fake.options(),
        std::iter::once(spawn(container(&["img"], true))).chain(first).collect(),
        |input, outputs| {
            if matches!(input, Input::Line { line, .. } if **line == *b"[2]") {
                outputs.push_back(stop(false));
            }
        },
    );
    let (mut said, end) = listen(&world);
    said.sort();
    assert_eq!(said, ["!bye", "=[2]", "={\"n\":1}"]);
    assert_eq!(end, ChildEnd::Exited(3));
    let asked = fake.asked();
    let place = |part: &str| asked.iter().position(|line| line.contains(part)).unwrap();
    assert!(place("/attach") < place("/wait") && place("/wait") < place("/start"), "{asked:?}");
    assert!(asked[place("/create")].starts_with("POST /v1.41/containers/create"), "{asked:?}");
}

#[test]
fn labels_and_variables_are_ours() {
    let bodies = Arc::new(Mutex::new(String::new()));
    let seen = bodies.clone();
    let fake = Fake::new(move |asked, _| {
        if is(asked, "/create") {
            seen.lock().unwrap().push_str(&asked.body);
        }
        false
    });
    let mut command = container(&["-e", "TOKEN", "-e", "GONE", "-e", "A=b", "img", "run"], true);
    command.env.push(("TOKEN".into(), Secret::new(b"t\"1")));
    let _world = fake.world(command, Vec::new());
    fake.wait_for("POST /v1.41/containers/c0ffee/start");
    let body = bodies.lock().unwrap().clone();
    assert!(body.contains("\"Env\":[\"TOKEN=t\\\"1\",\"A=b\"]"), "{body}");
    assert!(body.contains("\"penstock.instance\":\"word\""), "{body}");
    assert!(body.contains("\"penstock.owner\":\"b.1.2.3\""), "{body}");
    assert!(body.contains("\"LogConfig\":{\"Type\":\"none\"}"), "{body}");
}

#[test]
fn frames_may_be_cut_anywhere() {
    let fake = Fake::new(|asked, stream| {
        if is(asked, "/attach") {
            let mut bytes = UPGRADED.to_vec();
            for (kind, text) in [(1, "{\"a\""), (2, "oops\n"), (1, ":1}\n[2"), (1, ""), (1, "]\n")]
            {
                bytes.extend(frame(kind, text.as_bytes()));
            }
            for byte in bytes {
                stream.write_all(&[byte]).unwrap();
                std::thread::sleep(Duration::from_micros(300));
            }
            return true;
        }
        if is(asked, "/wait") {
            for byte in WAITING {
                stream.write_all(&[*byte]).unwrap();
                std::thread::sleep(Duration::from_micros(300));
            }
            std::thread::sleep(Duration::from_millis(300));
            let _ = stream.write_all(EXITED);
            return true;
        }
        false
    });
    let (mut said, end) = listen(&fake.world(container(&["img"], true), Vec::new()));
    said.sort();
    assert_eq!(said, ["!oops", "=[2]", "={\"a\":1}"]);
    assert_eq!(end, ChildEnd::Exited(3));
}

#[test]
fn an_image_that_is_not_there_is_fetched_once() {
    let created = AtomicUsize::new(0);
    let fake = Fake::new(move |asked, stream| {
        if is(asked, "/images/create") {
            let login = "X-Registry-Auth: eyJ1c2VybmFtZSI6Im1lIiwicGFzc3dvcmQiOiJwIiwic2VydmVyYW\
                         RkcmVzcyI6InIuaW8ifQ==\r\n";
            assert!(asked.fields.contains(login), "{}", asked.fields);
            let lines = "{\"status\":\"Pulling from a/b\",\"id\":\"1\"}\r\n\
                         {\"status\":\"Downloading\",\"progressDetail\":{\"current\":1}}\r\n\
                         {\"status\":\"Done\"}\r\n";
            stream.write_all(WAITING).unwrap();
            let chunk = format!("{:x}\r\n{lines}\r\n0\r\n\r\n", lines.len());
            stream.write_all(chunk.as_bytes()).unwrap();
            return true;
        }
        if is(asked, "/containers/create") && created.fetch_add(1, Ordering::SeqCst) == 0 {
            answer(stream, "404 Not Found", "{\"message\":\"No such image: r.io/b:1\"}");
            return true;
        }
        if is(asked, "/wait") {
            stream.write_all(WAITING).unwrap();
            // Its end is told before its start.
            stream.write_all(EXITED).unwrap();
            return true;
        }
        if is(asked, "/attach") {
            stream.write_all(UPGRADED).unwrap();
            stream.write_all(&frame(1, b"{}\n")).unwrap();
            return true;
        }
        false
    });
    let mut command = container(&["r.io/b:1"], true);
    let dir = std::env::temp_dir().join(format!("penstock-test-login-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    // me:p
    let logins = "{\"auths\":{\"r.io\":{\"auth\":\"bWU6cA==\"}}}";
    std::fs::write(dir.join("config.json"), logins).unwrap();
    let place = Secret::new(dir.to_str().unwrap().as_bytes());
    command.env.push(("DOCKER_CONFIG".into(), place));
    let (said, end) = listen(&fake.world(command, Vec::new()));
    assert_eq!(said, ["!fetching the image r.io/b (1)", "!1: Pulling from a/b", "!Done", "={}"]);
    assert_eq!(end, ChildEnd::Exited(3));
    fake.wait_for("POST /v1.41/images/create?fromImage=r.io%2Fb&tag=1");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_image_that_cannot_be_fetched_is_left_to_the_command_line() {
    let script = |asked: &Asked, stream: &mut UnixStream| {
        if is(asked, "/containers/create") {
            answer(stream, "404 Not Found", "{\"message\":\"No such image: a:latest\"}");
            return true;
        }
        if is(asked, "/images/create") {
            answer(stream, "500 Oops", "{\"message\":\"denied: log in first\"}");
            return true;
        }
        false
    };
    let fake = Fake::new(script);
    let first = vec![spawn(container(&["a"], false)), send("{\"n\":1}")];
    let (said, end) = listen(&World::with(fake.options(), first, stop_at_object));
    // What was owed to the container is owed to the command.
    assert_eq!(said[2..], ["=[1]", "={\"n\":1}"], "{said:?}");
    assert!(said[1].ends_with("denied: log in first"), "{said:?}");
    assert_eq!(end, ChildEnd::Exited(0));
    let fake = Fake::new(script);
    let (_, end) = listen(&fake.world(container(&["a"], true), Vec::new()));
    let want = "the engine cannot fetch the image a: denied: log in first";
    assert_eq!(end, ChildEnd::NotStarted(want.to_owned()));
}

#[test]
fn an_engine_that_is_not_there_is_replaced_by_the_command_line_or_named() {
    let fake = Fake::new(|_, _| false);
    let mut options = fake.options();
    let nowhere = PathBuf::from("/nowhere/docker.sock");
    options.engine.as_mut().unwrap().socket = nowhere;
    let first = vec![spawn(container(&["img"], false)), send("{\"n\":1}")];
    let world = World::with(options.clone(), first, stop_at_object);
    let (said, end) = listen(&world);
    assert_eq!((said, end), (vec!["=[1]".into(), "={\"n\":1}".into()], ChildEnd::Exited(0)));
    drop(world);
    let world = World::with(options, vec![spawn(container(&["img"], true))], |_, _| {});
    let want = "the container engine cannot be asked: /nowhere/docker.sock: No such file or \
                directory";
    assert_eq!(listen(&world).1, ChildEnd::NotStarted(want.to_owned()));
}

#[test]
fn a_command_line_that_is_not_there_either_tells_both_reasons() {
    let fake = Fake::new(|_, _| false);
    let mut options = fake.options();
    options.engine.as_mut().unwrap().socket = "/nowhere/docker.sock".into();
    let command = ChildCommand { program: "no-such-program".into(), ..container(&["img"], false) };
    let world = World::with(options, vec![spawn(command)], |_, _| {});
    let ChildEnd::NotStarted(words) = listen(&world).1 else { panic!("it was started") };
    assert!(words.starts_with("the container engine cannot be asked: /nowhere/"), "{words}");
    assert!(words.ends_with("executable file not found in PATH"), "{words}");
}

#[test]
fn an_engine_that_speaks_another_version_says_so() {
    let fake = Fake::new(|asked, stream| {
        if asked.line == "GET /_ping" {
            stream.write_all(b"HTTP/1.1 200 OK\r\nApi-Version: 9.1\r\n\r\nOK").unwrap();
            return true;
        }
        if is(asked, "/create") {
            let message = "{\"message\":\"client version 1.47 is too old. Minimum: 1.99\"}";
            answer(stream, "400 Bad Request", message);
            return true;
        }
        false
    });
    let (_, end) = listen(&fake.world(container(&["img"], true), Vec::new()));
    let want = "client version 1.47 is too old. Minimum: 1.99";
    assert_eq!(end, ChildEnd::NotStarted(want.to_owned()));
    assert!(fake.asked().iter().any(|line| line.starts_with("POST /v1.47/containers/create")));
}

#[test]
fn whoever_listens_there_and_is_no_engine_is_not_taken_for_one() {
    let fake = Fake::new(|asked, stream| {
        let is_ping = asked.line == "GET /_ping";
        if is_ping {
            answer(stream, "200 OK", "hello");
        }
        is_ping
    });
    let (_, end) = listen(&fake.world(container(&["img"], true), Vec::new()));
    let want = "the container engine cannot be asked: it is no Docker engine";
    assert_eq!(end, ChildEnd::NotStarted(want.to_owned()));
}

#[test]
fn a_conflict_at_the_start_is_told_and_leaves_nothing() {
    let fake = Fake::new(|asked, stream| {
        let is_start = is(asked, "/start");
        if is_start {
            answer(stream, "409 Conflict", "{\"message\":\"driver failed:\\nport in use\"}");
        }
        is_start
    });
    let (_, end) = listen(&fake.world(container(&["img"], true), Vec::new()));
    assert_eq!(end, ChildEnd::NotStarted("driver failed: port in use".to_owned()));
    fake.wait_for("DELETE /v1.41/containers/c0ffee?force=1&v=1");
}

#[test]
fn an_engine_that_dies_takes_its_containers_with_it() {
    let fake = Fake::new(|asked, stream| {
        if is(asked, "/attach") {
            stream.write_all(UPGRADED).unwrap();
            stream.write_all(&frame(1, b"{\"half\":\"a mess")).unwrap();
            std::thread::sleep(Duration::from_millis(200));
            return true;
        }
        if is(asked, "/wait") {
            stream.write_all(WAITING).unwrap();
            std::thread::sleep(Duration::from_millis(200));
            return true;
        }
        false
    });
    let start = Instant::now();
    let (_, end) = listen(&fake.world(container(&["img"], true), Vec::new()));
    assert_eq!(end, ChildEnd::Lost("the engine has hung up".to_owned()));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_stream_without_frames_is_given_up_and_its_container_killed() {
    let fake = Fake::new(|asked, stream| {
        if is(asked, "/attach") {
            stream.write_all(UPGRADED).unwrap();
            // When it runs; before, it would not have been started.
            std::thread::sleep(Duration::from_millis(300));
            stream.write_all(b"{\"raw\":true}\n").unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            return true;
        }
        false
    });
    let world = fake.world(container(&["img"], true), Vec::new());
    fake.wait_for("POST /v1.41/containers/c0ffee/kill");
    let (said, end) = listen(&world);
    assert_eq!(said.len(), 0, "{said:?}");
    assert_eq!(end, ChildEnd::Lost("the engine's stream has lost its frames".to_owned()));
}

#[test]
fn a_container_that_is_not_wanted_any_more_is_removed_as_soon_as_it_has_a_name() {
    let asked_to_create = Arc::new(AtomicUsize::new(0));
    let seen = asked_to_create.clone();
    let fake = Fake::new(move |asked, stream| {
        let is_create = is(asked, "/containers/create");
        if is_create {
            seen.store(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(300));
            answer(stream, "201 Created", "{\"Id\":\"late1\"}");
        }
        is_create
    });
    let react = move |input: &Input, outputs: &mut VecDeque<Output>| {
        if let Input::Head { head, .. } = input
            && head.path() == b"/stop"
        {
            outputs.push_back(stop(true));
        }
    };
    let world = World::with(fake.options(), vec![spawn(container(&["img"], true))], react);
    eventually(|| asked_to_create.load(Ordering::SeqCst) == 1);
    crate::toy::ask(&mut world.connect(), "/stop", "");
    let (_, end) = listen(&world);
    assert_eq!(end, ChildEnd::NotStarted("it was told to leave before it ran".to_owned()));
    fake.wait_for("DELETE /v1.41/containers/late1");
    assert!(!fake.asked().iter().any(|line| line.contains("/start")));
}

#[test]
fn an_engine_that_starts_nothing_is_not_waited_for_forever() {
    let fake = Fake::new(|asked, stream| {
        let is_start = is(asked, "/start");
        if is_start {
            let _ = stream.read_to_end(&mut Vec::new());
        }
        is_start
    });
    let mut command = container(&["img"], true);
    let care = command.container.as_mut().unwrap();
    let plan = Plan::clone(care.plan.as_ref().unwrap());
    care.plan = Some(Arc::new(Plan { start_after_max: Duration::from_millis(300), ..plan }));
    let (_, end) = listen(&fake.world(command, Vec::new()));
    assert_eq!(end, ChildEnd::NotStarted("the engine has not started it in time".to_owned()));
    fake.wait_for("DELETE /v1.41/containers/c0ffee");
}

#[test]
fn whoever_does_not_leave_is_stopped_and_then_killed() {
    let fake = Fake::new(|_, _| false);
    let command = ChildCommand {
        leave_after_max: Duration::from_millis(100),
        term_after_max: Duration::from_millis(100),
        ..container(&["img"], true)
    };
    let react = move |input: &Input, outputs: &mut VecDeque<Output>| {
        if let Input::Head { head, .. } = input
            && head.path() == b"/stop"
        {
            outputs.push_back(stop(false));
        }
    };
    let world = World::with(fake.options(), vec![spawn(command)], react);
    fake.wait_for("POST /v1.41/containers/c0ffee/start");
    std::thread::sleep(Duration::from_millis(100));
    crate::toy::ask(&mut world.connect(), "/stop", "");
    fake.wait_for("POST /v1.41/containers/c0ffee/stop?t=2");
    fake.wait_for("POST /v1.41/containers/c0ffee/kill");
    // The fake never tells its end.
    assert!(matches!(listen(&world).1, ChildEnd::Killed(9) | ChildEnd::Mute));
    fake.wait_for("DELETE /v1.41/containers/c0ffee");
}

#[test]
fn what_gateways_before_us_have_left_is_removed_and_nothing_else() {
    let fake = Fake::new(|asked, stream| {
        if is(asked, "/containers/json") && is(asked, "status") {
            answer(stream, "200 OK", "[{\"Id\":\"alive\"}]");
            return true;
        }
        if is(asked, "/containers/json") {
            let listed = |id: &str, owner: &str| {
                format!("{{\"Id\":\"{id}\",\"Labels\":{{\"penstock.owner\":\"{owner}\"}}}}")
            };
            let all = [
                // In our namespace, and there is no such process.
                listed("a1", "b.1.4000000.5"),
                listed("a2", "b.2.1.1.alive"),
                listed("a3", "b.2.1.1.dead"),
                listed("a4", "b.2.1.1"),
                listed("a5", "c.1.4000000.5"),
                listed("a6", "nonsense"),
                listed("a7", "b.1.2.3"),
            ];
            answer(stream, "200 OK", &format!("[{}]", all.join(",")));
            return true;
        }
        false
    });
    let world = World::with(fake.options(), Vec::new(), |_, _| {});
    fake.wait_for("DELETE /v1.41/containers/a1");
    fake.wait_for("DELETE /v1.41/containers/a3");
    std::thread::sleep(Duration::from_millis(100));
    let removed = fake.asked().iter().filter(|line| line.starts_with("DELETE")).count();
    assert_eq!(removed, 2);
    drop(world);
}

#[test]
fn a_flood_of_frames_is_read_and_pausing_stops_it() {
    let fake = Fake::new(|asked, stream| {
        if is(asked, "/attach") {
            stream.write_all(UPGRADED).unwrap();
            let lines = frame(1, "{\"flood\":\"xxxxxxxxxxxxxxxxxxxxxx\"}\n".repeat(100).as_bytes());
            while stream.write_all(&lines).is_ok() {}
            return true;
        }
        false
    });
    let mut lines = 0;
    let react = move |input: &Input, outputs: &mut VecDeque<Output>| {
        if let Input::Line { .. } = input {
            lines += 1;
            if lines == 1000 {
                outputs.push_back(Output::PauseChild { backend: BACKEND, paused: true });
            }
        }
        if let Input::Head { head, .. } = input
            && head.path() == b"/on"
        {
            outputs.push_back(Output::PauseChild { backend: BACKEND, paused: false });
        }
    };
    let world = World::with(fake.options(), vec![spawn(container(&["img"], true))], react);
    let line = |fact| matches!(fact, Input::Line { .. }).then_some(());
    (0..1000).for_each(|_| world.wait(line));
    std::thread::sleep(Duration::from_millis(200));
    while world.facts.try_recv().is_ok() {}
    std::thread::sleep(Duration::from_millis(200));
    assert!(world.facts.try_recv().is_err(), "it was not paused");
    crate::toy::ask(&mut world.connect(), "/on", "");
    (0..1000).for_each(|_| world.wait(line));
}
