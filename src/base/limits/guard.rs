// SPDX-License-Identifier: MIT
//! What a guard in WebAssembly may take: memory, time and room for what it says.

use super::{KIB, MIB};

/// The bounds of one guard in WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// A module as a file; beyond: it is not loaded.
    pub module_bytes_max: usize,
    /// The memory of one instance; beyond: the guard gets no more, which most do not survive.
    pub memory_bytes_max: usize,
    /// Elements of each of its tables; beyond: the same.
    pub table_elements_max: usize,
    /// What a guard is told in one call; beyond: no label.
    pub input_bytes_max: usize,
    /// The room for its answer in the first attempt.
    pub output_bytes_first: usize,
    /// The room that it may ask for; beyond: no label.
    pub output_bytes_max: usize,
    /// Attempts with more room each; beyond: no label.
    pub output_attempts_max: u32,
    /// Work before others get their turn, in units of the interpreter: some 5 are a nanosecond.
    pub slice_fuel: u64,
    /// Work after which the interpreter begins anew with an empty stack, within a slice.
    pub stack_fuel: u64,
    /// Work to start an instance; beyond: it does not start.
    pub start_fuel: u64,
    /// Work for one judgement; beyond: no label, and the instance is lost.
    pub judgement_fuel_max: u64,
    /// Log lines kept until somebody fetches them; beyond: dropped and counted.
    pub log_lines_max: usize,
    /// One log line; the rest of a longer one is dropped.
    pub log_line_bytes_max: usize,
}

impl GuardLimits {
    /// The stack of a thread that runs guards. The interpreter leaves an instruction by a tail call
    /// wherever the compiler makes one; were none made, it would need so much before it begins
    /// anew.
    pub const THREAD_STACK_BYTES: usize = 16 * MIB;
    /// What an instruction would leave on the stack if it were left by a plain call.
    const STACK_BYTES_PER_FUEL: usize = 240;

    /// What guards run with. The sizes are those that published guards are written for.
    pub const DEFAULT: Self = Self {
        module_bytes_max: 16 * MIB,
        memory_bytes_max: 32 * MIB,
        table_elements_max: 65_536,
        input_bytes_max: 8 * MIB,
        output_bytes_first: 4 * MIB,
        output_bytes_max: 16 * MIB,
        output_attempts_max: 3,
        slice_fuel: 4_000_000,
        stack_fuel: 64_000,
        start_fuel: 1_000_000,
        judgement_fuel_max: 20_000_000_000,
        log_lines_max: 1024,
        log_line_bytes_max: 2 * KIB,
    }
    .checked();

    /// Small enough that a module of ten lines walks into every limit.
    pub const TEST_MIN: Self = Self {
        module_bytes_max: 64 * KIB,
        memory_bytes_max: 256 * KIB,
        table_elements_max: 16,
        input_bytes_max: 512,
        output_bytes_first: 128,
        output_bytes_max: 512,
        output_attempts_max: 3,
        slice_fuel: 10_000,
        stack_fuel: 2_000,
        start_fuel: 10_000,
        judgement_fuel_max: 100_000,
        log_lines_max: 3,
        log_line_bytes_max: 32,
    }
    .checked();

    const fn checked(self) -> Self {
        assert!(self.output_bytes_first <= self.output_bytes_max);
        assert!(self.input_bytes_max + self.output_bytes_max <= self.memory_bytes_max);
        assert!(self.slice_fuel <= self.judgement_fuel_max && self.output_attempts_max > 0);
        assert!(self.stack_fuel <= self.slice_fuel);
        assert!(
            self.stack_fuel as usize * Self::STACK_BYTES_PER_FUEL <= Self::THREAD_STACK_BYTES,
            "a guard must not overflow our own stack"
        );
        assert!(self.memory_bytes_max < u32::MAX as usize, "addresses have 32 bits");
        self
    }
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
