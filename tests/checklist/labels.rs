// SPDX-License-Identifier: MIT
//! Which tests bear which numbers.

use std::fs;
use std::path::Path;

/// A test that bears a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proof {
    pub number: usize,
    /// `lib`, or the name of a file in `tests`.
    pub target: String,
    /// The module of its file inside the target; tests may be modules below it.
    pub module: String,
    pub name: String,
}

const LABEL: &str = "// Checklist ";

/// All tests that bear numbers.
pub fn all() -> Vec<Proof> {
    let mut paths = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    walk(&root.join("src"), &mut paths);
    walk(&root.join("tests"), &mut paths);
    let mut proofs = Vec::new();
    for path in paths {
        let path = path.trim_start_matches(&format!("{}/", root.display())).to_owned();
        if !path.starts_with("tests/checklist") {
            proofs.extend(in_source(&path, &crate::read(&path)));
        }
    }
    proofs.sort();
    proofs.dedup();
    proofs
}

fn walk(folder: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            paths.push(path.display().to_string());
        }
    }
}

/// The labels of one file. Panics at a label that cannot be read or stands above no test.
pub fn in_source(path: &str, text: &str) -> Vec<Proof> {
    let (target, module) = place(path);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut proofs = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix(LABEL) else { continue };
        let Some((numbers, name)) = numbers(rest).zip(test_below(&lines[at + 1..])) else {
            panic!("{path}:{}: this label means nothing: {line}", at + 1);
        };
        proofs.extend(numbers.into_iter().map(|number| Proof {
            number,
            target: target.clone(),
            module: module.clone(),
            name: name.to_owned(),
        }));
    }
    proofs
}

/// `73, 74. More may follow.`
fn numbers(text: &str) -> Option<Vec<usize>> {
    let (list, _) = text.split_once('.')?;
    list.split(", ").map(|number| number.parse().ok()).collect()
}

/// The name of the test that these lines begin with, below its comments and attributes. A second
/// label belongs to another test, which has gone elsewhere.
fn test_below<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let is_above = |line: &&&str| line.starts_with("//") || line.starts_with('#');
    let above = lines.iter().take_while(is_above).count();
    let is_one = !lines[..above].iter().any(|line| line.starts_with(LABEL));
    (is_one && lines[..above].contains(&"#[test]")).then_some(())?;
    let (name, _) = lines.get(above)?.strip_prefix("fn ")?.split_once('(')?;
    Some(name)
}

/// The target and the module of a file.
fn place(path: &str) -> (String, String) {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    let (target, rest) = match parts[0] {
        "src" => ("lib", &parts[1..]),
        _ => (parts[1], &parts[2..]),
    };
    let rest: Vec<_> = rest.iter().filter(|part| !["mod", "lib"].contains(part)).copied().collect();
    (target.to_owned(), rest.join("::"))
}

#[test]
fn labels_are_read_with_the_place_of_their_test() {
    let text =
        "    // Checklist 3, 40. Why.\n    /// More.\n    #[test]\n    #[ignore]\n    fn a() {";
    let found = in_source("src/mcp/meta/mod.rs", text);
    let proof = |number| Proof {
        number,
        target: "lib".to_owned(),
        module: "mcp::meta".to_owned(),
        name: "a".to_owned(),
    };
    assert_eq!(found, [proof(3), proof(40)]);
    assert_eq!(place("tests/core/eras.rs"), ("core".to_owned(), "eras".to_owned()));
    assert_eq!(place("tests/sim.rs"), ("sim".to_owned(), String::new()));
}

#[test]
#[should_panic(expected = "means nothing")]
fn a_label_above_no_test_is_refused() {
    in_source("src/a.rs", "// Checklist 3.\nfn a() {");
}

#[test]
#[should_panic(expected = "means nothing")]
fn a_label_above_another_label_is_refused() {
    in_source("src/a.rs", "// Checklist 3.\n// Checklist 4.\n#[test]\nfn a() {");
}
