// SPDX-License-Identifier: MIT
//! May it pass, and in what form. A decision is a pure function of facts and gives its reason.

pub mod auth;
