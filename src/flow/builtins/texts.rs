//! Methods of texts: parts, replacements, and what is left of personal information.

use std::rc::Rc;

use crate::flow::builtins::lists::MAX_JOINED;
use crate::flow::heap::Kind;
use crate::flow::machine::operators::constant_texts;
use crate::flow::machine::{Machine, Site};
use crate::flow::solution::Protection;
use crate::flow::value::{ANY, FALSE, Ids, NULL, NUMBER, Piece, Str, TRUE, Value, answers, unite};
use crate::model::ir::Name;

impl<'a> Machine<'a> {
    /// Whether what a pattern finds may be letters or digits: putting signs in the place of hyphens hides nothing.
    fn takes_letters(&mut self, pattern: &Value) -> bool {
        let source = self.known("source");
        let regex = pattern.objects.iter().find_map(|&id| self.heap.get(id, source)?.as_text().cloned());
        let Some(text) = regex.or_else(|| pattern.as_text().cloned()) else { return true };
        let rest = text.replace("\\s", "").replace("\\.", "").replace("\\n", "").replace("\\t", "");
        rest.is_empty() || rest.chars().any(|c| c.is_alphanumeric() || c == '.' || c == '[' && rest.contains("[^"))
    }

    /// Taints of which those that were cut to a part are masked.
    pub(super) fn masked_parts(&mut self, ids: &[u32]) -> Ids {
        self.map_taints(ids, |_, taint| {
            if taint.partial {
                taint.partial = false;
                let mut list = taint.protections.to_vec();
                list.push(Protection::Masked);
                taint.protections = list.into();
            }
        })
    }

    pub(super) fn string_method(&mut self, base: &Value, method: &str, args: &[Value], site: &Site) -> Option<Value> {
        let whole = |machine: &mut Self| {
            let mut out = Value::any();
            out.taints = base.shallow_taints();
            out.origins = base.all_origins();
            let _ = machine;
            out
        };
        Some(match method {
            "trim" | "trimStart" | "trimEnd" | "toLowerCase" | "toUpperCase" | "normalize" => {
                let mut out = Value::default();
                for text in &base.strings {
                    let mut new = (**text).clone();
                    for piece in &mut new.pieces {
                        if let Piece::Literal(literal) = piece {
                            *literal = match method {
                                "toLowerCase" => literal.to_lowercase().into(),
                                "toUpperCase" => literal.to_uppercase().into(),
                                _ => literal.trim().into(),
                            };
                        }
                    }
                    out.strings.push(std::rc::Rc::new(new));
                }
                out.bits = base.bits;
                out.taints = base.taints.clone();
                out.origins = base.origins.clone();
                if out.is_none() {
                    out.bits |= ANY;
                }
                out
            }
            "toString" | "valueOf" | "toFixed" | "toLocaleString" => base.clone(),
            "concat" => {
                let mut out = base.clone();
                for arg in args {
                    out = self.arithmetic(crate::model::ir::Operator::Add, &out, arg, site.place);
                }
                out
            }
            // Signs in the place of what they hide.
            "repeat" if base.texts().any(|text| is_sign(text)) => {
                let sign = base.texts().find(|text| is_sign(text)).map_or("", |text| &**text);
                Value {
                    strings: std::iter::once(Rc::new(Str::starting(sign.repeat(2).into(), Ids::new()))).collect(),
                    ..Value::default()
                }
            }
            "padStart" | "padEnd" => {
                let mut out = whole(self);
                if args.get(1).is_some_and(|with| with.texts().any(|text| is_sign(text))) {
                    out.taints = self.masked_parts(&out.taints.clone());
                }
                out
            }
            "repeat" => whole(self),
            "slice" | "substr" | "substring" | "charAt" | "charCodeAt" | "codePointAt" | "at" => {
                let mut out = whole(self);
                // Constants are cut exactly.
                if let Some(text) = base.as_text()
                    && let Some(cut) = cut(text, method, args)
                {
                    return Some(Value::string(cut.into(), None));
                }
                let ids = out.taints.clone();
                out.taints = self.map_taints(&ids, |_, taint| taint.partial = true);
                if matches!(method, "charAt" | "at") {
                    // A table of signs that is read by a value tells the value.
                    for arg in args {
                        unite(&mut out.taints, &arg.shallow_taints());
                    }
                }
                if matches!(method, "slice" | "substr" | "substring") && short_part(method, args) {
                    let ids = out.taints.clone();
                    out.taints = self.map_taints(&ids, |_, taint| {
                        taint.partial = false;
                        if !taint.protections.contains(&Protection::Masked) {
                            let mut list = taint.protections.to_vec();
                            list.push(Protection::Masked);
                            taint.protections = list.into();
                        }
                    });
                }
                out
            }
            "replace" | "replaceAll" => {
                let replacement = args.get(1).cloned().unwrap_or_default();
                if let (Some(text), Some(from), Some(to)) =
                    (base.as_text(), args.first().and_then(Value::as_text), replacement.as_text())
                {
                    let new =
                        if method == "replace" { text.replacen(&**from, to, 1) } else { text.replace(&**from, to) };
                    return Some(Value::string(new.into(), None));
                }
                let mut out = whole(self);
                if !replacement.objects.is_empty() {
                    let answer =
                        self.call_back(&replacement, vec![out.clone(), out.clone(), out.clone(), out.clone()], site);
                    unite(&mut out.taints, &answer.shallow_taints());
                }
                let signs =
                    replacement.texts().any(|text| text.contains('*') || text.contains('•') || text.contains('＊'));
                if signs && args.first().is_none_or(|pattern| self.takes_letters(pattern)) {
                    let ids = out.taints.clone();
                    out.taints = self.map_taints(&ids, |_, taint| {
                        let mut list = taint.protections.to_vec();
                        if !list.contains(&Protection::Masked) {
                            list.push(Protection::Masked);
                        }
                        taint.protections = list.into();
                    });
                } else {
                    // `'{phone}'.replace('{phone}', value)` brings the value in.
                    unite(&mut out.taints, &replacement.shallow_taints());
                }
                out
            }
            "split" | "match" | "matchAll" => {
                let item = whole(self);
                if method == "split"
                    && let (Some(text), Some(by)) = (base.as_text(), args.first().and_then(Value::as_text))
                    && (!by.is_empty() || text.chars().count() <= MAX_JOINED)
                {
                    let pieces: Vec<String> = if by.is_empty() {
                        text.chars().map(String::from).collect()
                    } else {
                        // One more than is joined: a longer list is not taken for a whole one.
                        text.split(&**by).take(MAX_JOINED + 1).map(str::to_owned).collect()
                    };
                    let parts: Vec<Value> = pieces.into_iter().map(|part| Value::string(part.into(), None)).collect();
                    let array = self.make_at(site.place, 26, Kind::Array);
                    for (index, part) in parts.into_iter().enumerate() {
                        let key = self.index_sym(index);
                        self.heap.set(array, key, Some(part));
                    }
                    return Some(Value::object(array));
                }
                let mut list = self.list_of(item, site);
                if method == "match" {
                    list.bits |= NULL;
                    if let Some(pattern) = args.first() {
                        (list.yes, list.no) = self.proved_by_pattern(pattern, base);
                    }
                }
                list
            }
            "indexOf" | "lastIndexOf" | "search" | "includes" | "startsWith" | "endsWith" | "test"
            | "localeCompare" => {
                if let (Some(text), Some(part)) = (base.as_text(), args.first().and_then(Value::as_text)) {
                    match method {
                        "includes" => return Some(Value::bool(text.contains(&**part))),
                        "startsWith" => return Some(Value::bool(text.starts_with(&**part))),
                        "endsWith" => return Some(Value::bool(text.ends_with(&**part))),
                        "indexOf" => {
                            let at = text.find(&**part).map_or(-1.0, |at| text[..at].encode_utf16().count() as f64);
                            return Some(Value::number(at));
                        }
                        _ => {}
                    }
                }
                let sets = (constant_texts(base), args.first().and_then(constant_texts));
                if let ((Some(all), Some(parts)), "includes" | "startsWith" | "endsWith" | "indexOf") = (sets, method) {
                    let mut bits = 0;
                    for text in all {
                        for part in &parts {
                            let found = match method {
                                "startsWith" => text.starts_with(&***part),
                                "endsWith" => text.ends_with(&***part),
                                _ => text.contains(&***part),
                            };
                            bits |= if found { TRUE } else { FALSE };
                        }
                    }
                    match (method, bits) {
                        ("indexOf", FALSE) => return Some(Value::number(-1.0)),
                        ("indexOf", _) => {}
                        (_, TRUE | FALSE) => return Some(Value::bool(bits == TRUE)),
                        _ => {}
                    }
                }
                let with = args.first().and_then(Value::as_text).cloned();
                let (mut yes, no) = self.tested(base, with.clone(), site.place.file, site.place.span);
                let mut no = no;
                let negative = with.as_deref().and_then(answers) == Some(false);
                unite(if negative { &mut no } else { &mut yes }, &base.yes);
                if let Some(part) = &with {
                    let (found, missed) = base.proved_by_part(part);
                    unite(&mut yes, &found);
                    unite(&mut no, &missed);
                }
                if method == "search"
                    && let Some(pattern) = args.first()
                {
                    let (found, missed) = self.proved_by_pattern(pattern, base);
                    unite(&mut yes, &found);
                    unite(&mut no, &missed);
                }
                let bits = if matches!(method, "includes" | "startsWith" | "endsWith") { TRUE | FALSE } else { NUMBER };
                Value { bits, ..Value::default() }.when(yes, no)
            }
            "getTime" | "getFullYear" | "getMonth" | "getDate" | "getDay" | "getHours" | "getMinutes"
            | "getSeconds" | "toISOString" | "toDateString" | "format" | "toLocaleDateString"
            | "toLocaleTimeString" | "getTimezoneOffset" => whole(self),
            "then" => {
                // An unknown thenable answers with what is unknown.
                let mut answer = whole(self);
                answer.bits |= ANY;
                let inner = self.inner_site(site);
                for handler in args {
                    let handler = handler.clone();
                    let argument = answer.clone();
                    if !handler.objects.is_empty() {
                        self.perhaps(&[], |machine| {
                            machine.call(&handler, &Value::undefined(), vec![argument], &inner)
                        });
                    }
                }
                Value::any()
            }
            _ => return None,
        })
    }

    /// Marks the value that an encoding gives.
    pub fn encoded(&mut self, mut value: Value, by: &str) -> Value {
        let ids = std::mem::take(&mut value.taints);
        let by: Name = by.into();
        value.taints = self.map_taints(&ids, |_, taint| {
            let encoding = Protection::Encoded(by.clone());
            if !taint.protections.contains(&encoding) && taint.protections.len() < 6 {
                let mut list = taint.protections.to_vec();
                list.push(encoding);
                taint.protections = list.into();
            }
        });
        value
    }
}

/// `text.slice(1, 3)` and the like on constants.
pub(super) fn cut(text: &str, method: &str, args: &[Value]) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len() as i64;
    let number = |index: usize| args.get(index).and_then(|value| value.number).map(|bits| f64::from_bits(bits) as i64);
    let clamp = |at: i64| if at < 0 { (length + at).max(0) } else { at.min(length) };
    let (start, end) = match method {
        "slice" => (clamp(number(0)?), number(1).map_or(length, clamp)),
        "substring" => {
            let (a, b) = (number(0)?.clamp(0, length), number(1).map_or(length, |at| at.clamp(0, length)));
            (a.min(b), a.max(b))
        }
        "substr" => {
            let start = clamp(number(0)?);
            (start, number(1).map_or(length, |count| (start + count).clamp(0, length)))
        }
        "charAt" | "at" => {
            let at = clamp(if args.is_empty() { 0 } else { number(0)? });
            (at, (at + 1).min(length))
        }
        _ => return None,
    };
    if start > end {
        return Some(String::new());
    }
    Some(chars[start as usize..end as usize].iter().collect())
}

/// Whether a text is a sign that stands in the place of others.
pub(super) fn is_sign(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, '*' | '＊' | '•' | '●' | '×'))
}

/// Whether at most four characters are left of a number: no longer telling who it is.
fn short_part(method: &str, args: &[Value]) -> bool {
    let number = |index: usize| args.get(index).and_then(|value| value.number).map(|bits| f64::from_bits(bits) as i64);
    match (method, number(0), number(1)) {
        ("slice", Some(start), None) => (-4..0).contains(&start),
        ("slice" | "substring", Some(start), Some(end)) if start >= 0 && end >= 0 => end - start <= 4,
        ("substr", Some(_), Some(count)) => count <= 4,
        _ => false,
    }
}
