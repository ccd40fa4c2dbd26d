//! JSON with spans; comments and trailing commas are read and told.

use std::collections::HashSet;
use std::sync::Arc;

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, ParseStringErrorKind, parse_to_ast};

use crate::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Json {
    /// The whole value.
    pub span: Span,
    /// The value.
    pub value: JsonValue,
}

/// A JSON value.
#[derive(Clone, Debug)]
pub enum JsonValue {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as written.
    Number(Arc<str>),
    /// A string, escapes decoded.
    String(Arc<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object, in source order; a key may stand twice.
    Object(Vec<JsonProperty>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct JsonProperty {
    /// The key, escapes decoded.
    pub key: Arc<str>,
    /// The key with its quotes.
    pub key_span: Span,
    /// The value.
    pub value: Json,
}

impl Json {
    /// The last property of that key, as runtimes read it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.property(key).map(|property| &property.value)
    }

    /// The last property of that key, with its key.
    pub fn property(&self, key: &str) -> Option<&JsonProperty> {
        self.properties().iter().rev().find(|property| &*property.key == key)
    }

    /// Properties of an object; empty for anything else.
    pub fn properties(&self) -> &[JsonProperty] {
        match &self.value {
            JsonValue::Object(properties) => properties,
            _ => &[],
        }
    }

    /// Items of an array; empty for anything else.
    pub fn items(&self) -> &[Json] {
        match &self.value {
            JsonValue::Array(items) => items,
            _ => &[],
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            JsonValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            JsonValue::Bool(value) => Some(value),
            _ => None,
        }
    }
}

/// What reading a JSON text gave.
#[derive(Clone, Debug, Default)]
pub struct JsonParse {
    /// The value; `None` when the text is broken or empty.
    pub value: Option<Json>,
    /// Where the text is not strict JSON, first to last: each with one of the [`NOTES`]. When there is no value, the last
    /// one says what broke it.
    pub errors: Vec<(Span, Arc<str>)>,
}

/// Notes on JSON that strict parsers take for a mistake; those from [`BROKEN`](notes::BROKEN) on leave no value.
pub mod notes {
    /// `// …` or `/* … */`.
    pub const COMMENT: &str = "json-comment";
    /// A comma before a closing bracket.
    pub const TRAILING_COMMA: &str = "json-trailing-comma";
    /// No comma between two properties or items.
    pub const MISSING_COMMA: &str = "json-missing-comma";
    /// A string in single quotes.
    pub const SINGLE_QUOTES: &str = "json-single-quotes";
    /// A key without quotes.
    pub const UNQUOTED_KEY: &str = "json-unquoted-key";
    /// A number that JSON does not know (`+1`, `.5`, `0x1F`, `NaN`).
    pub const NUMBER_FORM: &str = "json-number-form";
    /// The same key twice in one object.
    pub const DUPLICATE_KEY: &str = "json-duplicate-key";
    /// Nothing but blanks and comments.
    pub const EMPTY: &str = "json-empty";
    /// The text ends inside an object, an array, a string or a comment.
    pub const UNTERMINATED: &str = "json-unterminated";
    /// Something stands where it cannot.
    pub const BROKEN: &str = "json-broken";
    /// Nested deeper than the reader follows.
    pub const TOO_DEEP: &str = "json-too-deep";
}

/// Every note that [`parse`] gives.
pub const NOTES: &[&str] = &[
    notes::COMMENT,
    notes::TRAILING_COMMA,
    notes::MISSING_COMMA,
    notes::SINGLE_QUOTES,
    notes::UNQUOTED_KEY,
    notes::NUMBER_FORM,
    notes::DUPLICATE_KEY,
    notes::EMPTY,
    notes::UNTERMINATED,
    notes::BROKEN,
    notes::TOO_DEEP,
];

/// Deepest nesting that [`parse`] follows.
pub const MAX_DEPTH: usize = 256;

/// Reads JSON. Comments, trailing commas and other laxities are read and noted.
pub fn parse(text: &str) -> JsonParse {
    if let Some(at) = too_deep(text) {
        return JsonParse { value: None, errors: vec![(Span::new(at, at + 1), notes::TOO_DEEP.into())] };
    }
    let options = CollectOptions { comments: CommentCollectionStrategy::Separate, tokens: true };
    match parse_to_ast(text, &options, &ParseOptions::default()) {
        Ok(result) => {
            let mut errors = Vec::new();
            let mut comments: Vec<Span> = result
                .comments
                .iter()
                .flat_map(|map| map.values())
                .flat_map(|list| list.iter())
                .map(|c| span(c.range()))
                .collect();
            comments.sort_unstable();
            comments.dedup();
            errors.extend(comments.into_iter().map(|span| (span, notes::COMMENT)));
            laxities(text, result.tokens.as_deref().unwrap_or(&[]), &mut errors);
            let value = result.value.map(|value| convert(value, &mut errors));
            if value.is_none() {
                errors.push((Span::new(0, text.len() as u32), notes::EMPTY));
            }
            errors.sort_by_key(|(span, _)| *span);
            JsonParse { value, errors: errors.into_iter().map(|(span, note)| (span, note.into())).collect() }
        }
        Err(error) => {
            let note = match error.kind() {
                ParseErrorKind::UnterminatedArray
                | ParseErrorKind::UnterminatedObject
                | ParseErrorKind::UnterminatedCommentBlock
                | ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => notes::UNTERMINATED,
                ParseErrorKind::NestingDepthExceeded => notes::TOO_DEEP,
                _ => notes::BROKEN,
            };
            JsonParse { value: None, errors: vec![(clamp(text, error.range()), note.into())] }
        }
    }
}

/// The place where nesting passes [`MAX_DEPTH`]. Strings and comments are skipped.
fn too_deep(text: &str) -> Option<u32> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at as u32);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote && bytes[at] != b'\n' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = memchr::memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |length| at + length + 3);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn laxities(text: &str, tokens: &[TokenAndRange<'_>], out: &mut Vec<(Span, &'static str)>) {
    let mut before: Option<&TokenAndRange<'_>> = None;
    for token in tokens {
        let at = span(token.range);
        match &token.token {
            Token::CloseBrace | Token::CloseBracket => {
                if let Some(comma) = before.filter(|before| before.token == Token::Comma) {
                    out.push((span(comma.range), notes::TRAILING_COMMA));
                }
            }
            Token::Comma | Token::Colon => {}
            opens => {
                let after_value = before.is_some_and(|before| {
                    !matches!(before.token, Token::Comma | Token::Colon | Token::OpenBrace | Token::OpenBracket)
                });
                if after_value {
                    out.push((at, notes::MISSING_COMMA));
                }
                let written = at.slice(text);
                match opens {
                    Token::String(_) if written.starts_with('\'') => out.push((at, notes::SINGLE_QUOTES)),
                    Token::Word(_) => out.push((at, notes::UNQUOTED_KEY)),
                    Token::Number(_) if !strict_number(written) => out.push((at, notes::NUMBER_FORM)),
                    _ => {}
                }
            }
        }
        before = Some(token);
    }
}

fn strict_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn span(range: Range) -> Span {
    Span::new(range.start as u32, range.end as u32)
}

/// The range of an error on character boundaries and never empty, unless the text is.
fn clamp(text: &str, range: Range) -> Span {
    let mut start = range.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    if start == end {
        match text[start..].chars().next() {
            Some(c) => end = start + c.len_utf8(),
            None => start -= text[..start].chars().next_back().map_or(0, char::len_utf8),
        }
    }
    Span::new(start as u32, end as u32)
}

/// Depth is bounded by [`too_deep`].
fn convert(value: Value<'_>, errors: &mut Vec<(Span, &'static str)>) -> Json {
    let at = span(value.range());
    let value = match value {
        Value::NullKeyword(_) => JsonValue::Null,
        Value::BooleanLit(literal) => JsonValue::Bool(literal.value),
        Value::NumberLit(literal) => JsonValue::Number(literal.value.into()),
        Value::StringLit(literal) => JsonValue::String(literal.value.into()),
        Value::Array(array) => JsonValue::Array(array.elements.into_iter().map(|item| convert(item, errors)).collect()),
        Value::Object(object) => {
            let mut seen = HashSet::new();
            let mut properties = Vec::with_capacity(object.properties.len());
            for property in object.properties {
                let (key, key_range): (Arc<str>, Range) = match property.name {
                    ObjectPropName::String(literal) => (literal.value.into(), literal.range),
                    ObjectPropName::Word(literal) => (literal.value.into(), literal.range),
                };
                if !seen.insert(key.clone()) {
                    errors.push((span(key_range), notes::DUPLICATE_KEY));
                }
                properties.push(JsonProperty {
                    key,
                    key_span: span(key_range),
                    value: convert(property.value, errors),
                });
            }
            JsonValue::Object(properties)
        }
    };
    Json { span: at, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(text: &str) -> (bool, Vec<(String, String)>) {
        let parsed = parse(text);
        let errors = parsed.errors.iter().map(|(span, note)| (span.slice(text).to_owned(), note.to_string())).collect();
        (parsed.value.is_some(), errors)
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn strict_text_has_no_notes() {
        assert_eq!(noted(r#"{"a": [1, -2.5e3, "x\u4e2d", null, true], "b": {}}"#), (true, vec![]));
    }

    #[test]
    fn laxities_are_read_and_noted() {
        assert_eq!(
            noted("// c\n{\"a\": 1,}"),
            (true, pairs(&[("// c", notes::COMMENT), (",", notes::TRAILING_COMMA)]))
        );
        assert_eq!(noted("{a: 'x' \"b\": .5}").1.len(), 4);
        assert_eq!(noted("{\"a\":1,\"a\":2}"), (true, pairs(&[("\"a\"", notes::DUPLICATE_KEY)])));
    }

    #[test]
    fn broken_text_has_a_place() {
        assert_eq!(noted("{\"a\": 1").1[0].1, notes::UNTERMINATED);
        assert_eq!(noted("{\"a\": 中}").1[0].1, notes::BROKEN);
        assert_eq!(noted(" \n"), (false, pairs(&[(" \n", notes::EMPTY)])));
        assert_eq!(noted(&"[".repeat(100_000)).1[0].1, notes::TOO_DEEP);
    }

    #[test]
    fn spans_are_exact() {
        let text = r#"{"pages": ["a\u0062c"]}"#;
        let json = parse(text).value.unwrap();
        let item = &json.get("pages").unwrap().items()[0];
        assert_eq!(item.span.slice(text), r#""a\u0062c""#);
        assert_eq!(item.as_str(), Some("abc"));
        assert_eq!(json.property("pages").unwrap().key_span.slice(text), "\"pages\"");
    }
}
