// SPDX-License-Identifier: MIT
//! The tools by name, and how each spells its arguments.
//!
//! The same request may be spelled in several ways, because the schemas that once were published
//! and the service behind them disagreed: `operations` and `function`, `operands` and `left` with
//! `right`, `output_unit` and `result_unit`. Our schemas list all of them.

use super::arguments::{Fields, Problem, Reader, present};
use super::arithmetic::{Operator, Quantity};
use super::request::Request;
use super::statistics::Function;
use crate::wire::json::tree::Node;

/// A tool that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `exact_calculate`
    Calculate,
    /// `exact_statistics`
    Statistics,
    /// `exact_convert_units`
    ConvertUnits,
    /// `exact_unit_arithmetic`
    UnitArithmetic,
    /// `exact_compute`: all of the others behind one name.
    Compute,
}

impl Tool {
    /// The tool called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "exact_calculate" => Self::Calculate,
            "exact_statistics" => Self::Statistics,
            "exact_convert_units" => Self::ConvertUnits,
            "exact_unit_arithmetic" => Self::UnitArithmetic,
            "exact_compute" => Self::Compute,
            _ => return None,
        })
    }

    /// Reads what the tool is asked for, or says what is wrong with the arguments.
    pub fn read(self, arguments: &Node) -> Result<Request, Vec<Problem>> {
        let mut reader = Reader::new();
        let request = match self {
            Self::Calculate => calculate(&mut reader, arguments),
            Self::Statistics => statistics(&mut reader, arguments),
            Self::ConvertUnits => convert(&mut reader, arguments, &[]),
            Self::UnitArithmetic => quantities(&mut reader, arguments, &[]),
            Self::Compute => compute(&mut reader, arguments),
        };
        reader.finish(request)
    }
}

fn calculate(reader: &mut Reader, node: &Node) -> Option<Request> {
    let fields = reader.object(node, &["operator", "operands", "precision"])?;
    let operator = operator(reader, fields);
    arithmetic(reader, fields, operator)
}

fn operator(reader: &mut Reader, fields: Fields<'_>) -> Option<Operator> {
    reader.member(fields, "operator", |reader, node| {
        reader.word(node, "expected add, sub, mul or div", Operator::parse)
    })
}

/// `operands` and `precision`, for an operator that may have been wrong already.
fn arithmetic(
    reader: &mut Reader,
    fields: Fields<'_>,
    operator: Option<Operator>,
) -> Option<Request> {
    let operands = if present(fields, "x").is_some() || present(fields, "y").is_some() {
        let x = reader.member(fields, "x", Reader::number);
        let y = reader.member(fields, "y", Reader::number);
        x.zip(y).map(|(x, y)| vec![x, y])
    } else {
        reader.member(fields, "operands", |reader, node| {
            reader.list(node, "too many operands", Reader::number)
        })
    };
    let precision = reader.precision(fields);
    let (operator, operands) = (operator?, operands?);
    enough(reader, operator, operands.len())?;
    Some(Request::Arithmetic { operator, operands, precision })
}

/// That there are enough operands; otherwise the member `operands` is wrong.
fn enough(reader: &mut Reader, operator: Operator, n_operands: usize) -> Option<()> {
    const TOO_FEW: &str = "sub and div require at least 2 operands";
    if n_operands < operator.operands_min() {
        return reader.wrong_member("operands", TOO_FEW, "too_short");
    }
    Some(())
}

fn statistics(reader: &mut Reader, node: &Node) -> Option<Request> {
    const TOO_FEW: &str = "variance and stdev require at least 2 values";
    let known = &["values", "operations", "function", "sample", "precision"];
    let fields = reader.object(node, known)?;
    let values = reader.member(fields, "values", |reader, node| {
        reader.list(node, "too many values", Reader::number)
    });
    let sample = reader.member_if_present(fields, "sample", Reader::truth).unwrap_or(false);
    let precision = reader.precision(fields);
    let (functions, by_name) = functions(reader, fields)?;
    let (mut functions, values) = (functions, values?);
    if values.len() < 2 {
        let asked_for = present(fields, "function").or(present(fields, "operations")).is_some();
        if asked_for && functions.iter().any(|(_, function)| function.needs_two_values()) {
            return reader.wrong_member("values", TOO_FEW, "too_short");
        }
        functions.retain(|(_, function)| !function.needs_two_values());
    }
    Some(Request::Statistics { functions, by_name, values, sample, precision })
}

/// `function`, or all of `operations`, or everything there is if neither is given; and whether
/// they are answered by name.
fn functions(
    reader: &mut Reader,
    fields: Fields<'_>,
) -> Option<(Vec<(&'static str, Function)>, bool)> {
    const UNKNOWN: &str = "expected mean, median, variance, stdev, std, min, max, sum or count";
    const BOTH: &str = "give function or operations, not both";
    let word = |reader: &mut Reader, node: &Node| reader.word(node, UNKNOWN, Function::parse);
    match (present(fields, "function"), present(fields, "operations")) {
        (Some(_), Some(_)) => reader.wrong_member("function", BOTH, "value_error"),
        (Some(_), None) => Some((vec![reader.member(fields, "function", word)?], false)),
        (None, Some(_)) => {
            let asked_for = reader.member(fields, "operations", |reader, node| {
                reader.list(node, "too many operations", word)
            })?;
            // Answers are members of an object: a name stands there once.
            let mut functions = Vec::new();
            for function in asked_for {
                if !functions.contains(&function) {
                    functions.push(function);
                }
            }
            Some((functions, true))
        }
        (None, None) => {
            let all = Function::BY_NAME.into_iter().filter(|(name, _)| *name != "std");
            Some((all.collect(), true))
        }
    }
}

fn convert(reader: &mut Reader, node: &Node, more_names: &[&str]) -> Option<Request> {
    let known = [&["value", "from_unit", "to_unit", "precision"], more_names].concat();
    let fields = reader.object(node, &known)?;
    let value = reader.member(fields, "value", Reader::number);
    let from = if present(fields, "unit").is_some() { "unit" } else { "from_unit" };
    let unit = reader.member(fields, from, |reader, node| reader.unit(node, "unsupported unit"));
    let to = reader.member(fields, "to_unit", |reader, node| reader.unit(node, "unsupported unit"));
    let precision = reader.precision(fields);
    Some(Request::Convert { quantity: Quantity { value: value?, unit: unit? }, to: to?, precision })
}

fn quantities(reader: &mut Reader, node: &Node, more_names: &[&str]) -> Option<Request> {
    const KNOWN: [&str; 7] =
        ["operator", "operands", "left", "right", "output_unit", "result_unit", "precision"];
    let fields = reader.object(node, &[&KNOWN, more_names].concat())?;
    let operator = operator(reader, fields);
    let operands = if present(fields, "left").is_some() || present(fields, "right").is_some() {
        if present(fields, "operands").is_some() {
            return reader.wrong_member(
                "operands",
                "give operands or left and right",
                "value_error",
            );
        }
        let left = reader.member(fields, "left", quantity);
        let right = reader.member(fields, "right", quantity);
        left.zip(right).map(|(left, right)| vec![left, right])
    } else {
        reader.member(fields, "operands", |reader, node| {
            reader.list(node, "too many operands", quantity)
        })
    };
    let output = ["output_unit", "result_unit"].into_iter().find_map(|name| {
        reader.member_if_present(fields, name, |reader, node| {
            reader.unit(node, "unsupported result unit")
        })
    });
    let precision = reader.precision(fields);
    let (operator, operands) = (operator?, operands?);
    enough(reader, operator, operands.len())?;
    Some(Request::Quantities { operator, operands, output, precision })
}

fn quantity(reader: &mut Reader, node: &Node) -> Option<Quantity> {
    let fields = reader.object(node, &["value", "unit"])?;
    let value = reader.member(fields, "value", Reader::number);
    let unit = reader.member(fields, "unit", |reader, node| reader.unit(node, "unsupported unit"));
    Some(Quantity { value: value?, unit: unit? })
}

/// What `exact_compute` is asked for: the kind of computation, or at once an operator.
#[derive(Clone, Copy)]
enum Operation {
    Arithmetic,
    Statistics,
    Unit,
    Operator(Operator),
}

impl Operation {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "arithmetic" => Self::Arithmetic,
            "statistics" => Self::Statistics,
            "unit" => Self::Unit,
            _ => Self::Operator(Operator::parse(text)?),
        })
    }
}

fn compute(reader: &mut Reader, node: &Node) -> Option<Request> {
    let fields = reader.object(node, &["operation", "params"])?;
    let operation = reader.member(fields, "operation", |reader, node| {
        reader.word(node, "expected arithmetic, statistics or unit", Operation::parse)
    });
    reader.member(fields, "params", |reader, params| match operation? {
        Operation::Arithmetic => {
            let fields = reader.object(params, &["operator", "operands", "x", "y", "precision"])?;
            let operator = operator(reader, fields);
            arithmetic(reader, fields, operator)
        }
        Operation::Operator(operator) => {
            let fields = reader.object(params, &["operands", "x", "y", "precision"])?;
            arithmetic(reader, fields, Some(operator))
        }
        Operation::Statistics => statistics(reader, params),
        Operation::Unit => unit(reader, params),
    })
}

fn unit(reader: &mut Reader, params: &Node) -> Option<Request> {
    match params.get("action").and_then(Node::as_str) {
        Some("convert") => convert(reader, params, &["action", "unit"]),
        Some("arithmetic") => quantities(reader, params, &["action"]),
        _ => reader.wrong_member("action", "expected convert or arithmetic", "literal_error"),
    }
}
