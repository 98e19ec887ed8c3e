// SPDX-License-Identifier: MIT
//! Which protocol a server speaks, and what it makes of a question in the other one.

use penstock::wire::json::tree::Node;

use crate::brain::{Brain, Heard, refusal};
use crate::dice::Dice;

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Legacy,
    Modern,
}

/// Which protocols a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    Legacy,
    Modern,
    /// Both; a process is bound to one by its first message.
    Both,
    /// The older one, with nonsense or silence for whoever asks about the newer one.
    Odd,
}

impl Temper {
    pub fn draw(dice: &mut Dice, calm: bool) -> Self {
        match dice.below(if calm { 8 } else { 10 }) {
            0..4 => Self::Legacy,
            4 | 5 => Self::Modern,
            6 | 7 => Self::Both,
            _ => Self::Odd,
        }
    }

    pub fn is_modern(self) -> bool {
        matches!(self, Self::Modern | Self::Both)
    }
}

/// Which era a request is of, by what its body claims.
pub fn era_of(node: &Node) -> Era {
    let meta = node.get("params").and_then(|params| params.get("_meta"));
    match meta.and_then(|meta| meta.get("io.modelcontextprotocol/protocolVersion")) {
        Some(_) => Era::Modern,
        None => Era::Legacy,
    }
}

impl Brain {
    /// A server without the modern protocol is asked whether it speaks it.
    pub fn hear_probe(&self, id: &str, dice: &mut Dice) -> Heard {
        let result =
            |text: &str| Heard::Answer(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{text}}}"#));
        if self.temper != Temper::Odd {
            let code = dice.pick(&[-32601, -32602, -32600]);
            return Heard::Answer(refusal(id, code, "null"));
        }
        match dice.below(6) {
            0 | 1 => Heard::Nothing,
            2 => Heard::Exit,
            3 => result("{}"),
            4 => result(r#"{"supportedVersions":["1999-01-01"],"capabilities":7}"#),
            _ => Heard::Answer("[1, 2, {}]".into()),
        }
    }
}
