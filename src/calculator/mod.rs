// SPDX-License-Identifier: MIT
//! x

pub mod decimal;
