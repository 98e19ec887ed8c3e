// SPDX-License-Identifier: MIT
//! Request heads: where one ends, and what it says, as spans into its bytes.
//!
//! It does not know connections or clocks. The grammar is httparse's; what httparse is lenient
//! about, such as line ends, is checked here on the raw bytes.
//!
//! ```text
//!   HeadScan::find_end   lines as they come: bare LF and endless heads are refused at once
//!        └─> parse       the complete head: request line, fields, framing
//! ```
//!
//! Spec: RFC 9112 §2 to §6.

use std::mem::MaybeUninit;
use std::sync::Arc;

use super::chunked::is_token;
use super::fields::{Known, PARAM_PREFIX, Persistence, known};
use super::framing::{Framing, FramingError, FramingFields};
use super::target::{self, Target, is_authority};
use super::{Field, Method, RequestHead};
use crate::base::{Message, Span};

/// Fields that a head can have at all, whatever the limits say.
pub const FIELDS_MAX: usize = 128;

/// The versions we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
}

/// What a client expects of us before it sends its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing.
    None,
    /// `100-continue`
    Continue,
}

/// A request head, and what it says to the connection.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is handed on; shared, since the same head often comes again.
    pub head: Arc<RequestHead>,
    /// The version of the request line.
    pub version: Version,
    /// How the body ends.
    pub framing: Framing,
    /// Whether the client lets the connection be used again.
    pub persists: bool,
    /// What the client waits for with its body.
    pub expects: Expectation,
}

/// Why a head is refused. Nothing that follows it on the connection can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// A line that ends in LF without CR, or a CR without LF.
    LineEnd,
    /// No method, target and version with one space between them.
    RequestLine,
    /// A target in no form that we serve.
    Target,
    /// A version of HTTP other than 1.0 and 1.1.
    Version,
    /// A line that is no field: a bad name, a blank before the colon, or obsolete folding.
    FieldName,
    /// A control byte in a value.
    FieldValue,
    /// A field that may stand only once stands more often.
    Repeated(Field),
    /// A field that mirrors an argument of a tool stands more often than once.
    RepeatedParam,
    /// HTTP/1.1 without `Host`.
    HostMissing,
    /// A `Host` that cannot be a host.
    Host,
    /// An expectation other than `100-continue`.
    Expectation,
    /// Where the body ends cannot be told.
    Framing(FramingError),
    /// A request line that alone is longer than a head may be.
    TargetTooLong,
    /// A longer head than allowed.
    HeadTooLong,
    /// More fields than allowed.
    TooManyFields,
}

/// Looks for the end of a head while it arrives; no byte is looked at twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScan {
    scanned: usize,
}

impl HeadScan {
    /// The length of the head that `input` begins with, its empty line included; `None` if it has
    /// not ended yet.
    ///
    /// `input` always begins with the same byte, and grows. Errors: what is refused without
    /// waiting for more; a head of more than `bytes_max` bytes is one of them.
    pub fn find_end(&mut self, input: &[u8], bytes_max: usize) -> Result<Option<usize>, HeadError> {
        // The first byte tells other protocols, such as TLS, and lines too many (RFC 9112 §2.2).
        if input.first().is_some_and(|&byte| !is_token(byte)) {
            return Err(HeadError::RequestLine);
        }
        let window = &input[..input.len().min(bytes_max)];
        for at in memchr::memchr_iter(b'\n', &window[self.scanned..]) {
            let end = self.scanned + at;
            match window[..end] {
                [.., b'\n', b'\r'] => return Ok(Some(end + 1)),
                [.., b'\r'] => {}
                // RFC 9112 §2.2 lets a recipient take a bare LF for a line end, and httparse does.
                // Who does not sees the next line as a part of this one: two heads in one.
                _ => return Err(HeadError::LineEnd),
            }
        }
        self.scanned = window.len();
        if window.len() < bytes_max { Ok(None) } else { Err(too_long(window)) }
    }
}

fn too_long(start: &[u8]) -> HeadError {
    if memchr::memchr(b'\n', start).is_some() {
        return HeadError::HeadTooLong;
    }
    // RFC 9112 §3: 414 for a target beyond what we parse; without a space it is no target yet.
    if start.contains(&b' ') { HeadError::TargetTooLong } else { HeadError::RequestLine }
}

/// What the lines after the request line say.
#[derive(Default)]
struct Fields<'a> {
    known: [Option<Span>; Field::COUNT],
    params: Vec<(Span, Span)>,
    /// The values of `Accept` in one, if there is more than one.
    accept: Vec<u8>,
    framing: FramingFields<'a>,
    persistence: Persistence,
    expect: Option<&'a [u8]>,
}

/// Reads a complete head, as [`HeadScan`] has found it.
///
/// Costs one copy of `input`. Errors are final: see [`HeadError`].
pub fn parse(input: &[u8], fields_max: usize) -> Result<Request, HeadError> {
    let mut slots = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let slots = &mut slots[..fields_max.min(FIELDS_MAX)];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(input, slots) {
        Ok(httparse::Status::Complete(len)) if len == input.len() => {}
        Ok(_) => return Err(HeadError::RequestLine),
        Err(error) => return Err(explain(error, input)),
    }
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(HeadError::RequestLine);
    };
    let version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
    let method = method_of(method);
    let form = target::parse(target.as_bytes(), method).ok_or(HeadError::Target)?;
    let mut fields = Fields::default();
    for line in request.headers.iter() {
        fields.take(input, line.name.as_bytes(), line.value)?;
    }
    fields.check_host(input, version)?;
    let framing = fields.framing.decide(version).map_err(HeadError::Framing)?;
    let expects = expectation(fields.expect, version)?;
    let persists = fields.persistence.persists(version);
    let head = fields.into_head(input, method, span_of(input, target.as_bytes()), form);
    Ok(Request { head: Arc::new(head), version, framing, persists, expects })
}

impl<'a> Fields<'a> {
    fn take(&mut self, input: &[u8], name: &[u8], value: &'a [u8]) -> Result<(), HeadError> {
        match known(name) {
            None => {}
            Some(Known::Handed(field)) => return self.hand(input, field, value),
            Some(Known::Param) => return self.param(input, name, value),
            Some(Known::Connection) => self.persistence.note(value),
            Some(Known::ContentLength) => self.framing.note_length(value),
            Some(Known::TransferEncoding) => self.framing.note_coding(value),
            Some(Known::Expect) => return self.expect(value),
        }
        Ok(())
    }

    fn expect(&mut self, value: &'a [u8]) -> Result<(), HeadError> {
        // Two expectations are one of which we may know only half.
        self.expect.replace(value).map_or(Ok(()), |_| Err(HeadError::Expectation))
    }

    fn param(&mut self, input: &[u8], name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        let name = &name[PARAM_PREFIX.len()..];
        // Of two values somebody before us may have read the other one.
        if self.params.iter().any(|(other, _)| other.of(input).eq_ignore_ascii_case(name)) {
            return Err(HeadError::RepeatedParam);
        }
        self.params.push((span_of(input, name), span_of(input, value)));
        Ok(())
    }

    fn hand(&mut self, input: &[u8], field: Field, value: &[u8]) -> Result<(), HeadError> {
        let slot = &mut self.known[field as usize];
        let Some(first) = slot.replace(span_of(input, value)) else {
            return Ok(());
        };
        // RFC 9110 §5.3: only a field that is a list may stand more than once. Of two others,
        // such as `Host` or `Authorization`, somebody before us may have checked the other one.
        if field != Field::Accept {
            return Err(HeadError::Repeated(field));
        }
        if self.accept.is_empty() {
            self.accept.extend_from_slice(first.of(input));
        }
        self.accept.extend_from_slice(b", ");
        self.accept.extend_from_slice(value);
        Ok(())
    }

    /// Spec: RFC 9112 §3.2: "A server MUST respond with a 400 to any HTTP/1.1 request message that
    /// lacks a Host header field and to any request message that contains more than one or with an
    /// invalid field value."
    fn check_host(&self, input: &[u8], version: Version) -> Result<(), HeadError> {
        match self.known[Field::Host as usize] {
            Some(host) if is_authority(host.of(input)) => Ok(()),
            Some(_) => Err(HeadError::Host),
            None if version == Version::Http10 => Ok(()),
            None => Err(HeadError::HostMissing),
        }
    }

    fn into_head(
        mut self,
        input: &[u8],
        method: Method,
        target: Span,
        form: Target,
    ) -> RequestHead {
        if self.accept.is_empty() && matches!(form, Target::Origin | Target::Asterisk) {
            let bytes = Message::copy_of(input);
            return RequestHead { bytes, method, target, known: self.known, params: self.params };
        }
        let mut bytes = Vec::with_capacity(input.len() + self.accept.len());
        bytes.extend_from_slice(input);
        if !self.accept.is_empty() {
            self.known[Field::Accept as usize] = Some(append(&mut bytes, &[&self.accept]));
        }
        let target = match form {
            Target::Origin | Target::Asterisk => target,
            Target::Absolute { authority, rest } => {
                let within = |range: std::ops::Range<usize>| {
                    Span::new(range.start, range.end).shifted(target.start as usize)
                };
                // RFC 9112 §3.2.2: "the origin server MUST ignore the received Host header field
                // (if any) and instead replace it with the host information of the
                // request-target". Otherwise what was checked is not what was asked.
                self.known[Field::Host as usize] = Some(within(authority));
                origin_form(&mut bytes, within(rest), method)
            }
        };
        let bytes = Message::new(bytes);
        RequestHead { bytes, method, target, known: self.known, params: self.params }
    }
}

/// What stands after the authority, as a target of its own; appended where a byte is missing.
fn origin_form(bytes: &mut Vec<u8>, rest: Span, method: Method) -> Span {
    match rest.of(bytes) {
        [b'/', ..] => rest,
        // RFC 9112 §3.2.4: an absolute URI without path is the asterisk form of OPTIONS.
        [] if method == Method::Options => append(bytes, &[b"*"]),
        query => {
            let query = query.to_vec();
            append(bytes, &[b"/", &query])
        }
    }
}

fn append(bytes: &mut Vec<u8>, parts: &[&[u8]]) -> Span {
    let start = bytes.len();
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    Span::new(start, bytes.len())
}

/// Where `part`, which was borrowed from `input`, lies in it.
fn span_of(input: &[u8], part: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).saturating_sub(input.as_ptr() as usize);
    Span::new(start, start + part.len())
}

fn method_of(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        _ => Method::Other,
    }
}

fn expectation(value: Option<&[u8]>, version: Version) -> Result<Expectation, HeadError> {
    match value {
        None => Ok(Expectation::None),
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => Ok(match version {
            // RFC 9110 §10.1.1: "MUST ignore that expectation" in HTTP/1.0, which knows no 1xx.
            Version::Http10 => Expectation::None,
            Version::Http11 => Expectation::Continue,
        }),
        // RFC 9110 §10.1.1: 417 for a member that is not understood.
        Some(_) => Err(HeadError::Expectation),
    }
}

fn explain(error: httparse::Error, input: &[u8]) -> HeadError {
    match error {
        httparse::Error::Version if names_a_version(input) => HeadError::Version,
        httparse::Error::Version | httparse::Error::Token | httparse::Error::Status => {
            HeadError::RequestLine
        }
        httparse::Error::NewLine => HeadError::LineEnd,
        httparse::Error::HeaderName => HeadError::FieldName,
        httparse::Error::HeaderValue => HeadError::FieldValue,
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
    }
}

/// Whether the request line ends in a well-formed version, `HTTP/2.0` for example.
fn names_a_version(input: &[u8]) -> bool {
    let line = input.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let version = line.split(|&byte| byte == b' ').nth(2).and_then(|v| v.strip_prefix(b"HTTP/"));
    version.is_some_and(|version| {
        matches!(version, [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
    })
}

/// Any bytes, cut at any place, end in the same place or the same error; and what is parsed lies
/// inside its bytes.
pub fn fuzz(input: &[u8]) {
    const BYTES_MAX: usize = 512;
    let whole = HeadScan::default().find_end(input, BYTES_MAX);
    let mut scan = HeadScan::default();
    let stepped = (0..=input.len())
        .map(|end| scan.find_end(&input[..end], BYTES_MAX))
        .find(|found| *found != Ok(None));
    assert_eq!(whole, stepped.unwrap_or(Ok(None)));
    let Ok(Some(end)) = whole else { return };
    assert!(end <= BYTES_MAX && input[..end].ends_with(b"\r\n\r\n"));
    let Ok(request) = parse(&input[..end], 16) else { return };
    let head = &request.head;
    assert!(head.bytes.starts_with(&input[..end]));
    let target = head.target.of(&head.bytes);
    assert!(target == b"*" && head.method == Method::Options || target.starts_with(b"/"));
    let spans = head.known.iter().flatten().chain(head.params.iter().map(|(_, value)| value));
    assert!(spans.clone().all(|span| span.end as usize <= head.bytes.len()));
    for value in spans.map(|span| span.of(&head.bytes)) {
        assert!(value.iter().all(|&byte| super::chunked::is_text(byte)));
    }
    assert_eq!(head.param_messages().count(), head.params.len());
    assert!(head.param_messages().all(|(name, _)| name.bytes().all(is_token) && !name.is_empty()));
    assert!(head.field(Field::Host).is_some() || request.version == Version::Http10);
}

#[cfg(test)]
mod tests;
