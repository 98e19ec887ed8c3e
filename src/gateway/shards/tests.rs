// SPDX-License-Identifier: MIT
//! Which shard serves what, and how ids name it.

use proptest::prelude::*;

use super::*;
use crate::base::Rng;

#[test]
fn with_one_shard_an_id_stays_what_it_is() {
    let id = Rng::new([3; 32]).base32(32);
    assert_eq!(Shard::ALONE.name(id.clone()), id);
    assert_eq!(Shard::ALONE.named_by(id.as_bytes()), Some(0));
    assert!(Shard::ALONE.is_main() && !Shard::ALONE.has_others());
}

#[test]
fn what_is_no_id_names_nobody() {
    let shard = Shard::new(1, 3);
    for id in [&b""[..], b"A", b"a2", b"A1", b"\xff\xff"] {
        assert_eq!(shard.named_by(id), None, "{id:?}");
    }
}

#[test]
fn a_shard_is_one_of_those_that_there_are() {
    assert_eq!(Shard::new(7, 0), Shard::ALONE);
    assert_eq!(Shard::new(900, 900), Shard::new(SHARDS_MAX - 1, SHARDS_MAX));
}

proptest! {
    #[test]
    fn an_id_names_its_shard_and_keeps_the_rest(
        seed in any::<u8>(), n in 1_u16..=SHARDS_MAX, index in any::<u16>(),
    ) {
        let id = Rng::new([seed; 32]).base32(32);
        let shard = Shard::new(index % n, n);
        let named = shard.name(id.clone());
        prop_assert_eq!(shard.named_by(named.as_bytes()), Some(index % n));
        prop_assert_eq!(&named[2..], &id[2..]);
    }
}
