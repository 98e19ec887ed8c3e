// SPDX-License-Identifier: MIT
//! Which names a pattern means, and which URIs a template.

/// Whether `text` is what `pattern` means, in which `*` stands for any characters or none.
///
/// Costs at most the product of both lengths.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut of) = (0, 0);
    let mut retry = None;
    while of < text.len() {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at + 1, of));
            at += 1;
        } else if pattern.get(at) == Some(&text[of]) {
            at += 1;
            of += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            (at, of) = (star, from + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// Longer templates and URIs are not compared.
const TEMPLATE_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This byte.
    Byte(u8),
    /// `{name}`: something within one segment.
    Segment,
    /// Another expression: anything or nothing.
    Anything,
}

/// Whether `uri` may have been made from `template`: `{name}` stands for a part without `/`, `?`
/// and `#`, other expressions for anything.
///
/// Costs at most the product of both lengths.
///
/// Spec: RFC 6570 §1.2, level 1 exactly, higher levels generously.
#[must_use]
pub fn fits_template(template: &str, uri: &str) -> bool {
    if template.len() > TEMPLATE_BYTES_MAX || uri.len() > TEMPLATE_BYTES_MAX {
        return false;
    }
    let pieces = pieces(template);
    // `reached[n]`: the pieces so far can stand for the first n bytes.
    let mut reached = vec![false; uri.len() + 1];
    reached[0] = true;
    for piece in pieces {
        let mut next = vec![false; uri.len() + 1];
        match piece {
            Piece::Byte(byte) => {
                for (at, own) in uri.bytes().enumerate() {
                    next[at + 1] = reached[at] && own == byte;
                }
            }
            Piece::Segment => {
                for (at, own) in uri.bytes().enumerate() {
                    let is_inside = !matches!(own, b'/' | b'?' | b'#');
                    next[at + 1] = is_inside && (reached[at] || next[at]);
                }
            }
            Piece::Anything => {
                let mut any = false;
                for (at, before) in reached.iter().enumerate() {
                    any |= before;
                    next[at] = any;
                }
            }
        }
        reached = next;
    }
    reached[uri.len()]
}

fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(template.len());
    let mut rest = template.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let expression = (byte == b'{').then(|| behind.iter().position(|&byte| byte == b'}'));
        match expression.flatten() {
            Some(end) => {
                let name = &behind[..end];
                let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.%".contains(byte);
                let is_level_1 = !name.is_empty() && name.iter().all(is_plain);
                pieces.push(if is_level_1 { Piece::Segment } else { Piece::Anything });
                rest = &behind[end + 1..];
            }
            None => pieces.push(Piece::Byte(byte)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, want) in [
            ("get_*", "get_issue", true),
            ("get_*", "get_", true),
            ("get_*", "forget_me", false),
            ("*", "", true),
            ("*_*_x", "a_b_c_x", true),
            ("*ab", "aab", true),
            ("a*b*c", "abcbc", true),
            ("a*b", "a*bc", false),
            ("now", "now", true),
            ("now", "know", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn a_template_means_the_uris_that_it_can_make() {
        for (template, uri, want) in [
            ("file:///{path}", "file:///a.txt", true),
            ("file:///{path}", "file:///a/b.txt", false),
            ("file:///{+path}", "file:///a/b.txt", true),
            ("test://{id}/data", "test://7/data", true),
            ("test://{id}/data", "test:///data", false),
            ("a://{x}-{y}", "a://1-2-3", true),
            ("a://b{?q}", "a://b", true),
            ("a://b{?q}", "a://b?q=1", true),
            ("a://{", "a://{", true),
            ("a://b", "a://bc", false),
        ] {
            assert_eq!(fits_template(template, uri), want, "{template} {uri}");
        }
    }
}
