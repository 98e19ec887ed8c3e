// SPDX-License-Identifier: MIT
//! Names as readers take them that do not look at their case.
//!
//! Such readers fold letters, and two letters beyond ASCII have an ASCII letter for their other
//! case: ſ (U+017F) is an s, and K (U+212A), the Kelvin sign, is a k. Whoever decides by a name for
//! somebody else who may read it so has to take it for all that it could be.

use std::cmp::Ordering;

/// The letters of `name`, of each the one that stands for all its cases.
fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

/// How two names compare whatever the case of their letters.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    folded(a).cmp(folded(b))
}

/// Whether some reader could take one of these names for the other.
#[must_use]
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || folded(a).eq(folded(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By all spellings that the letters have.
    fn is_same_naively(a: &str, b: &str) -> bool {
        const SPELLINGS: [&[&str]; 2] = [&["s", "S", "\u{17f}"], &["k", "K", "\u{212a}"]];
        let plain = |name: &str| {
            let mut name = name.to_owned();
            for spellings in SPELLINGS {
                for other in spellings {
                    name = name.replace(other, spellings[0]);
                }
            }
            name.to_ascii_lowercase()
        };
        plain(a) == plain(b)
    }

    #[test]
    fn two_letters_beyond_ascii_are_letters_of_names() {
        assert!(is_same("argument\u{17f}", "Arguments"));
        assert!(is_same("cur\u{17f}or", "cursor") && is_same("_META", "_meta"));
        assert!(is_same("\u{212a}ey", "key"));
        assert!(!is_same("stra\u{df}e", "strasse") && !is_same("\u{e9}", "\u{c9}"));
        assert!(!is_same("a", "aa") && !is_same("", "s"));
    }

    proptest! {
        #[test]
        fn names_are_the_same_if_all_their_letters_are(
            a in "[kKsSaA\u{17f}\u{212a}\u{e9}\u{c9}]{0,4}",
            b in "[kKsSaA\u{17f}\u{212a}\u{e9}\u{c9}]{0,4}",
        ) {
            prop_assert_eq!(is_same(&a, &b), is_same_naively(&a, &b));
            prop_assert_eq!(compare(&a, &b).is_eq(), is_same(&a, &b));
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        }
    }
}
