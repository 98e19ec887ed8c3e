// SPDX-License-Identifier: MIT
//! Whatever servers hold, guards say and agents call: nothing is shown to whoever may not read it,
//! and nobody who carries a secret writes where it may not go.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use proptest::prelude::*;

use crate::flow_world::{Flow, Policy};

/// What an answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A list in the text.
    List,
    /// The same, with a `structuredContent` that says the same.
    Twin,
    /// The same, with one that says something else.
    Other,
    /// The same, with a second content item.
    Second,
    /// A text of which the guard says nothing.
    Text,
    /// A result that says that it is an error.
    Failed,
    /// An error.
    Error,
}

impl Shape {
    /// The same, or another one that says something beside its items.
    pub const fn marked(self) -> Self {
        match self {
            Self::List | Self::Twin => Self::Second,
            shape => shape,
        }
    }
}

/// Secrecy and integrity as sets of bits.
pub type Bits = (u8, u8);

/// One call, as it is planned.
#[derive(Clone, Debug)]
pub struct Planned {
    pub agent: usize,
    pub is_modern: bool,
    pub server: usize,
    pub operation: usize,
    pub object: Bits,
    /// The items of its answer; `None`: the guard does not label it.
    pub items: Vec<Option<Bits>>,
    pub shape: Shape,
    /// Whether the guard asks its backend about the call, and about the answer.
    pub asks: (bool, bool),
}

#[derive(Clone, Debug)]
pub enum Step {
    Call(Planned),
    /// A worker does a piece.
    Work,
    /// A backend answers what it owes for the longest time.
    Answer,
    /// Workers and backends do all that they can.
    Settle,
    /// A guarded server says something that nobody has asked for.
    Say(usize, usize),
    /// A server ends.
    Die(usize),
    /// A client leaves.
    Leave(usize),
}

fn bits() -> impl Strategy<Value = Bits> {
    (prop_oneof![3 => Just(0), 2 => 0_u8..8], prop_oneof![2 => Just(3), 2 => 0_u8..4])
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        3 => Just(Shape::List),
        1 => Just(Shape::Twin),
        1 => Just(Shape::Other),
        1 => Just(Shape::Second),
        1 => Just(Shape::Text),
        1 => Just(Shape::Failed),
        1 => Just(Shape::Error),
    ]
}

fn planned() -> impl Strategy<Value = Planned> {
    let item = prop_oneof![5 => bits().prop_map(Some), 1 => Just(None)];
    let of = (0_usize..2, any::<bool>(), 0_usize..5, 0_usize..3);
    let answer = (proptest::collection::vec(item, 0..4), shape());
    let asks = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (of, bits(), answer, asks).prop_map(|(of, object, (items, shape), asks)| {
        let (agent, is_modern, server, operation) = of;
        Planned { agent, is_modern, server, operation, object, items, shape, asks }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => planned().prop_map(Step::Call),
        3 => Just(Step::Work),
        3 => Just(Step::Answer),
        6 => Just(Step::Settle),
        2 => (0_usize..2, 0_usize..7).prop_map(|(server, what)| Step::Say(server, what)),
        1 => (0_usize..5).prop_map(Step::Die),
        1 => (0_usize..8).prop_map(Step::Leave),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    (bits(), 0_usize..3).prop_map(|(given, mode)| Policy { given, mode })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn nothing_flows_where_its_labels_forbid_it(
        policies in (policy(), policy()),
        accepts in 0_u8..8,
        begins in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..30),
    ) {
        let mut flow = Flow::new([policies.0, policies.1], accepts, begins);
        for step in steps {
            flow.step(step);
        }
        flow.finish();
    }
}
