// SPDX-License-Identifier: MIT
//! Decimal numbers without limits: sums and products are exact, quotients and roots are rounded
//! once, half to even.
//!
//! Knows no tool and no limit: whoever reads numbers from a peer says how long they may be.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

use num_bigint::{BigInt, BigUint, Sign};

/// A decimal number: `digits` divided by ten to the power of `scale`.
///
/// Two spellings of one number (`1.5` and `1.50`) are equal and are written alike.
#[derive(Clone, Debug)]
pub struct Decimal {
    digits: BigInt,
    scale: u32,
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// It is spelled otherwise than `[+-]digits[.digits]` or `[+-].digits`.
    Format,
    /// It has more digits than allowed.
    TooLong,
}

impl Decimal {
    /// Reads `text`: an optional sign, digits, and digits behind a point; no exponent, no blanks.
    ///
    /// Errors: [`NumberError::TooLong`] with more than `digits_max` digits, leading and trailing
    /// zeros included.
    pub fn parse(text: &str, digits_max: usize) -> Result<Self, NumberError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(NumberError::Format),
            Some((whole, fraction)) => (whole, fraction),
            None if unsigned.is_empty() => return Err(NumberError::Format),
            None => (unsigned, ""),
        };
        if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return Err(NumberError::Format);
        }
        if whole.len() + fraction.len() > digits_max {
            return Err(NumberError::TooLong);
        }
        let scale = u32::try_from(fraction.len()).map_err(|_| NumberError::TooLong)?;
        let spelled = format!("{whole}{fraction}");
        let magnitude = BigUint::parse_bytes(spelled.as_bytes(), 10).ok_or(NumberError::Format)?;
        let sign = if text.starts_with('-') { Sign::Minus } else { Sign::Plus };
        Ok(Self { digits: BigInt::from_biguint(sign, magnitude), scale })
    }

    /// `digits` divided by ten to the power of `scale`.
    #[must_use]
    pub fn new(digits: i64, scale: u32) -> Self {
        Self { digits: digits.into(), scale }
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    /// `self` divided by `divisor`, rounded half to even to `precision` significant digits, which
    /// is at least 1. `None` if `divisor` is zero.
    #[must_use]
    pub fn quotient(&self, divisor: &Self, precision: u32) -> Option<Self> {
        if divisor.is_zero() {
            return None;
        }
        // Enough digits that the quotient has two more than wanted.
        let have = i64::from(digit_count(&self.digits)) - i64::from(digit_count(&divisor.digits));
        let shift = u32::try_from((i64::from(precision) + 2 - have).max(0)).unwrap_or(0);
        let dividend = &self.digits * ten_to(shift);
        let quotient = &dividend / &divisor.digits;
        let inexact = &quotient * &divisor.digits != dividend;
        let negative = self.digits.sign() != divisor.digits.sign();
        let sticky = with_sticky_digit(quotient, inexact, negative);
        let scale = i64::from(self.scale) + i64::from(shift) - i64::from(divisor.scale) + 1;
        Some(Self::with_scale(sticky, scale).round(precision))
    }

    /// `self` divided by `divisor`, if the quotient ends within thirty digits behind those of
    /// `self`; so it does whenever it ends at all and `divisor` has up to nine digits.
    #[must_use]
    pub fn quotient_exact(&self, divisor: &Self) -> Option<Self> {
        const SHIFT: u32 = 30;
        if divisor.is_zero() {
            return None;
        }
        let dividend = &self.digits * ten_to(SHIFT);
        let quotient = &dividend / &divisor.digits;
        let scale = i64::from(self.scale) + i64::from(SHIFT) - i64::from(divisor.scale);
        (&quotient * &divisor.digits == dividend).then(|| Self::with_scale(quotient, scale))
    }

    /// The square root of `self / divisor`, rounded half to even to `precision` significant
    /// digits. `None` if `divisor` is zero or the quotient is negative.
    #[must_use]
    pub fn quotient_root(&self, divisor: &Self, precision: u32) -> Option<Self> {
        let same_sign = self.digits.sign() == divisor.digits.sign();
        if divisor.is_zero() || !(self.is_zero() || same_sign) {
            return None;
        }
        // As integers: self / divisor = dividend / by.
        let (dividend, by) = (
            self.digits.magnitude() * ten_to(divisor.scale).magnitude(),
            divisor.digits.magnitude() * ten_to(self.scale).magnitude(),
        );
        let have = i64::from(digits_of(&dividend)) - i64::from(digits_of(&by));
        let places = (2 * (i64::from(precision) + 2) - have).max(0) as u32 / 2 + 1;
        let shifted = dividend * ten_to(2 * places).magnitude();
        let root = (&shifted / &by).sqrt();
        let inexact = &root * &root * &by != shifted;
        let sticky = with_sticky_digit(root.into(), inexact, false);
        Some(Self { digits: sticky, scale: places + 1 }.round(precision))
    }

    /// With at most `precision` significant digits, rounded half to even; `precision` is at
    /// least 1.
    #[must_use]
    pub fn round(&self, precision: u32) -> Self {
        let surplus = digit_count(&self.digits).saturating_sub(precision.max(1));
        if surplus == 0 {
            return self.clone();
        }
        let unit = ten_to(surplus);
        let kept = &self.digits / &unit;
        let rest: BigInt = (&self.digits - &kept * &unit) * 2;
        let odd = kept.bit(0);
        let up = match rest.magnitude().cmp(unit.magnitude()) {
            Ordering::Less => false,
            Ordering::Equal => odd,
            Ordering::Greater => true,
        };
        let kept = match (up, self.digits.sign()) {
            (false, _) => kept,
            (true, Sign::Minus) => kept - 1,
            (true, _) => kept + 1,
        };
        Self::with_scale(kept, i64::from(self.scale) - i64::from(surplus))
    }

    /// `digits / 10^scale` where the scale may be negative.
    fn with_scale(digits: BigInt, scale: i64) -> Self {
        match u32::try_from(scale) {
            Ok(scale) => Self { digits, scale },
            Err(_) => {
                let zeros = u32::try_from(scale.unsigned_abs()).unwrap_or(u32::MAX);
                Self { digits: digits * ten_to(zeros), scale: 0 }
            }
        }
    }

    /// The digits of both at the larger of the two scales.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, u32) {
        let scale = self.scale.max(other.scale);
        let of = |number: &Self| match scale - number.scale {
            0 => number.digits.clone(),
            zeros => &number.digits * ten_to(zeros),
        };
        (of(self), of(other), scale)
    }
}

/// `digits` with one more digit, which is not 0 if something was cut off: so that a later rounding
/// does not take the number for a tie.
fn with_sticky_digit(digits: BigInt, inexact: bool, negative: bool) -> BigInt {
    let shifted = digits * 10;
    match (inexact, negative) {
        (false, _) => shifted,
        (true, false) => shifted + 1,
        (true, true) => shifted - 1,
    }
}

fn ten_to(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

fn digit_count(digits: &BigInt) -> u32 {
    digits_of(digits.magnitude())
}

/// How many decimal digits spell `magnitude`; one for zero.
fn digits_of(magnitude: &BigUint) -> u32 {
    u32::try_from(magnitude.to_string().len()).unwrap_or(u32::MAX)
}

impl From<u32> for Decimal {
    fn from(value: u32) -> Self {
        Self { digits: value.into(), scale: 0 }
    }
}

impl Add for &Decimal {
    type Output = Decimal;
    fn add(self, other: Self) -> Decimal {
        let (left, right, scale) = self.aligned(other);
        Decimal { digits: left + right, scale }
    }
}

impl Sub for &Decimal {
    type Output = Decimal;
    fn sub(self, other: Self) -> Decimal {
        let (left, right, scale) = self.aligned(other);
        Decimal { digits: left - right, scale }
    }
}

impl Mul for &Decimal {
    type Output = Decimal;
    fn mul(self, other: Self) -> Decimal {
        Decimal { digits: &self.digits * &other.digits, scale: self.scale + other.scale }
    }
}

impl Neg for &Decimal {
    type Output = Decimal;
    fn neg(self) -> Decimal {
        Decimal { digits: -&self.digits, scale: self.scale }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right, _) = self.aligned(other);
        left.cmp(&right)
    }
}
impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Decimal {}

impl fmt::Display for Decimal {
    /// Without exponent and without zeros at the end; zero is `0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.scale as usize;
        let spelled = format!("{:0>width$}", self.digits.magnitude(), width = scale + 1);
        let (whole, fraction) = spelled.split_at(spelled.len() - scale);
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.digits.sign() == Sign::Minus { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

/// Any text is a number or is refused; what is a number reads back as itself, and the operations
/// agree with each other.
pub fn fuzz(left: &str, right: &str) {
    const DIGITS_MAX: usize = 40;
    let (Ok(a), Ok(b)) = (Decimal::parse(left, DIGITS_MAX), Decimal::parse(right, DIGITS_MAX))
    else {
        return;
    };
    assert_eq!(Decimal::parse(&a.to_string(), 2 * DIGITS_MAX).as_ref(), Ok(&a));
    assert_eq!(&(&a + &b) - &b, a);
    if let Some(exact) = (&a * &b).quotient(&b, 2 * DIGITS_MAX as u32) {
        assert_eq!(exact, a);
    }
    if let Some(root) = (&a * &a).quotient_root(&Decimal::from(1), 2 * DIGITS_MAX as u32) {
        assert_eq!(root, if a < Decimal::from(0) { -&a } else { a });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text, 400).unwrap()
    }

    #[track_caller]
    fn check(got: impl Into<Option<Decimal>>, want: &str) {
        assert_eq!(got.into().map(|n| n.to_string()).as_deref(), Some(want));
    }

    #[test]
    fn numbers_are_written_without_exponent_and_without_needless_zeros() {
        for (text, want) in [
            ("0", "0"),
            ("-0", "0"),
            ("+0.000", "0"),
            (".5", "0.5"),
            ("-.50", "-0.5"),
            ("007.10", "7.1"),
            ("100", "100"),
            ("+1000000000000000000000000000000", "1000000000000000000000000000000"),
            ("-0.00000000000000000000000000000100", "-0.000000000000000000000000000001"),
        ] {
            check(number(text), want);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "+", ".", "1.", "1e5", " 1", "1 ", "1_0", "--1", "1.2.3", "٣", "NaN", "0x1"]
        {
            assert_eq!(Decimal::parse(text, 200).err(), Some(NumberError::Format), "{text:?}");
        }
        assert!(Decimal::parse(&"9".repeat(200), 200).is_ok());
        assert_eq!(Decimal::parse(&"0".repeat(201), 200).err(), Some(NumberError::TooLong));
    }

    #[test]
    fn sums_and_products_are_exact() {
        check(&number("0.1") + &number("0.2"), "0.3");
        check(&number("1") - &number("1.000"), "0");
        check(&number("1100") * &number("0.09290304"), "102.193344");
        check(&number("1") - &number(".1"), "0.9");
    }

    #[test]
    fn quotients_are_rounded_half_to_even() {
        check(number("1").quotient(&number("3"), 5), "0.33333");
        check(number("-2").quotient(&number("3"), 5), "-0.66667");
        check(number("2").quotient(&number("-3"), 1), "-0.7");
        check(number("125").quotient(&number("100"), 2), "1.2");
        check(number("135").quotient(&number("100"), 2), "1.4");
        check(number("-125").quotient(&number("100"), 2), "-1.2");
        check(number("125.0000000000000000000001").quotient(&number("100"), 2), "1.3");
        check(number("0").quotient(&number("7"), 9), "0");
        check(number("123456").quotient(&number("1"), 2), "120000");
        check(number("995").quotient(&number("1"), 2), "1000");
        check(number("0.0001").quotient(&number("20000000"), 3), "0.000000000005");
        assert_eq!(number("1").quotient(&number("0.00"), 5), None);
    }

    #[test]
    fn a_quotient_that_ends_is_known_exactly() {
        check(number("1").quotient_exact(&number("0.08")), "12.5");
        check(number("0.9144").quotient_exact(&number("0.3048")), "3");
        assert_eq!(number("1").quotient_exact(&number("3")), None);
        assert_eq!(number("1").quotient_exact(&number("0")), None);
    }

    #[test]
    fn roots_are_rounded_half_to_even() {
        let one = number("1");
        check(number("2").quotient_root(&one, 28), "1.414213562373095048801688724");
        check(number("2").quotient_root(&number("8"), 28), "0.5");
        check(number("0.0009").quotient_root(&one, 5), "0.03");
        check(number("6.25").quotient_root(&one, 1), "2");
        check(number("12.25").quotient_root(&one, 1), "4");
        check(number("1000000").quotient_root(&one, 1), "1000");
        check(number("0").quotient_root(&one, 1), "0");
        assert_eq!(number("-1").quotient_root(&one, 5), None);
        assert_eq!(number("1").quotient_root(&number("0"), 5), None);
    }

    /// The twin: a fraction of integers, without scale and without rounding.
    fn twin(number: &Decimal) -> (BigInt, BigInt) {
        (number.digits.clone(), ten_to(number.scale))
    }

    /// Whether `near` is `top / bottom`, off by half a unit in its last allowed digit at most.
    fn close(near: &Decimal, top: &BigInt, bottom: &BigInt, precision: u32) -> bool {
        let (near_top, near_bottom) = twin(near);
        let (exact, found) = (top * &near_bottom, near_top * bottom);
        let off = &exact - &found;
        let allowed = exact.magnitude().max(found.magnitude()).clone();
        off.magnitude() * 2u32 * ten_to(precision - 1).magnitude() <= allowed
    }

    prop_compose! {
        fn any_number()(text in "[+-]?([0-9]{1,30}(\\.[0-9]{1,30})?|\\.[0-9]{1,30})") -> Decimal {
            number(&text)
        }
    }

    proptest! {
        #[test]
        fn operations_agree_with_fractions(
            a in any_number(), b in any_number(), precision in 1u32..60
        ) {
            let ((p, q), (r, s)) = (twin(&a), twin(&b));
            let (sum, difference, product) = (twin(&(&a + &b)), twin(&(&a - &b)), twin(&(&a * &b)));
            prop_assert_eq!(&sum.0 * (&q * &s), (&p * &s + &r * &q) * &sum.1);
            prop_assert_eq!(&difference.0 * (&q * &s), (&p * &s - &r * &q) * &difference.1);
            prop_assert_eq!(&product.0 * (&q * &s), (&p * &r) * &product.1);
            prop_assert_eq!(a.cmp(&b), (&p * &s).cmp(&(&r * &q)));
            prop_assert!(close(&a.round(precision), &p, &q, precision));
            if let Some(quotient) = a.quotient(&b, precision) {
                prop_assert!(close(&quotient, &(&p * &s), &(&q * &r), precision));
                prop_assert_eq!(quotient.round(precision), quotient);
            }
            fuzz(&a.to_string(), &b.to_string());
        }

        #[test]
        fn a_root_lies_between_its_neighbours(a in any_number(), precision in 1u32..60) {
            let a = if a < Decimal::from(0) { -&a } else { a };
            let root = a.quotient_root(&Decimal::from(1), precision).unwrap();
            // Half a unit in the last digit; the digit is that of the larger neighbour.
            let digits = digit_count(&root.digits);
            let ulp = Decimal::with_scale(
                1.into(), i64::from(root.scale) - (i64::from(digits) - i64::from(precision)));
            let half = &ulp * &Decimal::new(5, 1);
            let (low, high) = (&root - &half, &root + &half);
            prop_assert!(&high * &high >= a);
            prop_assert!(low <= Decimal::from(0) || &low * &low <= a);
        }

        #[test]
        fn any_text_is_a_number_or_refused(left in ".{0,20}", right in "[-+.0-9e]{0,20}") {
            fuzz(&left, &right);
            fuzz(&right, &left);
        }
    }
}
