//! `security/untrusted-web-view`

use std::collections::BTreeMap;

use crate::flow::{Fact, Origin, Place};
use crate::rules::{Context, Finding, Rule};

/// A web view shows an address that comes from outside, unchecked.
pub struct UntrustedWebView;

const ID: &str = "security/untrusted-web-view";

impl Rule for UntrustedWebView {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for call in cx.solution.calls.iter().filter(|call| &*call.namespace == "web-view") {
            let Some(address) = call.args.first() else { continue };
            let from = address.origins.iter().find_map(|origin| {
                Some(match origin {
                    Origin::Query(_) | Origin::Launch(_) => "query",
                    Origin::Scan => "scan",
                    Origin::Remote(_) => "remote",
                    Origin::Clipboard => "clipboard",
                    Origin::Input => "input",
                    _ => return None,
                })
            });
            let Some(from) = from else { continue };
            // A fixed host in front leaves only the path open; an address that is known as a whole leaves nothing.
            let open = || address.strings.iter().filter(|text| text.complete().is_none());
            let fixed = !address.unknown
                && open().next().is_some()
                && open().all(|text| {
                    let head = text.head();
                    head.split_once("://").is_some_and(|(_, rest)| rest.contains('/') || rest.contains('?'))
                });
            if fixed || checked(cx, call) {
                continue;
            }
            found.entry(call.place).or_insert_with(|| {
                let word = match from {
                    "scan" => "origin-scan",
                    "remote" => "origin-remote",
                    "clipboard" => "origin-clipboard",
                    "input" => "origin-input",
                    _ => "origin-query",
                };
                Finding::new(ID, call.place).word("from", word)
            });
        }
        out.extend(found.into_values());
    }
}

/// Whether the page's script compares the address with something it knows: a branch on the same origin, or a host list.
fn checked(cx: &Context<'_>, call: &crate::flow::HostCall) -> bool {
    let Some(unit) = cx.program.units.iter().find(|unit| unit.route == call.entry.route) else { return false };
    let tested = cx.solution.branches.iter().any(|branch| {
        unit.script == Some(branch.place.file)
            && matches!(branch.origin, Origin::Query(_) | Origin::Scan | Origin::Remote(_) | Origin::Launch(_))
            && branch.with.as_deref().is_some_and(names_host)
    });
    // What a test for a host proved where the view is shown: that it is that host, or that it is none of them. Where a host
    // stands in a text is compared with a number afterwards, which turns the answer around.
    let proved: Vec<bool> = call
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Tested { with: Some(with), held, place, .. } if names_host(with) => {
                let test = place.span.slice(&cx.package.source(place.file).text);
                Some(*held || test.contains("ndexOf") || test.contains("search"))
            }
            _ => None,
        })
        .collect();
    if !proved.is_empty() && proved.iter().all(|held| !held) {
        return false;
    }
    let facts = !proved.is_empty();
    let listed = unit.script.is_some_and(|file| {
        let text = &cx.package.source(file).text;
        let lower = text.to_ascii_lowercase();
        [
            "whitelist",
            "allowlist",
            "allowedhost",
            "allowhost",
            "trustedhost",
            "trusthost",
            "safehost",
            "alloweddomain",
            "whitedomain",
            "allowdomain",
            "trusteddomain",
            "safedomain",
            "isallowed",
            "istrusted",
            "issafeurl",
            "checkurl",
            "validurl",
            "legaldomain",
            "allowed",
            "trusted",
        ]
        .iter()
        .any(|word| lower.contains(word))
            || regex_test(text)
            || [".startsWith('https://", ".startsWith(\"https://", ".indexOf('https://", ".indexOf(\"https://"]
                .iter()
                .any(|test| {
                    text.match_indices(test).any(|(at, found)| {
                        // The whole scheme alone says nothing of the host.
                        !matches!(text[at + found.len()..].chars().next(), Some('\'' | '"'))
                    })
                })
    });
    tested || facts || listed
}

/// Whether a text holds the name of a host: a scheme alone says nothing of who answers.
fn names_host(text: &str) -> bool {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    rest.match_indices('.')
        .any(|(at, _)| letter(rest[..at].chars().next_back()) && letter(rest[at + 1..].chars().next()))
}

/// `/^https:\/\/www\.example\.com/.test(url)`
fn regex_test(text: &str) -> bool {
    text.match_indices("/^https").any(|(at, _)| {
        let rest = text[at..].split('\n').next().unwrap_or("");
        rest.contains("\\.") && (rest.contains(".test(") || text.contains(".match("))
    })
}
