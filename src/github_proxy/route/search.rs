// SPDX-License-Identifier: MIT
//! Searches whose findings carry one label.

use super::super::Call;
pub use crate::policy::guard::github::place;

/// Whether `call` searches where its label is true. Findings in code and commits are labelled as
/// one, by the one repository that the query names; without it they could be anybody's.
pub(super) fn is_one_place(call: &Call) -> bool {
    match call.tool {
        "search_code" | "search_commits" => place(call.arg("query").unwrap_or_default()).is_some(),
        _ => true,
    }
}
