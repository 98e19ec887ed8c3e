// SPDX-License-Identifier: MIT
//! What the written gateway specification wants of policies, `tests/data/compliance.txt`: each item
//! is a test whose name begins with its id, as in `fn t_ws_004_…`.

#![allow(clippy::print_stdout, reason = "the list is what this is for")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::Path;

/// How the names of these tests begin, without what tells them apart.
const FAMILIES: [&str; 2] = ["t_gp_", "t_ws_"];

/// A test that bears an id.
struct Proof {
    id: String,
    place: String,
    name: String,
}

/// The ids with their titles, in order.
fn items() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/compliance.txt");
    let text = fs::read_to_string(path).unwrap();
    let items = text.lines().map(|line| line.split_once('|').unwrap());
    items.map(|(id, title)| (id.to_owned(), title.to_owned())).collect()
}

fn walk(folder: &Path, proofs: &mut Vec<Proof>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, proofs);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let place = path.strip_prefix(root).unwrap().display().to_string();
            proofs.extend(in_source(&place, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The tests of a file that bear ids.
fn in_source(place: &str, text: &str) -> Vec<Proof> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter(|pair| pair[0] == "#[test]");
    let names = pairs.filter_map(|pair| pair[1].strip_prefix("fn ")?.split_once('('));
    let proof = |(name, _): (&str, &str)| {
        let id = name.get(..8).filter(|_| FAMILIES.iter().any(|it| name.starts_with(it)))?;
        let id = id.to_uppercase().replace('_', "-");
        Some(Proof { id, place: place.to_owned(), name: name.to_owned() })
    };
    names.filter_map(proof).collect()
}

#[test]
fn every_item_is_a_test_that_bears_its_id() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut proofs = Vec::new();
    walk(&root.join("src"), &mut proofs);
    walk(&root.join("tests"), &mut proofs);
    let items = items();
    let mut missing = Vec::new();
    for (id, title) in &items {
        let own: Vec<_> = proofs.iter().filter(|proof| proof.id == *id).collect();
        println!("{id}  {title}");
        own.iter().for_each(|proof| println!("          {}: {}", proof.place, proof.name));
        if own.is_empty() {
            missing.push(id);
        }
    }
    assert!(missing.is_empty(), "no test bears {missing:?}");
    let strange = proofs.iter().find(|proof| !items.iter().any(|(id, _)| *id == proof.id));
    assert!(strange.is_none(), "there is no such item: {:?}", strange.map(|proof| &proof.name));
}

#[test]
fn ids_are_read_from_the_names_of_tests_alone() {
    let text = "    #[test]\n    fn t_gp_003_a() {\n#[test]\nfn other() {\nfn t_ws_001_b() {";
    let found: Vec<_> = in_source("x", text).into_iter().map(|proof| proof.id).collect();
    assert_eq!(found, ["T-GP-003"]);
}
