// SPDX-License-Identifier: MIT
//! A set of places that are to be removed, as a tree of their names.

use std::collections::BTreeMap;

use crate::wire::json::tree::TREE_DEPTH_MAX;

/// Places below one place.
#[derive(Debug, Default)]
pub(super) struct Gone {
    is_gone: bool,
    is_found: bool,
    below: BTreeMap<String, Self>,
}

impl Gone {
    /// Adds the place at `pointer`; `None` if that is none.
    pub fn add(&mut self, pointer: &str) -> Option<()> {
        let mut node = self;
        if !pointer.is_empty() {
            let names = pointer.strip_prefix('/')?;
            if names.split('/').count() > TREE_DEPTH_MAX {
                return None;
            }
            for name in names.split('/') {
                let name = name.replace("~1", "/").replace("~0", "~");
                node = node.below.entry(name).or_default();
            }
        }
        node.is_gone = true;
        Some(())
    }

    /// Whether everything is to be removed.
    pub fn is_all(&self) -> bool {
        self.is_gone
    }

    /// What is below, by name.
    pub fn below(&mut self) -> impl Iterator<Item = (&str, &mut Self)> {
        self.below.iter_mut().map(|(name, gone)| (name.as_str(), gone))
    }

    /// What is below `name`.
    pub fn get(&mut self, name: &str) -> Option<&mut Self> {
        self.below.get_mut(name)
    }

    /// Whether this place is to be removed; then it has been found.
    pub fn take(&mut self) -> bool {
        self.is_found |= self.is_gone;
        self.is_gone
    }

    /// Whether all that is to be removed has been found. What lies below such a place went with it.
    pub fn is_found(&self) -> bool {
        match self.is_gone {
            true => self.is_found,
            false => self.below.values().all(Self::is_found),
        }
    }
}
