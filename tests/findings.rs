// SPDX-License-Identifier: MIT
//! What the fuzzers have found stays found; and a few hundred stories that nobody has chosen.

use std::path::Path;
use std::time::Instant;

use penstock::base::Rng;
use penstock::gateway::fuzz;

#[test]
fn every_story_that_once_went_wrong_ends_well() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gateway");
    let mut count = 0;
    for entry in std::fs::read_dir(stories).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        fuzz::fuzz(Instant::now(), &std::fs::read(&path).expect("a file"));
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn stories_of_both_eras_told_at_random_end_well() {
    for seed in 0..100 {
        println!("seed {seed}");
        let mut rng = Rng::new([seed; 32]);
        let mut story: Vec<u8> = (0..1200).map(|_| rng.next_u32().to_le_bytes()[0]).collect();
        story[0] |= 0x80;
        fuzz::fuzz(Instant::now(), &story);
    }
}

#[test]
fn stories_told_at_random_end_well() {
    for seed in 0..200 {
        println!("seed {seed}");
        let mut rng = Rng::new([seed; 32]);
        let story: Vec<u8> = (0..400).map(|_| rng.next_u32().to_le_bytes()[0]).collect();
        fuzz::fuzz(Instant::now(), &story);
    }
}
