// SPDX-License-Identifier: MIT
//! What a tool is asked for, once it is read, and what it answers.

use super::arithmetic::{self, ComputeError, Operator, Quantity};
use super::decimal::Decimal;
use super::statistics::Function;
use super::unit::Unit;
use crate::wire::json::write;

/// Characters of one result; beyond: no answer but an error.
pub const OUTPUT_CHARS_MAX: usize = 4096;

/// What a tool is asked for, checked.
#[derive(Debug)]
pub enum Request {
    /// Numbers and an operator.
    Arithmetic {
        /// What is done with the operands.
        operator: Operator,
        /// At least one.
        operands: Vec<Decimal>,
        /// Significant digits of the result.
        precision: Option<u32>,
    },
    /// Statistics over values.
    Statistics {
        /// Each with the name by which it was asked for; at least one.
        functions: Vec<(&'static str, Function)>,
        /// Whether all of them are answered by name.
        by_name: bool,
        /// At least one, or two if a function needs two.
        values: Vec<Decimal>,
        /// Whether the values are a sample of the population.
        sample: bool,
        /// Significant digits of each result.
        precision: Option<u32>,
    },
    /// A quantity and another unit.
    Convert {
        /// What is converted.
        quantity: Quantity,
        /// Into what.
        to: &'static Unit,
        /// Significant digits of the result.
        precision: Option<u32>,
    },
    /// Quantities and an operator.
    Quantities {
        /// What is done with the operands.
        operator: Operator,
        /// At least one.
        operands: Vec<Quantity>,
        /// The unit of the result.
        output: Option<&'static Unit>,
        /// Significant digits of the result.
        precision: Option<u32>,
    },
}

impl Request {
    /// Computes the answer.
    ///
    /// Errors: what was asked for properly and has no result, such as a division by zero.
    pub fn answer(&self) -> Result<Answer, ComputeError> {
        match self {
            Self::Arithmetic { operator, operands, precision } => {
                let result = arithmetic::compute(*operator, operands, *precision)?;
                Answer::new("arithmetic", &result, None)
            }
            Self::Statistics { functions, by_name, values, sample, precision } => {
                let mut results = Vec::with_capacity(functions.len());
                for (name, function) in functions {
                    let result = function.of(values, *sample, *precision);
                    results.push((*name, spelled(&result.ok_or(ComputeError::TooFew)?)?));
                }
                let (_, result) = results.first().cloned().ok_or(ComputeError::TooFew)?;
                results.retain(|_| *by_name);
                Ok(Answer { operation: "statistics", result, unit: None, results })
            }
            Self::Convert { quantity, to, precision } => {
                let result = arithmetic::convert(quantity, to, *precision)?;
                Answer::new("unit", &result, Some(to.symbol.to_owned()))
            }
            Self::Quantities { operator, operands, output, precision } => {
                let (result, unit) =
                    arithmetic::compute_quantities(*operator, operands, *output, *precision)?;
                Answer::new("unit", &result, Some(unit))
            }
        }
    }
}

/// What a tool answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `arithmetic`, `statistics` or `unit`.
    pub operation: &'static str,
    /// A decimal number; of several statistics the first.
    pub result: String,
    /// The unit of the result, if it has one.
    pub unit: Option<String>,
    /// Statistics that were asked for as a list, by name.
    pub results: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(
        operation: &'static str,
        result: &Decimal,
        unit: Option<String>,
    ) -> Result<Self, ComputeError> {
        Ok(Self { operation, result: spelled(result)?, unit, results: Vec::new() })
    }

    /// As a JSON object on one line.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write::object(&mut out, |answer| {
            answer.str("operation", self.operation).str("result", &self.result);
            match &self.unit {
                Some(unit) => answer.str("unit", unit),
                None => answer.null("unit"),
            };
            if !self.results.is_empty() {
                answer.object("results", |results| {
                    for (name, result) in &self.results {
                        results.str(name, result);
                    }
                });
            }
        });
        out
    }
}

fn spelled(value: &Decimal) -> Result<String, ComputeError> {
    let text = value.to_string();
    if text.len() > OUTPUT_CHARS_MAX { Err(ComputeError::OutputTooLong) } else { Ok(text) }
}
