// SPDX-License-Identifier: MIT
//! A message of a body that becomes long: whether it is gathered is for the caller to say.
//!
//! ```text
//!  Short ── longer than `from` ─> Asked ── gather ─> Gathered ── end ─> Short
//!                                   └───── pass ───> Passing ─── end ─> Short
//! ```

use crate::base::Message;

/// What becomes of the message under way.
pub(super) enum Large {
    /// It is gathered; nobody was asked.
    Short,
    /// The caller has its beginning, which is no part of the body meanwhile, and nothing more of it
    /// is taken.
    Asked(Message),
    /// It is gathered whatever its length.
    Gathered,
    /// It leaves as it comes; so many bytes have left.
    Passing(usize),
}
