// SPDX-License-Identifier: MIT
//! The four operations, folded from the left over plain numbers and over quantities with units.

use std::fmt;

use super::decimal::Decimal;
use super::unit::{Dimensions, Unit};

/// The significant digits of a result that has to be rounded, unless others are asked for.
pub const PRECISION_DEFAULT: u32 = 28;

/// What is done with the operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The sum.
    Add,
    /// The first less the others.
    Sub,
    /// The product.
    Mul,
    /// The first divided by the others.
    Div,
}

impl Operator {
    /// From its name, or from the sign that stands between numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "add" | "+" => Self::Add,
            "sub" | "-" => Self::Sub,
            "mul" | "*" => Self::Mul,
            "div" | "/" => Self::Div,
            _ => return None,
        })
    }

    /// How many operands it needs at least.
    #[must_use]
    pub const fn operands_min(self) -> usize {
        match self {
            Self::Add | Self::Mul => 1,
            Self::Sub | Self::Div => 2,
        }
    }
}

/// Why a computation that was asked for properly has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeError {
    /// A divisor is zero.
    DivisionByZero,
    /// Quantities of these dimensions are neither added nor converted into each other.
    DimensionsDiffer(Dimensions, Dimensions),
    /// There are not enough values or operands.
    TooFew,
    /// The result has more characters than an answer may have.
    OutputTooLong,
}

impl fmt::Display for ComputeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::DimensionsDiffer(left, right) => {
                write!(f, "incompatible units: dimension {left} is not {right}")
            }
            Self::TooFew => f.write_str("too few values"),
            Self::OutputTooLong => f.write_str("output exceeds size limit"),
        }
    }
}

/// `value`, rounded if `precision` is given.
#[must_use]
pub fn rounded(value: Decimal, precision: Option<u32>) -> Decimal {
    match precision {
        Some(precision) => value.round(precision),
        None => value,
    }
}

/// `dividend / divisor`: exact if it ends and no `precision` is given, else rounded once. `None`
/// if `divisor` is zero.
#[must_use]
pub fn divide(dividend: &Decimal, divisor: &Decimal, precision: Option<u32>) -> Option<Decimal> {
    match precision {
        Some(precision) => dividend.quotient(divisor, precision),
        None => dividend
            .quotient_exact(divisor)
            .or_else(|| dividend.quotient(divisor, PRECISION_DEFAULT)),
    }
}

/// Computes over plain numbers. Sums, differences and products are exact unless `precision` is
/// given; a quotient is rounded once, whatever the number of its divisors.
pub fn compute(
    operator: Operator,
    operands: &[Decimal],
    precision: Option<u32>,
) -> Result<Decimal, ComputeError> {
    if operands.len() < operator.operands_min() {
        return Err(ComputeError::TooFew);
    }
    let [first, others @ ..] = operands else { return Err(ComputeError::TooFew) };
    let exact = match operator {
        Operator::Add => others.iter().fold(first.clone(), |sum, operand| &sum + operand),
        Operator::Sub => others.iter().fold(first.clone(), |rest, operand| &rest - operand),
        Operator::Mul => others.iter().fold(first.clone(), |product, operand| &product * operand),
        Operator::Div => {
            let divisor = others.iter().fold(Decimal::from(1), |by, operand| &by * operand);
            let precision = precision.unwrap_or(PRECISION_DEFAULT);
            return first.quotient(&divisor, precision).ok_or(ComputeError::DivisionByZero);
        }
    };
    Ok(rounded(exact, precision))
}

/// So much of a unit.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// How much.
    pub value: Decimal,
    /// Of what.
    pub unit: &'static Unit,
}

impl Quantity {
    fn in_base(&self) -> Decimal {
        &self.value * &self.unit.factor()
    }
}

/// `quantity` in the unit `to`.
pub fn convert(
    quantity: &Quantity,
    to: &Unit,
    precision: Option<u32>,
) -> Result<Decimal, ComputeError> {
    if quantity.unit.dimensions != to.dimensions {
        return Err(ComputeError::DimensionsDiffer(quantity.unit.dimensions, to.dimensions));
    }
    divide(&quantity.in_base(), &to.factor(), precision).ok_or(ComputeError::DivisionByZero)
}

/// Computes over quantities, and says the unit of the result.
///
/// Sums and differences want one dimension and are given in `output`, or else in the unit of the
/// first operand. Products and quotients are given in `output` if it has their dimension, or else
/// in base units.
pub fn compute_quantities(
    operator: Operator,
    operands: &[Quantity],
    output: Option<&'static Unit>,
    precision: Option<u32>,
) -> Result<(Decimal, String), ComputeError> {
    let first = operands.first().ok_or(ComputeError::TooFew)?;
    let dimensions = result_dimensions(operator, first, &operands[1..])?;
    let output = match operator {
        Operator::Add | Operator::Sub => output.or(Some(first.unit)),
        Operator::Mul | Operator::Div => output,
    };
    if let Some(unit) = output
        && unit.dimensions != dimensions
    {
        return Err(ComputeError::DimensionsDiffer(dimensions, unit.dimensions));
    }
    let base: Vec<Decimal> = operands.iter().map(Quantity::in_base).collect();
    let factor = output.map_or(Decimal::from(1), Unit::factor);
    let value = match operator {
        // The unit is one more divisor, so that the quotient is rounded once.
        Operator::Div => {
            let last = &[factor];
            compute(operator, &[&base[..], last].concat(), precision)?
        }
        _ => divide(&compute(operator, &base, None)?, &factor, precision)
            .ok_or(ComputeError::DivisionByZero)?,
    };
    let unit = output.map_or_else(|| dimensions.to_string(), |unit| unit.symbol.to_owned());
    Ok((value, unit))
}

fn result_dimensions(
    operator: Operator,
    first: &Quantity,
    others: &[Quantity],
) -> Result<Dimensions, ComputeError> {
    let start = first.unit.dimensions;
    others.iter().map(|other| other.unit.dimensions).try_fold(start, |left, right| match operator {
        Operator::Mul => Ok(left.times(right)),
        Operator::Div => Ok(left.per(right)),
        Operator::Add | Operator::Sub if left == right => Ok(left),
        Operator::Add | Operator::Sub => Err(ComputeError::DimensionsDiffer(left, right)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text, 200).unwrap()
    }

    #[track_caller]
    fn check(operator: &str, operands: &[&str], precision: Option<u32>, want: &str) {
        let operands: Vec<_> = operands.iter().map(|text| number(text)).collect();
        let got = match compute(Operator::parse(operator).unwrap(), &operands, precision) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn operands_are_folded_from_the_left() {
        check("add", &["0.1", "0.2"], None, "0.3");
        check("+", &["5"], None, "5");
        check("sub", &["10", "3", "2.5"], None, "4.5");
        check("*", &["1.5", "-2", "4"], None, "-12");
        check("div", &["1", "3"], None, "0.3333333333333333333333333333");
        check("/", &["100", "4", "5"], Some(2), "5");
        check("div", &["1", "0"], None, "division by zero");
        check("div", &["1", "2", "0"], None, "division by zero");
        check("sub", &["1"], None, "too few values");
        check("mul", &[], None, "too few values");
    }

    #[test]
    fn sums_and_products_are_rounded_if_asked_alone() {
        let long = "123456789012345678901234567890.123456789";
        check("add", &[long, "0.000000001"], None, "123456789012345678901234567890.12345679");
        check("add", &[long, "0"], Some(3), "123000000000000000000000000000");
        check("mul", &["1.05", "1.5"], Some(2), "1.6");
    }

    #[track_caller]
    fn check_units(operator: &str, operands: &[(&str, &str)], output: Option<&str>, want: &str) {
        let operands: Vec<_> = operands
            .iter()
            .map(|(value, unit)| Quantity {
                value: number(value),
                unit: Unit::parse(unit).unwrap(),
            })
            .collect();
        let output = output.map(|symbol| Unit::parse(symbol).unwrap());
        let operator = Operator::parse(operator).unwrap();
        let got = match compute_quantities(operator, &operands, output, None) {
            Ok((value, unit)) => format!("{value} {unit}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn sums_of_quantities_are_in_the_unit_of_the_first() {
        check_units("add", &[("2", "m"), ("3", "ft")], None, "2.9144 m");
        check_units("add", &[("2.5", "m"), ("30", "cm")], Some("m"), "2.8 m");
        check_units("sub", &[("1", "day"), ("1", "h"), ("30", "min")], Some("h"), "22.5 h");
        check_units("add", &[("1", "ft"), ("1", "m")], None, "4.280839895013123359580052493 ft");
        check_units(
            "add",
            &[("1", "m"), ("1", "kg")],
            None,
            "incompatible units: dimension m is not g",
        );
        check_units("add", &[("1", "m")], Some("s"), "incompatible units: dimension m is not s");
    }

    #[test]
    fn products_of_quantities_are_in_base_units() {
        check_units("mul", &[("2", "m"), ("30", "cm")], None, "0.6 m^2");
        check_units(
            "div",
            &[("100", "km"), ("1", "h")],
            None,
            "27.77777777777777777777777778 m*s^-1",
        );
        check_units("div", &[("1", "km"), ("1", "m")], None, "1000 1");
        check_units("div", &[("1", "m"), ("0", "s")], None, "division by zero");
        check_units(
            "mul",
            &[("2", "m"), ("1", "m")],
            Some("m"),
            "incompatible units: dimension m^2 is not m",
        );
        check_units("mul", &[("2", "ft")], Some("in"), "24 in");
    }

    #[test]
    fn conversions_are_exact_where_they_end() {
        for (value, from, to, want) in [
            ("1500", "m", "km", "1.5"),
            ("1", "mi", "ft", "5280"),
            ("1", "lb", "g", "453.59237"),
            ("1", "m", "ft", "3.280839895013123359580052493"),
            (
                "123456789012345678901234567890123456789",
                "km",
                "cm",
                "12345678901234567890123456789012345678900000",
            ),
            ("1", "m", "s", "incompatible units: dimension m is not s"),
        ] {
            let quantity = Quantity { value: number(value), unit: Unit::parse(from).unwrap() };
            let got = match convert(&quantity, Unit::parse(to).unwrap(), None) {
                Ok(value) => value.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(got, want, "{value} {from} in {to}");
        }
    }
}
