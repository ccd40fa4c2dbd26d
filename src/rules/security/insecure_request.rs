//! `security/insecure-request`

use std::collections::BTreeSet;

use super::addresses;
use crate::flow::ArgValue;
use crate::package::FileKind;
use crate::policy::privacy::{host_of, is_local};
use crate::rules::privacy::evidence::api;
use crate::rules::privacy::plaintext_transport;
use crate::rules::{Confidence, Context, Edit, Finding, Fix, Rule, Severity};

/// A cleartext address is requested.
pub struct InsecureRequest;

const ID: &str = "security/insecure-request";

impl Rule for InsecureRequest {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let words = cx.policy.privacy.security();
        let (calls, urls) = plaintext_transport::reported(cx);
        let heads = Heads::of(cx);
        let mut images: BTreeSet<(u32, String)> = BTreeSet::new();
        for address in addresses::all(cx) {
            let lower = address.url.to_ascii_lowercase();
            let Some(scheme) = ["http://", "ws://", "ftp://"].into_iter().find(|scheme| lower.starts_with(scheme))
            else {
                continue;
            };
            let Some(host) = host_of(&address.url) else { continue };
            if is_local(host)
                || words.is_staging(host)
                || words.not_requested.iter().any(|known| lower.contains(&**known))
                || address.url.len() <= scheme.len()
                || !host.contains('.')
            {
                continue;
            }
            // The other rule speaks of addresses that personal information goes to.
            if urls.iter().any(|url| url.starts_with(&address.url))
                || calls.iter().any(|call| call.file == address.place.file && call.span.contains(address.place.span))
            {
                continue;
            }
            let kind = cx.package.files[address.place.file.index()].kind;
            let mut finding = Finding::new(ID, address.place).text("url", address.url.split('?').next().unwrap_or(""));
            if address.image || kind == FileKind::Style {
                // A list of pictures is one fact a host and file.
                if kind == FileKind::Json && !images.insert((address.place.file.0, host.to_owned())) {
                    continue;
                }
                finding = finding.severity(Severity::Note).variant("image");
            } else {
                let requested = heads.requested(address.url.trim_end_matches('/'));
                // What is only told to a server names a place; nothing goes there.
                if kind == FileKind::Script && heads.only_told(&address.url) {
                    continue;
                }
                if !requested {
                    finding = finding.confidence(Confidence::Medium);
                }
            }
            if scheme != "ftp://" {
                let end = address.place.span.start + scheme.len() as u32 - 3;
                let offset = u32::from(kind == FileKind::Json);
                let span = crate::source::Span::new(address.place.span.start + offset, end + offset);
                finding = finding.fix(Fix {
                    title: "use-https",
                    safe: false,
                    edits: vec![Edit {
                        place: crate::flow::Place { file: address.place.file, span },
                        text: if scheme == "ws://" { "wss" } else { "https" }.into(),
                    }],
                });
            }
            out.push(finding);
        }
    }
}

/// How an argument of a host call holds a text.
struct Held<'a> {
    /// The text up to its first unknown part.
    head: &'a str,
    /// As an argument itself, or as a field of one.
    near: bool,
    /// As a value in the data that are sent.
    sent: bool,
}

/// What the arguments of all host calls hold, in order of the texts.
struct Heads<'a>(Vec<Held<'a>>);

impl<'a> Heads<'a> {
    fn of(cx: &Context<'a>) -> Self {
        let mut out = Vec::new();
        for call in &cx.solution.calls {
            let data: Option<&str> = api(cx, call).and_then(|api| api.param("data"));
            for (index, arg) in call.args.iter().enumerate() {
                collect(arg, &index.to_string(), data, false, 0, &mut out);
            }
        }
        out.sort_by_key(|held| held.head);
        Self(out)
    }

    fn starting<'s>(&'s self, with: &'s str) -> impl Iterator<Item = &'s Held<'a>> {
        let first = self.0.partition_point(|held| held.head < with);
        self.0[first..].iter().take_while(move |held| held.head.starts_with(with))
    }

    fn requested(&self, url: &str) -> bool {
        self.starting(url).any(|held| held.near)
    }

    /// Whether host calls take an address, and only as a value in the data that they send.
    fn only_told(&self, url: &str) -> bool {
        self.starting(url).next().is_some() && self.starting(url).all(|held| held.sent)
    }
}

/// Gathers the texts in an argument; `data` is the path of the parameter with what is sent.
fn collect<'a>(value: &'a ArgValue, path: &str, data: Option<&str>, sent: bool, depth: usize, out: &mut Vec<Held<'a>>) {
    const DEEPEST: usize = 6;
    let sent = sent || data == Some(path);
    out.extend(value.strings.iter().map(|text| text.head()).filter(|head| head.contains("://")).map(|head| Held {
        head,
        near: depth < 2,
        sent,
    }));
    if depth < DEEPEST {
        for (key, field) in &value.fields {
            collect(field, &format!("{path}.{key}"), data, sent, depth + 1, out);
        }
    }
}
