// SPDX-License-Identifier: MIT
//! Servers that refuse `initialize`: perhaps they speak the other protocol, and whoever was refused
//! begins again when that is known.

use super::Gateway;
use super::backend::Backend;
use super::call::Call;
use super::era::Modern;
use super::fault::Fault;
use super::snapshot::ServerId;
use crate::base::{Key, Message};
use crate::mcp::{Code, error};
use crate::wire::jsonrpc::{self, Parsed};

impl Gateway {
    /// A server refused the gateway's own `initialize`: perhaps it speaks the modern protocol.
    pub(super) fn initialize_refused(&mut self, key: Key<Backend>, server: ServerId, why: &Fault) {
        let era = self.era(server);
        if matches!(era.modern, Modern::No { .. }) {
            return self.backend_failed(key, why);
        }
        if era.modern == Modern::Yes {
            era.modern_only = true;
            self.quiet_stop(key);
            self.server_is_up(server);
            // There is nothing left to wait for.
            return self.era_is_known(server);
        }
        // Several of its backends may be refused before the answer is there.
        era.refused.get_or_insert(why.text().into());
        let is_asked = era.modern == Modern::Asking || self.ask_for_era(server).is_ok();
        if !is_asked {
            self.era(server).refused = None;
            return self.backend_failed(key, why);
        }
        self.quiet_stop(key);
    }

    /// The same of a client's own `initialize`, before the server was ever up. `false`: the client
    /// is to see the refusal as it is.
    pub(super) fn begins_again(&mut self, key: Key<Backend>, call: &Call, why: &Message) -> bool {
        let Some(server) = self.backends.get(key).map(|backend| backend.server) else {
            return false;
        };
        // What has opened before refuses this one client, unless it says that it is the protocol.
        let was_up = self.servers[usize::from(server.0)].up_since.is_some();
        let is_other_era = self.refuses_era(why);
        let era = self.era(server);
        if matches!(era.modern, Modern::No { .. }) || was_up && !is_other_era {
            return false;
        }
        if era.modern == Modern::Unknown && self.ask_for_era(server).is_err() {
            return false;
        }
        if self.era(server).modern == Modern::Asking {
            let said = super::note::excerpt(why);
            let refused = format!("it refused initialize: {said}");
            self.era(server).refused.get_or_insert(refused.into());
        } else {
            self.era(server).modern_only = true;
        }
        let begins = self.begin_again(call, None);
        if self.era(server).modern == Modern::Yes {
            self.era_is_known(server);
        }
        begins
    }

    /// Whether a refusal of `initialize` says that the server speaks another protocol.
    pub(crate) fn refuses_era(&self, why: &Message) -> bool {
        self.refusal_code(why) == Some(Code::UNSUPPORTED_VERSION.0.into())
    }

    fn refusal_code(&self, why: &Message) -> Option<i64> {
        match jsonrpc::parse(why, self.limits()) {
            Ok(Parsed::Single(envelope)) => error::code_of(why, envelope.error?),
            _ => None,
        }
    }

    /// Lets a backend leave that refused to be opened; who waited for it waits for the era instead.
    fn quiet_stop(&mut self, key: Key<Backend>) {
        self.wait_for_era_instead(key);
        self.stop_backend(key);
    }
}
