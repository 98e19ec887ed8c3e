//! One HTTP request to a backend.

/// One HTTP request to a backend.
pub struct Fetch;
