// SPDX-License-Identifier: MIT
//! Eight statistics over decimals.

use super::arithmetic::{PRECISION_DEFAULT, divide, rounded};
use super::decimal::Decimal;

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The sum divided by the count.
    Mean,
    /// The middle value, or the mean of the two in the middle.
    Median,
    /// The mean square of the distances from the mean.
    Variance,
    /// The square root of the variance.
    Stdev,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// All values together.
    Sum,
    /// How many values there are.
    Count,
}

impl Function {
    /// All of them by name, in the order in which they are reported. `std` comes after `stdev`,
    /// whose other name it is.
    pub const BY_NAME: [(&'static str, Self); 9] = [
        ("mean", Self::Mean),
        ("median", Self::Median),
        ("variance", Self::Variance),
        ("stdev", Self::Stdev),
        ("std", Self::Stdev),
        ("min", Self::Min),
        ("max", Self::Max),
        ("sum", Self::Sum),
        ("count", Self::Count),
    ];

    /// The statistic called `name`, with the name as we keep it.
    #[must_use]
    pub fn parse(name: &str) -> Option<(&'static str, Self)> {
        Self::BY_NAME.iter().find(|(known, _)| *known == name).copied()
    }

    /// Whether one value is not enough.
    #[must_use]
    pub const fn needs_two_values(self) -> bool {
        matches!(self, Self::Variance | Self::Stdev)
    }

    /// The statistic over `values`, of the population or of a `sample` (divided by n−1).
    ///
    /// Exact if it ends; otherwise, or if `precision` is given, rounded once. Minimum, maximum and
    /// count are never rounded. `None` if there are too few values.
    #[must_use]
    pub fn of(self, values: &[Decimal], sample: bool, precision: Option<u32>) -> Option<Decimal> {
        match self {
            Self::Mean => divide(&sum(values), &count(values)?, precision),
            Self::Median => median(values, precision),
            Self::Variance => {
                let (squares, by) = spread(values, sample)?;
                divide(&squares, &by, precision)
            }
            Self::Stdev => {
                let (squares, by) = spread(values, sample)?;
                squares.quotient_root(&by, precision.unwrap_or(PRECISION_DEFAULT))
            }
            Self::Min => values.iter().min().cloned(),
            Self::Max => values.iter().max().cloned(),
            Self::Sum => Some(rounded(sum(values), precision)),
            Self::Count => count(values),
        }
    }
}

fn sum(values: &[Decimal]) -> Decimal {
    values.iter().fold(Decimal::from(0), |sum, value| &sum + value)
}

fn count(values: &[Decimal]) -> Option<Decimal> {
    u32::try_from(values.len()).ok().map(Decimal::from)
}

fn median(values: &[Decimal], precision: Option<u32>) -> Option<Decimal> {
    let mut sorted: Vec<&Decimal> = values.iter().collect();
    sorted.sort();
    let upper = *sorted.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(rounded(upper.clone(), precision));
    }
    let lower = *sorted.get(values.len() / 2 - 1)?;
    divide(&(lower + upper), &Decimal::from(2), precision)
}

/// The variance as a fraction of whole expressions, so that it is rounded once:
/// (n Σx² − (Σx)²) / n², or over n(n−1) for a sample.
fn spread(values: &[Decimal], sample: bool) -> Option<(Decimal, Decimal)> {
    if values.len() < 2 {
        return None;
    }
    let (n, sum) = (count(values)?, sum(values));
    let squares = values.iter().fold(Decimal::from(0), |sum, value| &sum + &(value * value));
    let by = if sample { &n * &(&n - &Decimal::from(1)) } else { &n * &n };
    Some((&(&n * &squares) - &(&sum * &sum), by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: &str, values: &[&str], sample: bool, precision: Option<u32>, want: &str) {
        let values: Vec<_> = values.iter().map(|text| Decimal::parse(text, 200).unwrap()).collect();
        let (_, function) = Function::parse(function).unwrap();
        let got = function.of(&values, sample, precision);
        assert_eq!(got.map(|value| value.to_string()).as_deref(), Some(want));
    }

    #[test]
    fn statistics_are_exact_where_they_end() {
        let values = ["1", "2", "3", "4"];
        for (function, want) in [
            ("mean", "2.5"),
            ("median", "2.5"),
            ("variance", "1.25"),
            ("stdev", "1.118033988749894848204586834"),
            ("std", "1.118033988749894848204586834"),
            ("min", "1"),
            ("max", "4"),
            ("sum", "10"),
            ("count", "4"),
        ] {
            check(function, &values, false, None, want);
        }
        check("mean", &["0.1", "0.2", "0.3"], false, None, "0.2");
        check("mean", &["1", "1", "0"], false, None, "0.6666666666666666666666666667");
        check("median", &["3", "1", "2"], false, None, "2");
        check("stdev", &["2", "4", "4", "4", "5", "5", "7", "9"], false, None, "2");
        // More digits than the default precision, and none is lost.
        let long = "1234567890123456789012345678901234567891";
        check("mean", &[long, long], false, None, long);
        check("sum", &[long, ".5"], false, None, &format!("{long}.5"));
    }

    #[test]
    fn a_sample_is_divided_by_one_less() {
        check("variance", &["1", "2", "3", "4"], true, None, "1.666666666666666666666666667");
        check("stdev", &["1", "3"], true, None, "1.414213562373095048801688724");
        check("variance", &["5", "5"], true, None, "0");
    }

    #[test]
    fn a_given_precision_rounds_once() {
        check("mean", &["1", "2", "2"], false, Some(3), "1.67");
        check("stdev", &["1", "2", "3", "4"], false, Some(4), "1.118");
        check("median", &["1.25", "9", "0"], false, Some(2), "1.2");
        check("count", &["1"; 13], false, Some(1), "13");
    }

    #[test]
    fn one_value_has_no_spread() {
        let one = [Decimal::from(1)];
        assert_eq!(Function::Variance.of(&one, false, None), None);
        assert_eq!(Function::Stdev.of(&one, true, None), None);
        assert_eq!(Function::Mean.of(&[], false, None), None);
        assert_eq!(Function::Median.of(&[], false, None), None);
    }
}
