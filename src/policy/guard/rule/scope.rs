// SPDX-License-Identifier: MIT
//! How repositories are named: `owner/repo`, `owner/*`, `owner/prefix*`.
//!
//! The reference knows neither dots nor upper case, and so cannot name `next.js`; we take both.

/// The longest name of an owner.
const OWNER_BYTES_MAX: usize = 39;

/// The longest name of a repository.
const REPO_BYTES_MAX: usize = 100;

/// The forms, for messages.
pub const FORMS: &str = "owner/*, owner/repo, or owner/re*";

/// Whether `text` names one repository, all of an owner, or those with a prefix.
#[must_use]
pub fn is_scope(text: &str) -> bool {
    let Some((owner, repo)) = text.split_once('/') else { return false };
    is_owner(owner) && is_repo_pattern(repo)
}

/// Whether `text` can be the name of an owner.
#[must_use]
pub fn is_owner(text: &str) -> bool {
    (1..=OWNER_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_repo_pattern(text: &str) -> bool {
    let name = text.strip_suffix('*').unwrap_or(text);
    if name.is_empty() {
        return text == "*";
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.len() <= REPO_BYTES_MAX
        && name.bytes().all(is_letter)
        // These are places in a path, and no repository can be called so.
        && ![".", ".."].contains(&text)
}
