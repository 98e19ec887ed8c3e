// SPDX-License-Identifier: MIT
//! A child process: the real stdio link, and a server behind it.

use std::collections::VecDeque;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Input};
use penstock::link::stdio::{Stdio, StdioEvent};

use crate::brain::{Brain, Heard, Manner, Said, Task};
use crate::dice::Dice;
use crate::modern_brain::Subscription;
use crate::socket::{front_of, take};
use crate::world::World;

pub struct Child {
    pub link: Stdio,
    brain: Brain,
    pub manner: Manner,
    tasks: Vec<Task>,
    subscriptions: Vec<Subscription>,
    stdin: Vec<u8>,
    stdout: VecDeque<u8>,
    pub paused: bool,
    full: bool,
    pub stopping: bool,
    /// `ChildClosed` is on its way.
    pub closed: bool,
}

impl World {
    pub fn spawn(&mut self, key: Key<Backend>, server: usize) {
        let server = &self.servers[server];
        let child = Child {
            link: Stdio::new(self.limits.clone()),
            brain: Brain::bound(server.shared, server.temper),
            manner: server.manner,
            tasks: Vec::new(),
            subscriptions: Vec::new(),
            stdin: Vec::new(),
            stdout: VecDeque::new(),
            paused: false,
            full: false,
            stopping: false,
            closed: false,
        };
        assert!(self.children.insert(key, child).is_none(), "spawned twice");
        assert!(self.children.len() <= self.limits.children_max, "too many children");
        if self.dice.one_in(self.children[&key].manner.refuse * 3) {
            self.bury(key, ChildEnd::NotStarted("no such file".into()));
        }
    }

    pub fn child_mut(&mut self, key: Key<Backend>) -> &mut Child {
        self.children.get_mut(&key).expect("said to a child that is gone")
    }

    pub fn send_to_child(&mut self, key: Key<Backend>, message: &penstock::wire::Splice) {
        self.child_mut(key).link.send(message);
        self.note_child_fullness(key);
    }

    fn note_child_fullness(&mut self, key: Key<Backend>) {
        let max = self.limits.backend_outbox_bytes_max;
        let Some(child) = self.children.get_mut(&key) else { return };
        let owed = child.link.outbox().len();
        if !child.full && owed > max {
            child.full = true;
            self.inbox.push_back(Input::BackendFull { backend: key });
        } else if child.full && owed <= max / 2 {
            child.full = false;
            self.inbox.push_back(Input::BackendDrained { backend: key });
        }
    }

    /// The child reads some of its stdin.
    pub fn pump_stdin(&mut self, key: Key<Backend>, n: usize) -> bool {
        let Some(child) = self.children.get_mut(&key).filter(|child| !child.closed) else {
            return false;
        };
        if child.link.outbox().is_empty() {
            return false;
        }
        let bytes = front_of(child.link.outbox(), n);
        child.link.wrote(bytes.len());
        child.stdin.extend(bytes);
        while let Some(end) = child.stdin.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = child.stdin.drain(..=end).collect();
            let line = String::from_utf8(line).unwrap();
            match child.brain.hear(&line, &mut self.ledger, &mut self.dice, &child.manner) {
                Heard::Answer(answer) => child.print(&answer),
                Heard::Task(task) => child.tasks.push(task),
                Heard::Cancelled(id) => child.cancelled(&id, &mut self.dice),
                Heard::Reply(id) => child.replied(&id),
                Heard::Subscribed(id, filter) => {
                    child.subscriptions.push(Subscription::new(id, filter));
                }
                Heard::Exit => {
                    self.bury(key, ChildEnd::Exited(2));
                    return true;
                }
                Heard::Nothing => {}
            }
        }
        self.note_child_fullness(key);
        true
    }

    /// Some of the child's stdout arrives.
    pub fn pump_stdout(&mut self, key: Key<Backend>, n: usize) -> bool {
        let n = n.min(self.piece_max);
        let Some(child) = self.children.get_mut(&key) else { return false };
        if child.paused || child.closed || child.stdout.is_empty() || !child.link.wants_stdout() {
            return false;
        }
        let bytes = take(&mut child.stdout, n);
        child.link.feed_stdout(&bytes);
        self.take_lines(key);
        true
    }

    fn take_lines(&mut self, key: Key<Backend>) {
        let Some(child) = self.children.get_mut(&key) else { return };
        while let Some(event) = child.link.poll_event() {
            if child.closed && matches!(event, StdioEvent::LineBegins(_)) {
                continue;
            }
            self.inbox.push_back(match event {
                StdioEvent::Line(line) => Input::Line { backend: key, line },
                StdioEvent::LineBegins(start) => Input::LineBegins { backend: key, start },
                StdioEvent::LinePart(block) => Input::LinePart { backend: key, block },
                StdioEvent::LineEnd => Input::LineEnd { backend: key },
                StdioEvent::Noise(line) => Input::Noise { backend: key, line },
                StdioEvent::LineTooLong(start) => Input::LineTooLong { backend: key, start },
                StdioEvent::Stderr(line) => Input::Stderr { backend: key, line },
            });
        }
    }

    /// The child does something, if there is something to do.
    pub fn child_acts(&mut self, key: Key<Backend>) -> bool {
        let (now, calm) = (self.now.mono, self.weather.calm);
        let Some(child) = self.children.get_mut(&key).filter(|child| !child.closed) else {
            return false;
        };
        let (dice, m) = (&mut self.dice, child.manner);
        if child.stopping {
            // A stubborn child is killed in the end.
            if m.linger == 0 || dice.one_in(m.linger) {
                self.bury(key, ChildEnd::Exited(0));
            }
            return true;
        }
        if dice.one_in(m.noise) {
            let noise = dice.pick(&["Listening on stdio", "", "{not json}", "\u{feff}  ", "[]"]);
            child.print(noise);
            child.link.feed_stderr(b"warning: a line of stderr that is rather long\n");
            self.take_lines(key);
            return true;
        }
        if dice.one_in(m.notify)
            && let Some(remark) = child.brain.remark(dice)
        {
            child.print(&remark);
        }
        let subscribed = child.speak_of_changes(dice, &m);
        child.tasks.retain(|task| calm || now < task.until);
        if child.tasks.is_empty() {
            return subscribed;
        }
        if dice.one_in(m.crash * 2) {
            self.bury(key, ChildEnd::Killed(11));
            return true;
        }
        let at = dice.below(child.tasks.len());
        match child.tasks[at].speak(&mut self.ledger, dice, &m) {
            Said::Before(text) => child.print(&text),
            Said::Answer(text) => {
                child.tasks.swap_remove(at);
                if dice.one_in(m.half) {
                    child.stdout.extend(&text.as_bytes()[..text.len() / 2]);
                    self.bury(key, ChildEnd::Exited(1));
                    return true;
                }
                if dice.one_in(6) {
                    child.print(&format!("[{text}]"));
                } else {
                    child.print(&text);
                }
                if dice.one_in(m.twice) {
                    child.print(&text);
                }
            }
            Said::Never => return false,
        }
        true
    }

    /// The child ends: what it has written is read, and the gateway is told.
    fn bury(&mut self, key: Key<Backend>, why: ChildEnd) {
        // The loop asks about a long line before anything else happens.
        if self.children.get(&key).is_some_and(|child| !child.link.wants_stdout()) {
            self.think();
        }
        let Some(child) = self.children.get_mut(&key) else { return };
        child.closed = true;
        let rest: Vec<u8> = child.stdout.drain(..).collect();
        if child.link.wants_stdout() {
            child.link.feed_stdout(&rest);
        }
        // The loop would wait for the answer; here it is always the same.
        if !child.link.wants_stdout() {
            child.link.decide(false);
        }
        child.link.end_of_stdout();
        child.link.end_of_stderr();
        self.take_lines(key);
        self.inbox.push_back(Input::ChildClosed { backend: key, why });
    }
}

impl Child {
    /// Whoever gives a task up may still hear what was said of it before.
    fn cancelled(&mut self, id: &str, dice: &mut Dice) {
        self.subscriptions.retain(|one| one.id != id);
        for task in self.tasks.iter_mut().filter(|task| task.id == id) {
            task.waits_for = None;
        }
        // Some servers do not listen.
        if !dice.one_in(4) {
            self.tasks.retain(|task| task.id != id);
        }
    }

    fn replied(&mut self, id: &str) {
        self.tasks.iter_mut().for_each(|task| task.replied(id));
    }

    /// Says something about one subscription; whether it was what had to be said.
    fn speak_of_changes(&mut self, dice: &mut Dice, m: &Manner) -> bool {
        let at = dice.below(self.subscriptions.len());
        let Some(one) = self.subscriptions.get_mut(at) else { return false };
        if one.acknowledged && dice.one_in(m.linger * 9) {
            let last = one.end();
            self.subscriptions.swap_remove(at);
            self.print(&last);
            return true;
        }
        let Some(said) = one.speak(dice, m) else { return false };
        self.print(&said);
        said.contains("acknowledged")
    }

    fn print(&mut self, line: &str) {
        self.stdout.extend(line.as_bytes());
        self.stdout.push_back(b'\n');
    }
}
