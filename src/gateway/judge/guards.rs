// SPDX-License-Identifier: MIT
//! The guards of all servers: what is ready to judge, who waits for it, and what was learned.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Judging;
use super::listed::Listed;
use super::piece::{Asking, Module, Piece, Running};
use crate::base::{Key, Message, Now, Rng};
use crate::gateway::snapshot::{ServerId, Snapshot, WatchKind};
use crate::policy::auth::Principal;
use crate::policy::guard::{GuardError, Label, Labels, Mode, Need, PERMISSION_TOOL, github, wasm};
use crate::wire::json::{edit, scan};

/// How long a fact about a repository or a user is believed.
const FACT_AFTER_MAX: Duration = Duration::from_secs(5 * 60);
/// A longer answer is not kept.
const FACT_BYTES_MAX: usize = 16 * 1024;
/// The tool whose answers say whether a repository is private.
const VISIBILITY_TOOL: &str = "search_repositories";

/// All guards, and what they know.
#[derive(Default)]
pub struct Guards {
    servers: Vec<Option<One>>,
    facts: HashMap<(ServerId, Principal, Need), (Message, Instant)>,
    facts_max: usize,
    instances_max: usize,
    /// Identities that a server's guard has given labels to.
    known: HashSet<(Principal, ServerId)>,
    rng: Option<Rng>,
}

/// The guard of one server.
enum One {
    GitHub {
        policy: Arc<github::Policy>,
        agent: Given,
    },
    Wasm(Box<Loaded>),
    /// Its policy or its module is not one: nothing passes.
    Broken(Box<str>),
}

impl One {
    /// What it gives to each identity, as far as it is known.
    fn gives(&self) -> Option<&Given> {
        match self {
            Self::GitHub { agent, .. } => Some(agent),
            Self::Wasm(loaded) => loaded.agent.as_ref(),
            Self::Broken(_) => None,
        }
    }
}

/// A module and its instances.
struct Loaded {
    module: Option<Arc<wasm::Module>>,
    policy: Message,
    idle: Vec<wasm::Instance>,
    /// How many instances there are, at work ones included.
    n: usize,
    waiting: VecDeque<Key<Judging>>,
    agent: Option<Given>,
    /// Which tools of its server only read.
    tools: Listed,
}

/// What a guard gives to each identity.
#[derive(Clone, Debug)]
struct Given {
    labels: Labels,
    mode: Mode,
}

/// What becomes of a judgement that is to begin.
pub enum Begun {
    /// A worker can have it.
    Piece(Piece),
    /// All instances are at work.
    Waits(Asking),
    /// There is no guard.
    Broken(Box<str>),
}

impl Guards {
    /// The guards that this configuration needs; modules come later.
    #[must_use]
    pub fn new(snapshot: &Snapshot, rng: &mut Rng) -> Self {
        if !snapshot.guards.is_enabled {
            return Self::default();
        }
        let one = |kind: &WatchKind, payload: &Message| match kind {
            WatchKind::Noop | WatchKind::WriteSink(_) => None,
            WatchKind::GitHub => Some(github(payload, snapshot.guards.compat)),
            WatchKind::Wasm { .. } => Some(One::Wasm(Box::new(Loaded::new(payload)))),
        };
        let servers = snapshot.servers.iter();
        let watch = servers.map(|server| server.watch.as_deref());
        Self {
            servers: watch.map(|one_| one_.and_then(|w| one(&w.kind, &w.payload))).collect(),
            facts: HashMap::new(),
            facts_max: snapshot.limits.guard_facts_max,
            instances_max: snapshot.limits.guard_instances_max,
            known: HashSet::new(),
            rng: Some(Rng::new(rng.bytes())),
        }
    }

    fn get(&self, server: ServerId) -> Option<&One> {
        self.servers.get(usize::from(server.0))?.as_ref()
    }

    fn get_mut(&mut self, server: ServerId) -> Option<&mut One> {
        self.servers.get_mut(usize::from(server.0))?.as_mut()
    }

    /// Gives a server's guard its module, or the reason why there is none.
    pub fn load(&mut self, server: ServerId, module: Result<Arc<wasm::Module>, GuardError>) {
        let Some(one) = self.get_mut(server) else { return };
        match (one, module) {
            (One::Wasm(loaded), Ok(module)) => loaded.module = Some(module),
            (one, Err(error)) => *one = One::Broken(error.text),
            _ => {}
        }
    }

    /// The mode that a guard wants, as far as it is known.
    #[must_use]
    pub fn mode_of(&self, server: ServerId) -> Option<Mode> {
        self.get(server)?.gives().map(|agent| agent.mode)
    }

    /// The secrecy that the guard of a server gives to identities, as far as it is known.
    #[must_use]
    pub fn secrecy_given(&self, server: ServerId) -> Label {
        let given = self.get(server).and_then(One::gives);
        given.map_or(Label::EMPTY, |given| given.labels.secrecy.clone())
    }

    /// What guards give to an identity and have not given it yet: that of `server`, or those of all
    /// servers. Of a module it is not known before an instance was told its policy.
    #[must_use]
    pub fn not_given(&self, who: Principal, server: Option<ServerId>) -> Vec<(ServerId, Labels)> {
        let all = (0_u16..).map(ServerId).zip(&self.servers);
        let of = all.filter(|(id, _)| server.is_none_or(|server| server == *id));
        let is_new = |id: ServerId| !self.known.contains(&(who, id));
        of.filter_map(|(id, one)| {
            let given = one.as_ref()?.gives().filter(|_| is_new(id))?;
            Some((id, given.labels.clone()))
        })
        .collect()
    }

    /// An identity carries what the guard of a server gives: it is given that only once.
    pub fn is_given(&mut self, who: Principal, server: ServerId) {
        self.known.insert((who, server));
    }

    /// Whether the guard of a server is a module.
    #[must_use]
    pub fn is_module(&self, server: ServerId) -> bool {
        matches!(self.get(server), Some(One::Wasm(_)))
    }

    /// What the guard of a server knows of its tools, if it is a module.
    #[must_use]
    pub fn listed(&self, server: ServerId) -> Option<&Listed> {
        match self.get(server)? {
            One::Wasm(loaded) => Some(&loaded.tools),
            One::GitHub { .. } | One::Broken(_) => None,
        }
    }

    /// Like [`Guards::listed`], to change it.
    pub fn listed_mut(&mut self, server: ServerId) -> Option<&mut Listed> {
        match self.get_mut(server)? {
            One::Wasm(loaded) => Some(&mut loaded.tools),
            One::GitHub { .. } | One::Broken(_) => None,
        }
    }

    /// Whether a module has not said yet what it gives to identities: it may still vouch for those
    /// who have read something already.
    #[must_use]
    pub fn is_any_unknown(&self) -> bool {
        let mut all = self.servers.iter().flatten();
        all.any(|one| matches!(one, One::Wasm(loaded) if loaded.agent.is_none()))
    }

    /// Tells a module its policy, before anybody calls its server.
    pub fn start(&mut self, server: ServerId, now: Now) -> Option<Piece> {
        let max = self.instances_max;
        let seed = self.rng.as_mut().map(Rng::bytes).unwrap_or_default();
        let Some(One::Wasm(loaded)) = self.get_mut(server) else { return None };
        let module = loaded.module(None, seed, now, max).ok()??;
        Some(Piece::only_begins(server, Running::Wasm(Box::new(module))))
    }

    /// Begins a judgement, if there is somebody to do it.
    pub fn begin(
        &mut self,
        server: ServerId,
        (tool, args): (&str, &Message),
        asking: Asking,
        now: Now,
    ) -> Begun {
        let max = self.instances_max;
        let seed = self.rng.as_mut().map(Rng::bytes).unwrap_or_default();
        let running = match self.get_mut(server) {
            None => return Begun::Broken("there is no guard".into()),
            Some(One::Broken(why)) => return Begun::Broken(why.clone()),
            Some(One::GitHub { policy, .. }) => {
                let policy = policy.clone();
                Running::GitHub(Box::new(match &asking {
                    Asking::Call(_) => github::Run::resource(policy, tool, args.clone()),
                    Asking::Answer(case) => {
                        github::Run::response(policy, tool, args.clone(), case.result.clone())
                    }
                }))
            }
            Some(One::Wasm(loaded)) => {
                let question = question(tool, args, &asking);
                match loaded.module(Some(question), seed, now, max) {
                    Ok(Some(module)) => Running::Wasm(Box::new(module)),
                    Ok(None) => return Begun::Waits(asking),
                    Err(why) => return Begun::Broken(why),
                }
            }
        };
        Begun::Piece(Piece::new(server, running, asking))
    }

    /// Lets a judgement wait for its turn at a module.
    pub fn wait(
        &mut self,
        server: ServerId,
        key: Key<Judging>,
        is_there: impl Fn(Key<Judging>) -> bool,
    ) {
        let Some(One::Wasm(loaded)) = self.get_mut(server) else { return };
        // Those who have left meanwhile must not add up.
        if loaded.waiting.len() == loaded.waiting.capacity() {
            loaded.waiting.retain(|waiting| is_there(*waiting));
        }
        loaded.waiting.push_back(key);
    }

    /// The next one who waits for a module.
    pub fn next_waiting(&mut self, server: ServerId) -> Option<Key<Judging>> {
        match self.get_mut(server) {
            Some(One::Wasm(loaded)) => loaded.waiting.pop_front(),
            _ => None,
        }
    }

    /// Takes back who has judged; whose turn it is now.
    pub fn take_back(&mut self, server: ServerId, running: Running) -> Option<Key<Judging>> {
        let Running::Wasm(module) = running else { return None };
        let Some(One::Wasm(loaded)) = self.get_mut(server) else { return None };
        if let Some(agent) = module.agent {
            loaded.agent = Some(Given { labels: agent.labels, mode: agent.mode });
        }
        match module.instance.filter(|_| module.policy.is_none()) {
            Some(instance) => loaded.idle.push(instance),
            None => loaded.n -= 1,
        }
        loaded.waiting.pop_front()
    }

    /// A fact that was learned before, if this need is for one.
    #[must_use]
    pub fn fact(
        &self,
        server: ServerId,
        who: Principal,
        need: &Need,
        now: Instant,
    ) -> Option<Message> {
        let (fact, at) = self.facts.get(&(server, who, need.clone()))?;
        (*at + FACT_AFTER_MAX > now).then(|| fact.clone())
    }

    /// Keeps an answer that is a fact, and no failure.
    pub fn learn(
        &mut self,
        (server, who): (ServerId, Principal),
        need: &Need,
        result: &Message,
        now: Instant,
    ) {
        let is_fact = matches!(&*need.tool, PERMISSION_TOOL | VISIBILITY_TOOL);
        let is_native = matches!(self.get(server), Some(One::GitHub { .. }));
        let failed = scan::member(result, edit::whole(result), "isError");
        let failed = failed.is_some_and(|span| span.of(result) == b"true");
        if !is_fact || !is_native || failed || result.len() > FACT_BYTES_MAX {
            return;
        }
        if self.facts.len() >= self.facts_max {
            self.facts.retain(|_, (_, at)| *at + FACT_AFTER_MAX > now);
        }
        if self.facts.len() < self.facts_max {
            let fact = Message::copy_of(result);
            self.facts.insert((server, who, need.clone()), (fact, now));
        }
    }
}

impl Loaded {
    fn new(policy: &Message) -> Self {
        Self {
            module: None,
            policy: policy.clone(),
            idle: Vec::new(),
            n: 0,
            waiting: VecDeque::new(),
            agent: None,
            tools: Listed::default(),
        }
    }

    /// An instance with its question; `None`: all are at work.
    fn module(
        &mut self,
        question: Option<wasm::Question>,
        seed: [u8; 32],
        now: Now,
        max: usize,
    ) -> Result<Option<Module>, Box<str>> {
        let Some(module) = self.module.clone() else { return Err("the module is missing".into()) };
        let instance = self.idle.pop();
        if instance.is_none() {
            if self.n >= max {
                return Ok(None);
            }
            self.n += 1;
        }
        let policy = instance.is_none().then(|| self.policy.clone());
        Ok(Some(Module::new(module, instance, policy, question, (seed, now))))
    }
}

fn github(payload: &[u8], compat: bool) -> One {
    match github::Policy::parse(payload) {
        Ok(policy) => {
            let policy = policy.with_options(github::Options { compat });
            let agent = policy.agent();
            let agent = Given { labels: agent.labels, mode: agent.mode };
            One::GitHub { policy: Arc::new(policy), agent }
        }
        Err(error) => One::Broken(error.text),
    }
}

fn question(tool: &str, args: &Message, asking: &Asking) -> wasm::Question {
    let (tool, args) = (tool.into(), args.clone());
    match asking {
        Asking::Call(_) => wasm::Question::Resource { tool, args },
        Asking::Answer(case) => {
            wasm::Question::Response { tool, args, result: case.result.clone() }
        }
    }
}
