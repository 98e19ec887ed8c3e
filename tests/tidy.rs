// SPDX-License-Identifier: MIT
//! The house rules as code: layers, purity, sizes, words, numbers out of place, fuzz targets and
//! texts.
//!
//! Each rule is a function from a source to violations, with a test that holds the repository
//! against it and a test that shows that it fires. Exceptions are tables with reasons.

#[path = "tidy/fuzzing.rs"]
mod fuzzing;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/numbers.rs"]
mod numbers;
#[path = "tidy/report.rs"]
mod report;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/texts.rs"]
mod texts;
#[path = "tidy/words.rs"]
mod words;
