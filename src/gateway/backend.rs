//! A backend that is alive.

/// A backend that is alive.
pub struct Backend;
