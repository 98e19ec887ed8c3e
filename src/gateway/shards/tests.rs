// SPDX-License-Identifier: MIT
//! Which shard serves what.
