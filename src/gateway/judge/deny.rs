// SPDX-License-Identifier: MIT
//! A refusal for the sake of labels: which rule, why, and what would be allowed.

use std::sync::Arc;

use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::snapshot::ServerId;
use crate::mcp::Code;
use crate::mcp::method::Method;
use crate::policy::guard::denial;
use crate::policy::guard::memory;

/// The code of a denial where everything is as the reference has it.
const CODE_OF_REFERENCE: Code = Code(0);

/// Why something is not done or not shown. It quotes nothing that was withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The stable name of the rule, such as `difc.read.integrity`.
    pub rule: Arc<str>,
    /// The text of the error.
    pub text: Box<str>,
    /// `error.data`: an object in JSON.
    pub data: Box<[u8]>,
}

/// A denial as it goes to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code of the error.
    pub code: Code,
    /// Its text.
    pub text: Box<str>,
    /// Its data: an object in JSON.
    pub data: Box<[u8]>,
}

impl Denial {
    /// A denial whose text is its reason.
    #[must_use]
    pub fn new(rule: &str, reason: &str, allowed: &str) -> Self {
        let data = denial::data_json(rule, reason, allowed).into();
        Self { rule: rule.into(), text: reason.into(), data }
    }

    /// The same with another text for people.
    #[must_use]
    pub fn with_text(self, text: String) -> Self {
        Self { text: text.into(), ..self }
    }

    /// What is remembered of it.
    #[must_use]
    pub fn remembered(&self) -> memory::Denial {
        let (text, data) = ((*self.text).into(), (*self.data).into());
        memory::Denial { rule: self.rule.clone(), text, data }
    }

    /// A denial that is given once more.
    #[must_use]
    pub fn again(denial: &memory::Denial, repeated: u64) -> Self {
        let data = denial.data_repeated(repeated).into();
        Self { rule: denial.rule.clone(), text: (*denial.text).into(), data }
    }
}

impl Gateway {
    /// Answers a request that was not sent with a denial.
    pub(super) fn deny_unsent(
        &mut self,
        exchange: Key<Exchange>,
        server: ServerId,
        one: &Incoming,
        denial: Denial,
    ) {
        self.count_denial(server, one.method == Method::ToolsCall);
        self.deny(exchange, one.id().unwrap_or(b"null"), denial);
    }

    /// Answers a request with a denial.
    pub(super) fn deny(&mut self, exchange: Key<Exchange>, id: &[u8], denial: Denial) {
        let message = self.refusal(id, denial);
        self.deliver(exchange, message.into());
    }

    /// A denial as an answer to the request `id`.
    pub(super) fn refusal(&self, id: &[u8], denial: Denial) -> Message {
        let is_compat = self.snapshot.guards.compat;
        let code = if is_compat { CODE_OF_REFERENCE } else { Code::SERVER_ERROR };
        let refusal = Refusal { code, text: denial.text, data: denial.data };
        Fault::from(ClientFault::Denied(Box::new(refusal))).message(Some(id))
    }
}
