// SPDX-License-Identifier: MIT
//! What is left of answers.
