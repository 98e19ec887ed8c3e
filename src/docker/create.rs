// SPDX-License-Identifier: MIT
//! The body of ContainerCreate: what `docker run` would say about a container, and that its three
//! streams are attached to whoever starts it.
//!
//! Spec: Docker Engine API, ContainerCreate.

use std::collections::BTreeMap;

use super::run_args::{MountKind, Port, Run};
use crate::wire::json::write::{self, ObjectWriter};

/// Appends the body. `labels` are ours, beside those of `run`; `variable` knows the values of
/// variables that are passed on by name. One that is not known is not passed on.
pub fn push(
    out: &mut Vec<u8>,
    run: &Run,
    labels: &[(&str, &str)],
    variable: impl Fn(&str) -> Option<String>,
) {
    write::object(out, |body| {
        body.str("Image", &run.image);
        if !run.command.is_empty() {
            texts(body, "Cmd", &run.command);
        }
        if let Some(entrypoint) = &run.entrypoint {
            texts(body, "Entrypoint", std::slice::from_ref(entrypoint));
        }
        body.array("Env", |env| {
            for word in &run.env {
                if word.contains('=') {
                    env.str(word);
                } else if let Some(value) = variable(word) {
                    env.str(&format!("{word}={value}"));
                }
            }
        });
        // Of two labels of one name the last counts, and ours always do.
        let own = run.labels.iter().map(|(name, value)| (&**name, &**value));
        let labels: BTreeMap<&str, &str> = own.chain(labels.iter().copied()).collect();
        body.object("Labels", |object| {
            for (name, value) in labels {
                object.str(name, value);
            }
        });
        body.opt_str("User", run.user.as_deref()).opt_str("WorkingDir", run.workdir.as_deref());
        body.opt_str("Hostname", run.hostname.as_deref());
        body.bool("AttachStdin", true).bool("AttachStdout", true).bool("AttachStderr", true);
        body.bool("OpenStdin", true).bool("StdinOnce", true).bool("Tty", false);
        let ports = by_inside(&run.ports);
        if !ports.is_empty() {
            body.object("ExposedPorts", |object| {
                for inside in ports.keys() {
                    object.object(inside, |_| {});
                }
            });
        }
        body.object("HostConfig", |host| host_config(host, run, &ports));
    });
}

type Ports<'r> = BTreeMap<&'r str, Vec<&'r Port>>;

fn by_inside(ports: &[Port]) -> Ports<'_> {
    let mut sorted = Ports::new();
    for port in ports {
        sorted.entry(&*port.inside).or_default().push(port);
    }
    sorted
}

fn host_config(host: &mut ObjectWriter<'_>, run: &Run, ports: &Ports<'_>) {
    host.bool("AutoRemove", true);
    // Without `none` the engine keeps a copy of every message on its disk.
    host.object("LogConfig", |log| {
        log.str("Type", run.log_driver.as_deref().unwrap_or("none"));
    });
    host.opt_str("NetworkMode", run.network.as_deref());
    for (name, list) in [
        ("Binds", &run.volumes),
        ("CapAdd", &run.caps_added),
        ("CapDrop", &run.caps_dropped),
        ("ExtraHosts", &run.hosts),
        ("SecurityOpt", &run.security),
    ] {
        if !list.is_empty() {
            texts(host, name, list);
        }
    }
    if !run.mounts.is_empty() {
        host.array("Mounts", |mounts| {
            for mount in &run.mounts {
                mounts.object(|object| {
                    let kind = match mount.kind {
                        MountKind::Bind => "bind",
                        MountKind::Volume => "volume",
                        MountKind::Tmpfs => "tmpfs",
                    };
                    object.str("Type", kind).str("Source", &mount.source);
                    object.str("Target", &mount.target).bool("ReadOnly", mount.read_only);
                });
            }
        });
    }
    if !run.tmpfs.is_empty() {
        let sorted: BTreeMap<_, _> = run.tmpfs.iter().map(|(path, how)| (path, how)).collect();
        host.object("Tmpfs", |object| {
            for (path, how) in sorted {
                object.str(path, how);
            }
        });
    }
    if !ports.is_empty() {
        host.object("PortBindings", |object| bindings(object, ports));
    }
    if let Some(bytes) = run.memory {
        host.u64("Memory", bytes);
    }
    if let Some(share) = run.nano_cpus {
        host.u64("NanoCpus", share);
    }
    if let Some(max) = run.pids_max {
        host.i64("PidsLimit", max);
    }
    if run.read_only {
        host.bool("ReadonlyRootfs", true);
    }
    if run.init {
        host.bool("Init", true);
    }
}

fn bindings(object: &mut ObjectWriter<'_>, ports: &Ports<'_>) {
    for (inside, ports) in ports {
        object.array(inside, |list| {
            for port in ports {
                list.object(|binding| {
                    binding.str("HostIp", &port.host_address).str("HostPort", &port.host_port);
                });
            }
        });
    }
}

fn texts(object: &mut ObjectWriter<'_>, name: &str, list: &[Box<str>]) {
    object.array(name, |array| {
        for text in list {
            array.str(text);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::run_args;
    use super::*;
    use crate::wire::json::tree;

    #[track_caller]
    fn check(line: &str, labels: &[(&str, &str)], want: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let run = run_args::parse(&words).expect("it can be said");
        let mut out = Vec::new();
        let variable = |name: &str| (name == "TOKEN").then(|| "a\"b".to_owned());
        push(&mut out, &run, labels, variable);
        tree::parse(&out, 8).expect("JSON");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, want.replace('\'', "\""));
    }

    #[test]
    fn a_bare_container_is_attached_unlogged_and_removed() {
        check(
            "img",
            &[],
            "{'Image':'img','Env':[],'Labels':{},'AttachStdin':true,'AttachStdout':true,\
             'AttachStderr':true,'OpenStdin':true,'StdinOnce':true,'Tty':false,\
             'HostConfig':{'AutoRemove':true,'LogConfig':{'Type':'none'}}}",
        );
    }

    #[test]
    fn every_flag_has_its_member() {
        check(
            "-e A=1 -e TOKEN -e UNKNOWN --label l=1 --label own=theirs -u 1 -w /w -h h \
             --entrypoint /e -p 80 -p 1:80/tcp -v /a:/b --cap-add X --cap-drop ALL --add-host a:b \
             --security-opt no-new-privileges --mount type=bind,src=/s,dst=/d --tmpfs /t:rw \
             --memory 1k --cpus 1.5 --pids-limit 9 --read-only --init --network none \
             --log-driver local img one two",
            &[("own", "ours")],
            "{'Image':'img','Cmd':['one','two'],'Entrypoint':['/e'],\
             'Env':['A=1','TOKEN=a\\'b'],'Labels':{'l':'1','own':'ours'},'User':'1',\
             'WorkingDir':'/w','Hostname':'h','AttachStdin':true,'AttachStdout':true,\
             'AttachStderr':true,'OpenStdin':true,'StdinOnce':true,'Tty':false,\
             'ExposedPorts':{'80/tcp':{}},'HostConfig':{'AutoRemove':true,\
             'LogConfig':{'Type':'local'},'NetworkMode':'none','Binds':['/a:/b'],'CapAdd':['X'],\
             'CapDrop':['ALL'],'ExtraHosts':['a:b'],'SecurityOpt':['no-new-privileges'],\
             'Mounts':[{'Type':'bind','Source':'/s','Target':'/d','ReadOnly':false}],\
             'Tmpfs':{'/t':'rw'},'PortBindings':{'80/tcp':[{'HostIp':'','HostPort':''},\
             {'HostIp':'','HostPort':'1'}]},'Memory':1024,'NanoCpus':1500000000,'PidsLimit':9,\
             'ReadonlyRootfs':true,'Init':true}}",
        );
    }
}
