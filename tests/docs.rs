// SPDX-License-Identifier: MIT
//! What people read is true: generated documents are current, local links lead somewhere, and the
//! examples in README.md work.

#[path = "docs/errors.rs"]
mod errors;
#[path = "docs/examples.rs"]
mod examples;
#[path = "support/exposition.rs"]
mod exposition;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/markdown.rs"]
mod markdown;
#[path = "docs/metrics.rs"]
mod metrics;
#[path = "docs/quickstart.rs"]
mod quickstart;
