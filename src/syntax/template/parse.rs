//! The template reader: one pass, no recursion, every byte kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{
    Attribute, AttributeValue, Document, Element, Node, NodeId, NodeKind, Part, TemplateError, TemplateErrorKind,
};
use crate::source::Span;
use crate::syntax::entities;

/// What the reader needs to know of a host's templates.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Tags whose body is an inline view script.
    pub raw_tags: Vec<Arc<str>>,
    /// Tags that may stay without an end tag.
    pub void_tags: Vec<Arc<str>>,
    /// Whether `{= … =}` binds in both directions.
    pub two_way: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        let list = |tags: &[&str]| tags.iter().map(|tag| Arc::from(*tag)).collect();
        Self {
            raw_tags: list(&["filter", "import-sjs", "sjs", "wxs", "script", "style"]),
            void_tags: list(&[
                "input", "image", "import", "include", "img", "br", "hr", "icon", "meta", "link", "progress",
            ]),
            two_way: true,
        }
    }
}

/// Deepest nesting that the reader follows.
pub const MAX_DEPTH: usize = 400;
/// Furthest that an interpolation is read past the first `}}` for one that fits its quotes and brackets; longest two-way
/// binding.
const LOOK_AHEAD: usize = 1024;
/// Furthest that the end tag of an element that may stay open is looked for over what stands in it, and most tags in between.
const AROUND: usize = 4096;
const TAGS_AROUND: usize = 64;

/// Parses a template. It never fails: what was mended is in [`Document::errors`].
pub fn parse(text: &str, dialect: &Dialect) -> Document {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        dialect,
        at: 0,
        document: Document {
            nodes: vec![Node {
                span: Span::new(0, text.len() as u32),
                parent: 0,
                kind: NodeKind::Root { children: Vec::new() },
            }],
            errors: Vec::new(),
        },
        open: vec![0],
        too_deep: 0,
        names: HashMap::new(),
        closers: HashMap::new(),
        closes: memchr::memchr_iter(b'}', text.as_bytes())
            .filter(|at| text.as_bytes().get(at + 1) == Some(&b'}'))
            .collect(),
    };
    reader.run();
    reader.document
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    dialect: &'t Dialect,
    at: usize,
    document: Document,
    open: Vec<NodeId>,
    too_deep: usize,
    names: HashMap<&'t str, Arc<str>>,
    /// For tags that may stay open: places of their start and end tags.
    closers: HashMap<Arc<str>, (Vec<usize>, Vec<usize>)>,
    /// Where `}}` stands.
    closes: Vec<usize>,
}

fn span(start: usize, end: usize) -> Span {
    Span::new(start as u32, end as u32)
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

impl<'t> Reader<'t> {
    fn run(&mut self) {
        let mut text_from = self.at;
        while self.at < self.bytes.len() {
            let Some(offset) = memchr::memchr2(b'<', b'{', &self.bytes[self.at..]) else { break };
            let at = self.at + offset;
            if self.bytes[at] == b'{' {
                self.at = match self.interpolation(at, self.bytes.len(), None) {
                    Some((end, ..)) => end,
                    None => at + 1,
                };
                continue;
            }
            let next = self.bytes.get(at + 1).copied().unwrap_or(b' ');
            let markup = match next {
                b'!' | b'?' => true,
                b'/' => self.bytes.get(at + 2).is_some_and(|byte| is_name_start(*byte) || *byte == b'>'),
                byte => is_name_start(byte),
            };
            if !markup {
                self.at = at + 1;
                continue;
            }
            self.text_node(text_from, at);
            self.at = at;
            match next {
                b'!' | b'?' => self.declaration(),
                b'/' => self.end_tag(),
                _ => self.start_tag(),
            }
            text_from = self.at;
        }
        self.text_node(text_from, self.bytes.len());
        let end = self.bytes.len();
        while self.open.len() > 1 {
            self.close_top(end, true);
        }
    }

    fn error(&mut self, at: Span, kind: TemplateErrorKind) {
        self.document.errors.push(TemplateError { span: at, kind });
    }

    fn add(&mut self, span: Span, kind: NodeKind) -> NodeId {
        let id = self.document.nodes.len() as NodeId;
        let parent = self.open.last().copied().unwrap_or(0);
        self.document.nodes.push(Node { span, parent, kind });
        match &mut self.document.nodes[parent as usize].kind {
            NodeKind::Root { children } | NodeKind::Element(Element { children, .. }) => children.push(id),
            _ => {}
        }
        id
    }

    fn name(&mut self, name: &'t str) -> Arc<str> {
        self.names.entry(name).or_insert_with(|| name.into()).clone()
    }

    // Text and interpolations.

    fn text_node(&mut self, start: usize, end: usize) {
        if start < end {
            let parts = self.parts(start, end, None);
            self.add(span(start, end), NodeKind::Text(parts));
        }
    }

    /// Splits a range into literal text and interpolations. `quote` is that of the value around, if any.
    fn parts(&mut self, start: usize, end: usize, quote: Option<u8>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut literal = start;
        let mut at = start;
        while at < end {
            let Some(offset) = memchr::memchr(b'{', &self.bytes[at..end]) else { break };
            let open = at + offset;
            match self.interpolation(open, end, quote) {
                Some((close, expression, two_way)) => {
                    if literal < open {
                        parts.push(self.literal(literal, open));
                    }
                    parts.push(Part::Interpolation { span: span(open, close), expression, two_way });
                    literal = close;
                    at = close;
                }
                None => {
                    if self.bytes.get(open + 1) == Some(&b'{') {
                        self.error(span(open, (open + 2).min(end)), TemplateErrorKind::UnclosedInterpolation);
                        at = open + 2;
                    } else {
                        at = open + 1;
                    }
                }
            }
        }
        if literal < end {
            parts.push(self.literal(literal, end));
        }
        parts
    }

    fn literal(&self, start: usize, end: usize) -> Part {
        let raw = self.text.get(start..end).unwrap_or("");
        Part::Text { span: span(start, end), text: entities::decode(raw).into() }
    }

    /// The interpolation that opens at `open`: where it ends, its expression, whether it is two-way.
    fn interpolation(&self, open: usize, end: usize, quote: Option<u8>) -> Option<(usize, Span, bool)> {
        let bytes = &self.bytes[..end];
        match bytes.get(open + 1)? {
            b'=' if self.dialect.two_way => {
                // `{==}` is none; the first `=}` closes.
                let from = open + 2;
                let close = memchr::memmem::find(bytes.get(from..(from + LOOK_AHEAD).min(end))?, b"=}")? + from;
                let inner = &bytes[from..close];
                if memchr::memchr2(b'{', b'<', inner).is_some() && !balanced(inner)
                    || quote.is_some_and(|quote| inner.contains(&quote))
                {
                    return None;
                }
                Some((close + 2, span(from, close), true))
            }
            b'{' => {
                let from = open + 2;
                let first = self
                    .closes
                    .get(self.closes.partition_point(|at| *at < from))
                    .copied()
                    .filter(|first| first + 2 <= end)?;
                let inner = &bytes[from..first];
                if memchr::memmem::find(inner.get(1..).unwrap_or(b""), b"{{").is_some() {
                    return None;
                }
                let limit = (first + LOOK_AHEAD).min(end);
                if let Some(close) = fitting_close(bytes, from, limit, quote) {
                    return Some((close + 2, span(from, close), false));
                }
                // Quotes or brackets do not fit: the first `}}`, unless the value ends before.
                let leaves = quote.is_some_and(|quote| inner.contains(&quote));
                if leaves { None } else { Some((first + 2, span(from, first), false)) }
            }
            _ => None,
        }
    }

    // Markup.

    fn declaration(&mut self) {
        let start = self.at;
        if self.bytes[start..].starts_with(b"<!--") {
            let inner = start + 4;
            let (close, end) = match memchr::memmem::find(&self.bytes[inner..], b"-->") {
                Some(offset) => (inner + offset, inner + offset + 3),
                None => {
                    self.error(span(start, inner), TemplateErrorKind::UnclosedTag);
                    (self.bytes.len(), self.bytes.len())
                }
            };
            self.add(span(start, end), NodeKind::Comment(span(inner, close)));
            self.at = end;
            return;
        }
        let end = memchr::memchr(b'>', &self.bytes[start..]).map_or(self.bytes.len(), |offset| start + offset + 1);
        self.add(span(start, end), NodeKind::Other);
        self.at = end;
    }

    fn end_tag(&mut self) {
        let start = self.at;
        let name_start = start + 2;
        let name_end = self.name_end(name_start);
        let name = self.text.get(name_start..name_end).unwrap_or("").to_ascii_lowercase();
        // To `>`, but not over the next tag.
        let end = match memchr::memchr2(b'>', b'<', &self.bytes[name_end..]) {
            Some(offset) if self.bytes[name_end + offset] == b'>' => name_end + offset + 1,
            Some(offset) => {
                self.error(span(start, name_end), TemplateErrorKind::UnclosedTag);
                name_end + offset
            }
            None => {
                self.error(span(start, name_end), TemplateErrorKind::UnclosedTag);
                self.bytes.len()
            }
        };
        self.at = end;
        if self.too_deep > 0 {
            self.too_deep -= 1;
            self.add(span(start, end), NodeKind::Other);
            return;
        }
        let matching = self.open.iter().rposition(|id| match &self.document.nodes[*id as usize].kind {
            NodeKind::Element(element) => *element.name == *name,
            _ => false,
        });
        match matching {
            Some(index) => {
                while self.open.len() > index + 1 {
                    self.close_top(start, true);
                }
                if let Some(id) = self.open.last().copied() {
                    if let NodeKind::Element(element) = &mut self.document.nodes[id as usize].kind {
                        element.close = Some(span(start, end));
                    }
                    self.close_top(end, false);
                }
            }
            None => {
                self.error(span(start, end), TemplateErrorKind::StrayEndTag);
                self.add(span(start, end), NodeKind::Other);
            }
        }
    }

    /// Takes the innermost open element off, ending at `end`.
    fn close_top(&mut self, end: usize, unclosed: bool) {
        let Some(id) = self.open.pop() else { return };
        let node = &mut self.document.nodes[id as usize];
        node.span = Span::new(node.span.start, end as u32);
        if unclosed && let NodeKind::Element(element) = &node.kind {
            let open = element.open;
            self.error(open, TemplateErrorKind::UnclosedElement);
        }
    }

    fn name_end(&self, start: usize) -> usize {
        let length = self.bytes[start..]
            .iter()
            .take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'>' | b'/' | b'<' | b'"' | b'\'' | b'='))
            .count();
        start + length
    }

    fn start_tag(&mut self) {
        let start = self.at;
        let name_end = self.name_end(start + 1);
        let written = self.text.get(start + 1..name_end).unwrap_or("");
        let name: Arc<str> = if written.bytes().any(|byte| byte.is_ascii_uppercase()) {
            written.to_ascii_lowercase().into()
        } else {
            self.name(written)
        };
        self.at = name_end;
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut seen: HashSet<Arc<str>> = HashSet::new();
        let mut self_closing = false;
        loop {
            self.skip_space();
            match self.bytes.get(self.at) {
                None => {
                    self.error(span(start, name_end), TemplateErrorKind::UnclosedTag);
                    break;
                }
                Some(b'>') => {
                    self.at += 1;
                    break;
                }
                Some(b'/') => {
                    self.at += 1;
                    if self.bytes.get(self.at) == Some(&b'>') {
                        self.at += 1;
                        self_closing = true;
                        break;
                    }
                }
                Some(b'<')
                    if self
                        .bytes
                        .get(self.at + 1)
                        .is_some_and(|byte| is_name_start(*byte) || matches!(byte, b'/' | b'!')) =>
                {
                    self.error(span(start, name_end), TemplateErrorKind::UnclosedTag);
                    break;
                }
                Some(b'"' | b'\'') => {
                    self.error(span(self.at, self.at + 1), TemplateErrorKind::UnclosedQuote);
                    self.at += 1;
                }
                Some(b'=' | b'<') => self.at += 1,
                Some(_) => {
                    let attribute = self.attribute();
                    if !seen.insert(attribute.name.clone()) {
                        self.error(attribute.name_span, TemplateErrorKind::DuplicateAttribute);
                    }
                    attributes.push(attribute);
                }
            }
        }
        let open = span(start, self.at);
        let raw_tag = self.dialect.raw_tags.iter().any(|tag| **tag == *name);
        let mut raw = None;
        let mut close = None;
        let mut childless = self_closing;
        if raw_tag && !self_closing {
            match self.find_end_tag(self.at, &name) {
                Some((end_start, end)) => {
                    raw = Some(span(self.at, end_start));
                    close = Some(span(end_start, end));
                    self.at = end;
                    childless = true;
                }
                None => {
                    // A reference without an end tag; else all that follows is its body.
                    if attributes.iter().any(|attribute| &*attribute.name == "src") {
                        childless = true;
                    } else {
                        raw = Some(span(self.at, self.bytes.len()));
                        self.at = self.bytes.len();
                        childless = true;
                    }
                    self.error(open, TemplateErrorKind::UnclosedElement);
                }
            }
        } else if !self_closing
            && self.dialect.void_tags.iter().any(|tag| **tag == *name)
            && !self.closes(&name, start)
            && !self.closes_around(&name)
        {
            childless = true;
        }
        let whole = span(start, self.at);
        let element =
            Element { name, name_span: span(start + 1, name_end), open, close, attributes, children: Vec::new(), raw };
        let id = self.add(whole, NodeKind::Element(element));
        if childless {
            return;
        }
        if self.open.len() > MAX_DEPTH {
            if self.too_deep == 0 {
                self.error(open, TemplateErrorKind::TooDeep);
            }
            self.too_deep += 1;
            return;
        }
        self.open.push(id);
    }

    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn attribute(&mut self) -> Attribute {
        let start = self.at;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            if byte == b'{'
                && let Some((end, ..)) = self.interpolation(self.at, self.bytes.len(), None)
            {
                self.at = end;
                continue;
            }
            let ends = byte.is_ascii_whitespace()
                || matches!(byte, b'=' | b'>' | b'"' | b'\'')
                || byte == b'/' && self.bytes.get(self.at + 1) == Some(&b'>')
                || byte == b'<' && self.at > start;
            if ends {
                break;
            }
            self.at += 1;
        }
        let name_span = span(start, self.at);
        let name = name_span.slice(self.text);
        let name = self.name(name);
        let after_name = self.at;
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b'=') {
            self.at = after_name;
            return Attribute { name, name_span, span: name_span, value: None };
        }
        self.at += 1;
        let after_equals = self.at;
        self.skip_space();
        let value = match self.bytes.get(self.at).copied() {
            Some(quote @ (b'"' | b'\'')) => Some(self.quoted(quote)),
            Some(b'>') | None => {
                self.at = after_equals;
                None
            }
            Some(_) => Some(self.unquoted()),
        };
        let value = value.or_else(|| {
            Some(AttributeValue { span: span(after_equals, after_equals), quoted: false, parts: Vec::new() })
        });
        Attribute { name, name_span, span: span(start, self.at), value }
    }

    fn quoted(&mut self, quote: u8) -> AttributeValue {
        let open = self.at;
        let from = open + 1;
        let mut at = from;
        let mut close = None;
        while at < self.bytes.len() {
            let Some(offset) = memchr::memchr2(quote, b'{', &self.bytes[at..]) else { break };
            let found = at + offset;
            if self.bytes[found] == quote {
                close = Some(found);
                break;
            }
            at = match self.interpolation(found, self.bytes.len(), Some(quote)) {
                Some((end, ..)) => end,
                None => found + 1,
            };
        }
        // A quote that opens the next value (`name="`) on another line closes nothing here.
        let misplaced = close.is_some_and(|close| {
            self.bytes[close - 1] == b'=' && close > from && memchr::memchr(b'\n', &self.bytes[from..close]).is_some()
        });
        let end = match close {
            Some(close) if !misplaced => {
                self.at = close + 1;
                close
            }
            _ => {
                self.error(span(open, from), TemplateErrorKind::UnclosedQuote);
                let cut =
                    memchr::memchr2(b'\n', b'>', &self.bytes[from..]).map_or(self.bytes.len(), |offset| from + offset);
                let cut = if cut > from && self.bytes.get(cut) == Some(&b'>') && self.bytes[cut - 1] == b'/' {
                    cut - 1
                } else {
                    cut
                };
                self.at = cut;
                cut
            }
        };
        AttributeValue { span: span(from, end), quoted: true, parts: self.parts(from, end, Some(quote)) }
    }

    fn unquoted(&mut self) -> AttributeValue {
        let start = self.at;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            if byte == b'{'
                && let Some((end, ..)) = self.interpolation(self.at, self.bytes.len(), None)
            {
                self.at = end;
                continue;
            }
            if byte.is_ascii_whitespace() || byte == b'>' || byte == b'/' && self.bytes.get(self.at + 1) == Some(&b'>')
            {
                break;
            }
            self.at += 1;
        }
        let end = self.at;
        AttributeValue { span: span(start, end), quoted: false, parts: self.parts(start, end, None) }
    }

    /// The end tag of a raw element: its start and end.
    fn find_end_tag(&self, from: usize, name: &str) -> Option<(usize, usize)> {
        let mut at = from;
        while let Some(offset) = memchr::memmem::find(&self.bytes[at..], b"</") {
            let start = at + offset;
            let name_end = start + 2 + name.len();
            let fits =
                self.bytes.get(start + 2..name_end).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
                    && self.bytes.get(name_end).is_none_or(|byte| byte.is_ascii_whitespace() || *byte == b'>');
            if fits {
                let end = memchr::memchr(b'>', &self.bytes[name_end..])
                    .map_or(self.bytes.len(), |offset| name_end + offset + 1);
                return Some((start, end));
            }
            at = start + 2;
        }
        None
    }

    /// Whether a tag that may stay open is closed before the next one of its name.
    fn closes(&mut self, name: &Arc<str>, start: usize) -> bool {
        let bytes = self.bytes;
        let (starts, ends) = self.closers.entry(name.clone()).or_insert_with(|| {
            let mut starts = Vec::new();
            let mut ends = Vec::new();
            for at in memchr::memchr_iter(b'<', bytes) {
                let closing = bytes.get(at + 1) == Some(&b'/');
                let from = at + 1 + usize::from(closing);
                let to = from + name.len();
                let fits = bytes.get(from..to).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
                    && bytes.get(to).is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
                if fits {
                    if closing { ends.push(at) } else { starts.push(at) }
                }
            }
            (starts, ends)
        });
        let next_start = starts.get(starts.partition_point(|at| *at <= start)).copied().unwrap_or(usize::MAX);
        let next_end = ends.get(ends.partition_point(|at| *at <= start)).copied();
        next_end.is_some_and(|end| end < next_start)
    }
}

impl Reader<'_> {
    /// Whether what follows a tag that may stay open ends with an end tag of its name, all between closed.
    fn closes_around(&mut self, name: &str) -> bool {
        let limit = (self.at + AROUND).min(self.bytes.len());
        let mut depth = 0u32;
        let mut at = self.at;
        for _ in 0..TAGS_AROUND {
            let Some(offset) = memchr::memchr(b'<', &self.bytes[at..limit]) else { break };
            let open = at + offset;
            let closing = self.bytes.get(open + 1) == Some(&b'/');
            let from = open + 1 + usize::from(closing);
            if !self.bytes.get(from).is_some_and(|byte| is_name_start(*byte)) {
                at = from;
                continue;
            }
            let end = self.name_end(from);
            let tag = self.text.get(from..end).unwrap_or("");
            if closing {
                if depth == 0 {
                    return tag.eq_ignore_ascii_case(name);
                }
                depth -= 1;
                at = end;
                continue;
            }
            let (next, closed) = tag_end(&self.bytes[..limit], end);
            let void = self.dialect.void_tags.iter().any(|void| tag.eq_ignore_ascii_case(void));
            if !closed && (!void || self.closes(&tag.to_ascii_lowercase().into(), open)) {
                depth += 1;
            }
            at = next;
        }
        false
    }
}

/// Where a start tag ends, seen from the end of its name, and whether it closes itself. Quotes hide `>`.
fn tag_end(bytes: &[u8], from: usize) -> (usize, bool) {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match (quote, *byte) {
            (None, b'>') => return (at + 1, bytes[at - 1] == b'/'),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    (bytes.len(), false)
}

/// Whether brackets and quotes fit.
fn balanced(bytes: &[u8]) -> bool {
    let count = |byte: u8| bytes.iter().filter(|found| **found == byte).count();
    count(b'{') == count(b'}') && memchr::memchr(b'<', bytes).is_none_or(|_| count(b'"') == 0)
}

/// The `}}` that fits the quotes and brackets after `from`.
fn fitting_close(bytes: &[u8], from: usize, limit: usize, outer: Option<u8>) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = from;
    let mut before = b'(';
    while at < limit {
        let byte = bytes[at];
        match byte {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' => return (bytes.get(at + 1) == Some(&b'}')).then_some(at),
            b'"' | b'\'' | b'`' => {
                // The quote of the value around opens a string only where an operand stands.
                let operand = b"([{,:?=+-*/%&|!<>~^".contains(&before);
                if outer == Some(byte) && !operand {
                    return None;
                }
                at += 1;
                while at < limit && bytes[at] != byte {
                    if bytes[at] == b'\n' && byte != b'`' {
                        return None;
                    }
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if at >= limit {
                    return None;
                }
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = bytes[at];
        }
        at += 1;
    }
    None
}
