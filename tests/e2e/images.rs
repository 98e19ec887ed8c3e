// SPDX-License-Identifier: MIT
//! The images of `docker/Dockerfile`, built and started on a real engine.
//!
//! There is no registry: `scripts/base-images.sh` makes the base images out of this machine.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::child::{Process, eventually, run};
use crate::http::{self, Mcp};
use crate::place::{PENSTOCK, Scratch, free_port, root, stub};

fn docker(args: &[&str]) -> String {
    run(Command::new("docker").env("DOCKER_BUILDKIT", "0").args(args)).trim().to_owned()
}

/// What the engine itself puts into every container, and what the test does.
const ADDED: &[&str] = &[".dockerenv", "config.toml", "dev/", "etc/", "proc/", "sys/", "tmp/"];

/// The limit of the slim image, in bytes.
const IMAGE_BYTES_MAX: u64 = 7_000_000;

/// The files of the image that a container was made of, in order.
fn files_in(container: &str) -> Vec<String> {
    let script = format!("docker export {container} | tar -t");
    let listed = run(Command::new("sh").args(["-c", &script]));
    let is_own = |path: &&str| !ADDED.iter().any(|added| path.starts_with(added));
    let mut files: Vec<String> = listed
        .lines()
        .filter(|path| !path.ends_with('/'))
        .filter(is_own)
        .map(str::to_owned)
        .collect();
    files.sort();
    files
}

/// Builds both images, once for all tests here.
fn images() -> [&'static str; 2] {
    static BUILT: OnceLock<()> = OnceLock::new();
    let images = ["penstock-e2e:plain", "penstock-e2e:cli"];
    BUILT.get_or_init(|| {
        let bases = ["penstock-e2e-build", "penstock-e2e-docker"];
        run(Command::new(root().join("scripts/base-images.sh")).args(bases));
        for image in images {
            let file = root().join("docker/Dockerfile").display().to_string();
            let target = image.rsplit(':').next().unwrap();
            let context = root().display().to_string();
            let base = format!("BASE={}", bases[0]);
            let cli = format!("CLI={}", bases[1]);
            let mut args = vec!["build", "-q", "-f", &file, "--target", target, "-t", image];
            args.extend(["--build-arg", &base, "--build-arg", &cli]);
            // The same features for both: then the second one is built out of the cache.
            args.extend(["--build-arg", "FEATURES=slim"]);
            args.extend(["--build-arg", "CARGO_FLAGS=--offline", &context]);
            docker(&args);
        }
    });
    images
}

/// A gateway in a container: `docker run` in the foreground, removed by its name.
struct Contained {
    process: Process,
    name: String,
    scratch: Scratch,
    addr: String,
}

impl Contained {
    /// `options` go before the image, `flags` after it; `config` is its standard input.
    #[track_caller]
    fn start(name: &str, image: &str, options: &[&str], flags: &[&str], config: &str) -> Self {
        let scratch = Scratch::new(name);
        let name = scratch.path().file_name().unwrap().to_str().unwrap().to_owned();
        let addr = format!("127.0.0.1:{}", free_port());
        let port = format!("MCP_GATEWAY_PORT={}", addr.rsplit(':').next().unwrap());
        let mut command = Command::new("docker");
        command.args(["run", "-i", "--rm", "--name", &name, "--network", "host", "-e", &port]);
        command.args(["--health-interval", "1s"]).args(options).arg(image).args(flags);
        command.args(["--listen", &addr]).stdin(Stdio::piped());
        let (out, err) = (scratch.file("stdout"), scratch.file("stderr"));
        let mut process = Process::start(&mut command, Path::new(&out), Path::new(&err));
        process.stdin().write_all(config.as_bytes()).unwrap();
        let contained = Self { process, name, scratch, addr };
        eventually("the gateway answers", Duration::from_secs(20), || {
            http::get(&contained.addr, "/health").ok().filter(|health| health.status == 200)
        });
        contained
    }

    #[track_caller]
    fn check_healthy(&self) {
        let ask = || docker(&["inspect", "-f", "{{.State.Health.Status}}", &self.name]);
        eventually("the engine calls it healthy", Duration::from_secs(20), || {
            (ask() == "healthy").then_some(())
        });
    }

    /// As `docker stop` does it: SIGTERM, and SIGKILL after ten seconds.
    #[track_caller]
    fn check_stop(&mut self) {
        let started = Instant::now();
        docker(&["stop", &self.name]);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(9), "it had to be killed: {took:?}");
        let status = self.process.wait(Duration::from_secs(5));
        let log = fs::read_to_string(self.scratch.file("stderr")).unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", &self.name]).output();
    }
}

const ADD: &str = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\
                   \"name\":\"exact_calculate\",\"arguments\":{\"operator\":\"add\",\
                   \"operands\":[\"0.1\",\"0.2\"]}}}";

#[test]
#[ignore = "needs a Docker engine; scripts/test.sh runs it"]
fn the_plain_image_serves_http_servers_and_commands_without_root() {
    let [plain, _] = images();
    let scratch = Scratch::new("image-plain-config");
    let backend = format!("127.0.0.1:{}", free_port());
    let (out, err) = (scratch.file("out"), scratch.file("err"));
    let mut command = Command::new(PENSTOCK);
    command.args(["serve", "calculator", "--http", &backend]).stdin(Stdio::null());
    let _calculator = Process::start(&mut command, Path::new(&out), Path::new(&err));
    eventually("the calculator listens", Duration::from_secs(10), || {
        http::get(&backend, "/health").ok()
    });

    let config = format!(
        "[servers.remote]\ntype = \"http\"\nurl = \"http://{backend}/mcp\"\n\n\
         [servers.local]\ncommand = \"/app/awmg\"\nargs = [\"serve\", \"calculator\"]\n"
    );
    fs::write(scratch.file("config.toml"), config).unwrap();
    let mount = format!("{}:/config.toml:ro", scratch.file("config.toml"));
    let mut options = vec!["-v", &mount, "--read-only", "--tmpfs", "/tmp:mode=1777"];
    options.extend(["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
    let flags = ["--config", "/config.toml", "--log-dir", "/tmp/logs"];
    let mut gateway = Contained::start("image-plain", plain, &options, &flags, "");
    for server in ["remote", "local"] {
        let mut client = Mcp::new(&gateway.addr, server, None);
        client.initialize("2025-11-25");
        let sum = client.post(ADD).unwrap();
        assert!(sum.answer().contains("0.3"), "{server}: {sum:?}");
    }
    gateway.check_healthy();
    let log = fs::read_to_string(gateway.scratch.file("stderr")).unwrap();
    assert!(log.contains("sandbox: seccomp on ("), "{log}");
    let user = docker(&["inspect", "-f", "{{.Config.User}}", &gateway.name]);
    assert_eq!(user, "65532:65532");
    let files = files_in(&gateway.name);
    let wanted = ["app/awmg", "licences/LICENSE", "licences/THIRD-PARTY.txt", "usr/bin/penstock"];
    assert_eq!(files, wanted, "the binary, the licences, and nothing else");
    gateway.check_stop();
    let bytes: u64 = docker(&["inspect", "-f", "{{.Size}}", plain]).parse().unwrap();
    println!("the plain image has {bytes} bytes");
    assert!(bytes < IMAGE_BYTES_MAX, "{bytes} bytes");
}

#[test]
#[ignore = "needs a Docker engine; scripts/test.sh runs it"]
fn the_cli_image_serves_containers_at_the_launch_line_of_ado_aw() {
    let [_, cli] = images();
    check_containers("image-cli", cli, &[]);
}

#[test]
#[ignore = "needs a Docker engine; scripts/test.sh runs it"]
fn the_plain_image_serves_containers_with_nothing_but_the_socket() {
    let [plain, _] = images();
    check_containers("image-socket", plain, &["--user", "0", "--read-only", "--cap-drop", "ALL"]);
}

/// A server in a container beside the gateway's own; `more` are options of the latter.
#[track_caller]
fn check_containers(name: &str, gateway_image: &str, more: &[&str]) {
    let socket = env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    let socket = socket.strip_prefix("unix://").expect("an engine behind a unix socket").to_owned();
    let scratch = Scratch::new(&format!("{name}-server"));
    fs::copy(stub(), scratch.file("stub")).unwrap();
    let recipe =
        format!("FROM scratch\nLABEL test={name}\nCOPY stub /stub\nENTRYPOINT [\"/stub\"]\n");
    fs::write(scratch.file("Dockerfile"), recipe).unwrap();
    let image = &format!("penstock-e2e-{name}");
    docker(&["build", "-q", "-t", image, &scratch.path().display().to_string()]);

    let config = format!(
        "{{\"mcpServers\":{{\"it\":{{\"type\":\"stdio\",\"container\":\"{image}\",\
         \"entrypointArgs\":[\"deaf\"],\"args\":[\"--network\",\"none\"]}}}},\
         \"gateway\":{{\"port\":8080,\"domain\":\"awmg-mcpg\",\"apiKey\":\"key\"}}}}"
    );
    let mount = format!("{socket}:/var/run/docker.sock");
    let mut options =
        vec!["--entrypoint", "/app/awmg", "-v", &mount, "-e", "MCP_GATEWAY_DOMAIN=awmg-mcpg"];
    options.extend(["--tmpfs", "/tmp"].iter().chain(more));
    let flags = ["--routed", "--config-stdin", "--log-dir", "/tmp/gh-aw/mcp-logs"];
    let mut gateway = Contained::start(name, gateway_image, &options, &flags, &config);
    let mut client = Mcp::new(&gateway.addr, "it", Some("key"));
    client.initialize("2025-03-26");
    let tools = client.post("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}").unwrap();
    assert!(tools.body.contains("\"name\":\"noop\""), "{tools:?}");
    gateway.check_healthy();
    gateway.check_stop();
    let left = docker(&["ps", "-aq", "--filter", &format!("ancestor={image}")]);
    assert_eq!(left, "", "containers are left");
    docker(&["rmi", "-f", image]);
}
