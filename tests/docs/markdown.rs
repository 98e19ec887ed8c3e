// SPDX-License-Identifier: MIT
//! The little of Markdown that the checks need: fenced blocks, headings, links.

use std::path::{Path, PathBuf};

/// A file of the repository.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Its text.
#[must_use]
pub fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// One fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// What follows the fence, such as `toml`.
    pub tag: String,
    /// The lines between the fences.
    pub text: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
}

/// The fenced blocks of `text`, in order.
#[must_use]
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, number) in text.lines().zip(1..) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(tag)) => {
                open = Some(Block { tag: tag.trim().into(), text: String::new(), line: number });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// `text` without fenced blocks and without code spans.
#[must_use]
pub fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let outside = line.split('`').step_by(2);
            prose.extend(outside);
            prose.push('\n');
        }
    }
    prose
}

/// Where the links in `text` lead.
#[must_use]
pub fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let after = prose.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(to, _)| to.to_owned()).collect()
}

/// The anchors of the headings in `text`, as GitHub spells them.
#[must_use]
pub fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut anchors = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if !fenced && line.starts_with('#') {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            anchors.push(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    anchors
}

#[test]
fn blocks_links_and_anchors_are_found() {
    let text = "# A `b` c?\n\n```toml\nx = 1\n```\n[to](a.md#b) and `[no](c)`\n```\n[no](d)\n```\n";
    let found = blocks(text);
    assert_eq!(found.len(), 2);
    assert_eq!((&*found[0].tag, &*found[0].text, found[0].line), ("toml", "x = 1\n", 3));
    assert_eq!(links(text), ["a.md#b"]);
    assert_eq!(anchors(text), ["a-b-c"]);
}
