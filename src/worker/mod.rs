// SPDX-License-Identifier: MIT
//! Threads that may block.
