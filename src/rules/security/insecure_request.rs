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
                let requested = cx.solution.calls.iter().any(|call| {
                    call.args.iter().any(|arg| {
                        arg.strings
                            .iter()
                            .chain(arg.fields.iter().flat_map(|(_, field)| &field.strings))
                            .any(|text| text.head().starts_with(address.url.trim_end_matches('/')))
                    })
                });
                // What is only told to a server names a place; nothing goes there.
                if kind == FileKind::Script && is_told(cx, &address.url) {
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

/// Whether host calls take an address as a whole, and only as a value in the data that they send.
fn is_told(cx: &Context<'_>, url: &str) -> bool {
    let mut told = false;
    for call in &cx.solution.calls {
        let data: Option<&str> = api(cx, call).and_then(|api| api.param("data"));
        for (index, arg) in call.args.iter().enumerate() {
            let mut uses = Uses { url, data, whole: false, other: false };
            uses.collect(arg, &index.to_string(), false, 0);
            if uses.other {
                return false;
            }
            told |= uses.whole;
        }
    }
    told
}

/// How an argument holds an address.
struct Uses<'a> {
    url: &'a str,
    /// Path of the parameter with what is sent.
    data: Option<&'a str>,
    /// As a whole value that is sent.
    whole: bool,
    /// Anywhere else.
    other: bool,
}

impl Uses<'_> {
    fn collect(&mut self, value: &ArgValue, path: &str, sent: bool, depth: usize) {
        const DEEPEST: usize = 6;
        let sent = sent || self.data == Some(path);
        for text in &value.strings {
            if sent && text.head().starts_with(self.url) {
                self.whole = true;
            } else if text.head().starts_with(self.url) {
                self.other = true;
            }
        }
        if depth < DEEPEST {
            for (key, field) in &value.fields {
                self.collect(field, &format!("{path}.{key}"), sent, depth + 1);
            }
        }
    }
}
