// SPDX-License-Identifier: MIT
//! Units of length, mass and time, and what multiplying and dividing makes of them.
//!
//! Every unit is a multiple of its base unit; units with an offset (°C) have no place here.

use super::decimal::Decimal;

/// The powers of metre, gram and second in a quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimensions([i32; 3]);

/// The base units, in the order of the powers in [`Dimensions`].
const BASE: [&str; 3] = ["m", "g", "s"];
const LENGTH: Dimensions = Dimensions([1, 0, 0]);
const MASS: Dimensions = Dimensions([0, 1, 0]);
const TIME: Dimensions = Dimensions([0, 0, 1]);

impl Dimensions {
    /// Of a product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    /// Of a quotient.
    #[must_use]
    pub fn per(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] - other.0[at]))
    }
}

impl std::fmt::Display for Dimensions {
    /// Such as `m^2` or `m*s^-1`; a plain number has the unit `1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        for (unit, power) in BASE.iter().zip(self.0) {
            match power {
                0 => continue,
                1 => write!(f, "{separator}{unit}")?,
                _ => write!(f, "{separator}{unit}^{power}")?,
            }
            separator = "*";
        }
        if separator.is_empty() { f.write_str("1") } else { Ok(()) }
    }
}

/// A unit by its symbol.
#[derive(Debug, PartialEq, Eq)]
pub struct Unit {
    /// As it is written.
    pub symbol: &'static str,
    /// Length, mass or time.
    pub dimensions: Dimensions,
    /// One of it in the base unit: this number divided by ten to the power of the second.
    factor: (i64, u32),
}

impl Unit {
    /// The unit that is written `symbol`.
    #[must_use]
    pub fn parse(symbol: &str) -> Option<&'static Self> {
        UNITS.iter().find(|unit| unit.symbol == symbol)
    }

    /// One of it in the base unit of its dimension, exactly.
    #[must_use]
    pub fn factor(&self) -> Decimal {
        Decimal::new(self.factor.0, self.factor.1)
    }
}

const fn unit(symbol: &'static str, dimensions: Dimensions, digits: i64, scale: u32) -> Unit {
    Unit { symbol, dimensions, factor: (digits, scale) }
}

/// All units. The schemas of the tools list the same symbols.
pub static UNITS: [Unit; 16] = [
    unit("m", LENGTH, 1, 0),
    unit("cm", LENGTH, 1, 2),
    unit("mm", LENGTH, 1, 3),
    unit("km", LENGTH, 1000, 0),
    unit("in", LENGTH, 254, 4),
    unit("ft", LENGTH, 3048, 4),
    unit("yd", LENGTH, 9144, 4),
    unit("mi", LENGTH, 1_609_344, 3),
    unit("g", MASS, 1, 0),
    unit("kg", MASS, 1000, 0),
    unit("mg", MASS, 1, 3),
    unit("lb", MASS, 45_359_237, 5),
    unit("s", TIME, 1, 0),
    unit("min", TIME, 60, 0),
    unit("h", TIME, 3600, 0),
    unit("day", TIME, 86_400, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_written_as_products_of_powers() {
        assert_eq!(LENGTH.times(LENGTH).to_string(), "m^2");
        assert_eq!(LENGTH.per(TIME).to_string(), "m*s^-1");
        assert_eq!(MASS.times(LENGTH).per(TIME).per(TIME).to_string(), "m*g*s^-2");
        assert_eq!(MASS.per(MASS).to_string(), "1");
    }

    #[test]
    fn symbols_are_unique_and_base_units_are_one() {
        for unit in &UNITS {
            assert_eq!(Unit::parse(unit.symbol), Some(unit));
        }
        for base in BASE {
            assert_eq!(Unit::parse(base).unwrap().factor(), Decimal::from(1));
        }
        assert_eq!(Unit::parse("M"), None);
        assert_eq!(Unit::parse("lb").unwrap().factor().to_string(), "453.59237");
    }
}
