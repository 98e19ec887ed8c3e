// SPDX-License-Identifier: MIT
//! What `docker run` says, and what of it the engine can be told.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn parsed(line: &str) -> Run {
    let words: Vec<&str> = line.split_whitespace().collect();
    parse(&words).expect("it can be said")
}

#[track_caller]
fn check(line: &str, want: impl FnOnce(&mut Run)) {
    let mut run = Run { image: "img".into(), ..Run::default() };
    want(&mut run);
    assert_eq!(parsed(&format!("{line} img")), run, "{line}");
}

#[track_caller]
fn check_inexpressible(line: &str, want: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let shown = parse(&words).expect_err("it cannot be said").to_string();
    assert_eq!(shown, format!("not expressible: {want}"), "{line}");
}

fn list(words: &[&str]) -> Vec<Box<str>> {
    words.iter().map(|&word| word.into()).collect()
}

#[test]
fn every_flag_of_the_table_is_understood_in_all_its_spellings() {
    check("--rm -i --interactive=true", |_| {});
    check("-e A=1 -eB -e=C=2 --env D --env=E=x=y", |run| {
        run.env = list(&["A=1", "B", "C=2", "D", "E=x=y"]);
    });
    check("-iv /a:/b -v/c:/d:ro --volume=data:/e", |run| {
        run.volumes = list(&["/a:/b", "/c:/d:ro", "data:/e"]);
    });
    check("--network none", |run| run.network = Some("none".into()));
    check("--net=host", |run| run.network = Some("host".into()));
    check("--entrypoint /x --entrypoint /y", |run| run.entrypoint = Some("/y".into()));
    check("-w /w -u 1:2 -h name", |run| {
        run.workdir = Some("/w".into());
        run.user = Some("1:2".into());
        run.hostname = Some("name".into());
    });
    check("--cap-add NET_ADMIN --cap-drop=ALL", |run| {
        run.caps_added = list(&["NET_ADMIN"]);
        run.caps_dropped = list(&["ALL"]);
    });
    check("--security-opt no-new-privileges --security-opt=seccomp=unconfined", |run| {
        run.security = list(&["no-new-privileges", "seccomp=unconfined"]);
    });
    check("--read-only --init --init=false", |run| run.read_only = true);
    check("--tmpfs /tmp --tmpfs /run:rw,size=1m", |run| {
        run.tmpfs = vec![("/tmp".into(), "".into()), ("/run".into(), "rw,size=1m".into())];
    });
    check("--add-host a:1.2.3.4 --add-host=b=[::1] --add-host c:host-gateway", |run| {
        run.hosts = list(&["a:1.2.3.4", "b:::1", "c:host-gateway"]);
    });
    check("--label a=b=c -l d", |run| {
        run.labels = vec![("a".into(), "b=c".into()), ("d".into(), "".into())];
    });
    check("--name n --platform linux/arm64 --pull always --log-driver none", |run| {
        run.name = Some("n".into());
        run.platform = Some("linux/arm64".into());
        run.pull = Pull::Always;
        run.log_driver = Some("none".into());
    });
    check("--pids-limit -1", |run| run.pids_max = Some(-1));
}

#[test]
fn sizes_and_shares_are_exact() {
    for (text, want) in
        [("4", 4), ("4b", 4), ("4k", 4096), ("2M", 2 << 20), ("1g", 1 << 30), ("1GiB", 1 << 30)]
    {
        check(&format!("--memory {text}"), |run| run.memory = Some(want));
    }
    for (text, want) in [("2", 2_000_000_000), ("0.5", 500_000_000), ("1.000000001", 1_000_000_001)]
    {
        check(&format!("--cpus={text}"), |run| run.nano_cpus = Some(want));
    }
    for line in ["--memory 1.5g", "-m x", "--cpus .5", "--cpus 1e3", "--cpus 0.0000000001"] {
        check_inexpressible(&format!("{line} img"), line);
    }
    check_inexpressible("--memory 99999999999t img", "--memory 99999999999t");
}

#[test]
fn ports_are_single_ones() {
    let port = |address: &str, host: &str, inside: &str| Port {
        host_address: address.into(),
        host_port: host.into(),
        inside: inside.into(),
    };
    check("-p 80 -p 8080:80 --publish 127.0.0.1:1:2/udp -p 127.0.0.1::3", |run| {
        run.ports = vec![
            port("", "", "80/tcp"),
            port("", "8080", "80/tcp"),
            port("127.0.0.1", "1", "2/udp"),
            port("127.0.0.1", "", "3/tcp"),
        ];
    });
    for value in ["1-2:3-4", "0", "[::1]:1:2", "1:2:3:4", "80/icmp"] {
        check_inexpressible(&format!("-p {value} img"), &format!("-p {value}"));
    }
}

#[test]
fn mounts_are_read_field_by_field() {
    check("--mount type=bind,source=/a,target=/b,readonly --mount dst=/c,src=vol", |run| {
        let mount = |kind, source: &str, target: &str, read_only| Mount {
            kind,
            source: source.into(),
            target: target.into(),
            read_only,
        };
        run.mounts = vec![
            mount(MountKind::Bind, "/a", "/b", true),
            mount(MountKind::Volume, "vol", "/c", false),
        ];
    });
    for value in
        ["type=npipe,target=/a", "type=bind,src=a,dst=/b", "type=tmpfs,tmpfs-size=1,dst=/a"]
    {
        check_inexpressible(&format!("--mount {value} img"), &format!("--mount {value}"));
    }
}

#[test]
fn what_is_not_in_the_table_is_named() {
    for (line, want) in [
        ("--gpus all img", "--gpus"),
        ("-it img", "-t"),
        ("-d img", "-d"),
        ("--rm=false img", "--rm=false"),
        ("--cidfile=/x img", "--cidfile"),
        ("--never-heard-of x img", "--never-heard-of"),
        ("--network name=a,alias=b img", "--network name=a,alias=b"),
        ("--network a --network b img", "--network b"),
        ("-v ./here:/there img", "-v ./here:/there"),
        ("-v /anonymous img", "-v /anonymous"),
        ("--security-opt seccomp=/profile.json img", "--security-opt seccomp=/profile.json"),
        ("--pull sometimes img", "--pull sometimes"),
        ("--rm", "the image is missing"),
        ("--name", "the value of --name is missing"),
        ("--env =secret img", "--env"),
    ] {
        check_inexpressible(line, want);
    }
}

#[test]
fn what_stands_behind_the_image_is_the_containers() {
    let run = parsed("--rm img --gpus all -- x");
    assert_eq!(run.command, list(&["--gpus", "all", "--", "x"]));
    assert_eq!(&*parsed("-i -- img").image, "img");
}

proptest! {
    #[test]
    fn any_words_are_a_container_or_a_reason(
        words in prop::collection::vec("(-|--)?[a-z=:/0-9]{0,12}|-e|-v|--mount|-p|--memory|é", 0..8)
    ) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match parse(&words) {
            Ok(run) => {
                // The image and the command are the last words, unchanged.
                let tail = words.len() - run.command.len();
                prop_assert_eq!(&*run.image, words[tail - 1]);
            }
            Err(why) => prop_assert!(!why.0.is_empty()),
        }
    }
}
