//! Addresses as they stand in scripts, templates, styles and configuration.

use crate::flow::Place;
use crate::model;
use crate::model::texts::is_tool_config;
use crate::package::{FileKind, Origin};
use crate::policy::privacy::host_of;
use crate::rules::Context;
use crate::source::{FileId, Span};
use crate::syntax::json::{Json, JsonValue};
use crate::syntax::template::Part;

/// An address.
pub struct Address {
    /// Where it stands, without quotes.
    pub place: Place,
    /// The address, up to its first unknown part.
    pub url: String,
    /// Whether it is a picture's.
    pub image: bool,
}

impl Address {
    /// Its host; a host without a scheme (`192.168.1.2:8080`) counts too.
    pub fn host(&self) -> Option<&str> {
        host_of(&self.url).or_else(|| self.url.split(['/', ':', '?']).next()).filter(|host| !host.is_empty())
    }
}

const SCHEMES: &[&str] = &["http://", "ws://", "ftp://", "https://", "wss://"];

fn is_image(url: &str, before: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
    if [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".ico"].iter().any(|end| path.ends_with(end)) {
        return true;
    }
    let key = before.trim_end().trim_end_matches(['"', '\'', '`', ':', '=', ' ']).to_ascii_lowercase();
    let key = key.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    ["img", "image", "icon", "avatar", "logo", "pic", "cover", "poster", "thumb", "banner", "photo", "background", "bg"]
        .iter()
        .any(|word| key.contains(word))
}

/// Whether an address stands in a link of rich text, which a reader may follow and nothing requests.
fn is_link(before: &str) -> bool {
    let tag = before.trim_end_matches(['"', '\'', '\\']);
    tag.strip_suffix("href=").is_some_and(|rest| rest.ends_with(char::is_whitespace))
}

/// Whether four numbers are those of a version, by the name that they are given.
fn is_version(before: &str, host: &str) -> bool {
    let name = before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':' | '='));
    let name = name.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    // A server is none, and neither has a port or a path.
    let short = matches!(name, "v" | "ver") || name.ends_with("Ver") || name.ends_with("_ver");
    !host.contains([':', '/']) && (short || name.to_ascii_lowercase().contains("version"))
}

/// Whether a text is what another is searched for, compared with or rid of.
fn is_compared(before: &str) -> bool {
    const METHODS: &[&str] =
        &["replace", "replaceAll", "indexOf", "lastIndexOf", "startsWith", "includes", "split", "search"];
    let head = before.trim_end();
    let method = head.strip_suffix('(').is_some_and(|head| {
        METHODS.iter().any(|method| head.trim_end().strip_suffix(method).is_some_and(|rest| rest.ends_with('.')))
    });
    method || head.ends_with("===") || head.ends_with("!==")
}

/// Whether anything reads a file of data: a configuration, what scripts require, or what they name.
fn is_read(cx: &Context<'_>, file: FileId) -> bool {
    let source = cx.package.source(file);
    cx.package.app == Some(file)
        || matches!(source.name(), "ext.json" | "theme.json" | "config.json")
        || cx.program.units.iter().any(|unit| unit.config == Some(file))
        || cx.program.requires.iter().flatten().any(|require| require.target == Some(file))
        || (0..cx.package.files.len()).any(|index| {
            cx.program.script(FileId(index as u32)).is_some()
                && cx.package.files[index].source.text.contains(source.name())
        })
}

/// Every address of the package's own files, in order of place; comments left out.
pub fn all(cx: &Context<'_>) -> Vec<Address> {
    let mut out = Vec::new();
    for (index, file) in cx.package.files.iter().enumerate() {
        let id = FileId(index as u32);
        if file.origin != Origin::Own
            || cx.package.submission.file == Some(id)
            || cx.policy.privacy.sdk_by_file(&file.source.path).is_some()
        {
            continue;
        }
        match file.kind {
            FileKind::Script | FileKind::ViewScript => script(cx, id, &mut out),
            FileKind::Template => template(cx, id, &mut out),
            FileKind::Style => style(cx, id, &mut out),
            FileKind::Json => {
                if Some(id) != cx.package.project
                    && !is_tool_config(file.source.name())
                    && let Some(json) = &file.json
                {
                    let before = out.len();
                    self::json(id, json, "", &mut out);
                    if out.len() > before && !is_read(cx, id) {
                        out.truncate(before);
                    }
                }
            }
            FileKind::Text | FileKind::Foreign => {}
        }
    }
    out
}

fn script(cx: &Context<'_>, file: FileId, out: &mut Vec<Address>) {
    let text = &cx.package.source(file).text;
    let comments: &[Span] = cx.program.script(file).map_or(&[], |script| &script.comments);
    let mut left_out: Option<model::LeftOut> = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(step) = memchr::memchr3(b'"', b'\'', b'`', &bytes[at..]) {
        let open = at + step;
        at = open + 1;
        let mut rest = text.get(at..).unwrap_or("");
        // A blank before an address is left out by who requests it; the address must be the whole string then.
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if blanks > 0 {
            let quote = char::from(bytes[open]);
            let whole = rest[blanks..].find(['"', '\'', '`', '\n', ' ', '\\']).map(|end| &rest[blanks + end..]);
            if !whole.is_some_and(|after| after.trim_start_matches(' ').starts_with(quote)) {
                continue;
            }
            at += blanks;
            rest = &rest[blanks..];
        }
        let scheme = SCHEMES.iter().any(|scheme| {
            rest.len() > scheme.len() && rest.as_bytes()[..scheme.len()].eq_ignore_ascii_case(scheme.as_bytes())
        });
        if !scheme && !bare_host(rest) {
            continue;
        }
        let end = rest.find(['"', '\'', '`', '\n', ' ', '\\']).unwrap_or(rest.len());
        let url = rest[..end].split("${").next().unwrap_or("");
        let span = Span::new(at as u32, (at + end) as u32);
        if comments.iter().any(|comment| comment.contains(span)) {
            continue;
        }
        let mut from = open.saturating_sub(40);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        let before = &text[from..open];
        if is_link(before) || is_compared(before) || !scheme && is_version(before, &rest[..end]) {
            continue;
        }
        // What the script's own constants switch off is not used.
        let left_out = left_out.get_or_insert_with(|| cx.program.script(file).map(model::left_out).unwrap_or_default());
        if !left_out.holds(span) {
            out.push(Address { place: Place { file, span }, url: url.to_owned(), image: is_image(url, before) });
        }
        at += end;
    }
}

/// `192.168.1.2:8080/…`, `localhost:3000`
fn bare_host(text: &str) -> bool {
    let host: &str = text.split(['"', '\'', '`', ':', '/']).next().unwrap_or("");
    let after = &text[host.len()..];
    host == "localhost" && after.starts_with(':')
        || host.len() >= 8
            && host.split('.').count() == 4
            && host.split('.').all(|part| part.parse::<u8>().is_ok())
            && after.starts_with([':', '/', '"', '\'', '`'])
}

fn template(cx: &Context<'_>, file: FileId, out: &mut Vec<Address>) {
    for (_, element) in cx.program.elements(file) {
        let image = matches!(&*element.name, "image" | "img" | "cover-image" | "icon");
        for attribute in &element.attributes {
            let Some(value) = &attribute.value else { continue };
            if attribute.name.starts_with("xmlns") {
                continue;
            }
            match value.parts.first() {
                Some(Part::Text { span, text })
                    if SCHEMES.iter().any(|scheme| text.trim_start().to_ascii_lowercase().starts_with(scheme)) =>
                {
                    let url = text.trim().to_owned();
                    let image = image || is_image(&url, &attribute.name);
                    let lead = (text.len() - text.trim_start().len()) as u32;
                    let span =
                        if text.len() == span.len() as usize { Span::new(span.start + lead, span.end) } else { *span };
                    out.push(Address { place: Place { file, span }, url, image });
                }
                Some(Part::Text { span, text }) if &*attribute.name == "style" => {
                    css(file, text, span.start, out);
                }
                _ => {}
            }
        }
    }
}

fn style(cx: &Context<'_>, file: FileId, out: &mut Vec<Address>) {
    let text = cx.package.source(file).text.clone();
    css(file, &text, 0, out);
}

fn css(file: FileId, text: &str, base: u32, out: &mut Vec<Address>) {
    for (at, _) in text.match_indices("url(") {
        let start = at + 4 + text[at + 4..].find(|c: char| !matches!(c, '"' | '\'' | ' ')).unwrap_or(0);
        let url = text[start..].split(['"', '\'', ')', ' ']).next().unwrap_or("");
        let line = text[..at].rfind("/*").is_some_and(|open| !text[open..at].contains("*/"));
        if !line && (url.starts_with("http://") || url.starts_with("https://")) {
            let span = Span::new(base + start as u32, base + (start + url.len()) as u32);
            out.push(Address { place: Place { file, span }, url: url.to_owned(), image: true });
        }
    }
}

fn json(file: FileId, value: &Json, key: &str, out: &mut Vec<Address>) {
    match &value.value {
        JsonValue::String(text) if SCHEMES.iter().any(|scheme| text.to_ascii_lowercase().starts_with(scheme)) => {
            out.push(Address {
                place: Place { file, span: value.span },
                url: text.to_string(),
                image: is_image(text, key),
            });
        }
        JsonValue::Array(items) => items.iter().for_each(|item| json(file, item, key, out)),
        JsonValue::Object(properties) => {
            properties.iter().for_each(|property| json(file, &property.value, &property.key, out));
        }
        _ => {}
    }
}
