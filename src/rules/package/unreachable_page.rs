//! `package/unreachable-page`: listed pages that nothing leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use crate::flow::{Place, Text};
use crate::model::ir::{ExprKind, Key, Property, Script};
use crate::model::surface::strings;
use crate::package::FileKind;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::json::{Json, JsonValue};
use crate::syntax::template::Part;

use super::dead_navigation::route_of;
use super::{exists, is_own, nearest};

/// Looks for pages that are neither first nor tab and that no navigation, constant or data that runs names.
pub struct UnreachablePage;

impl Rule for UnreachablePage {
    fn id(&self) -> &'static str {
        "package/unreachable-page"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let (Some(app), false) = (cx.package.app, cx.package.game) else { return };
        // Links in compiled templates are not seen, nor what was not gone into.
        if cx.package.compiled.is_some() || cx.solution.unseen {
            return;
        }
        let pages = &cx.package.pages;
        let entry = cx.package.app_json().and_then(|app| app.get("entryPagePath")).and_then(Json::as_str);
        let mut reached: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut computed = false;
        // A server's answer or another program names the target.
        let mut anywhere = false;
        let open = |place: Place| !cx.readings.drawn.never(cx, place.file, place.span);
        for navigation in cx.solution.navigations.iter().filter(|navigation| open(navigation.place)) {
            match route_of(&navigation.target, &navigation.from) {
                Some((route, _)) => {
                    // The link that misses a page by a slip is told by its own rule.
                    if !pages.iter().any(|page| *page.route == *route)
                        && let Some(near) = nearest(&route, pages.iter().map(|page| &*page.route))
                    {
                        reached.insert(near.into());
                    }
                    reached.insert(route.as_str().into());
                    let plain = navigation.target.head().split(['?', '#']).next().unwrap_or_default();
                    reached.extend(crate::model::normalize(plain).map(Arc::from));
                }
                None => {
                    computed = true;
                    let path = path_pieces(&navigation.target, &navigation.from);
                    if path.iter().any(|piece| !piece.is_empty()) {
                        let fitting = pages.iter().filter(|page| fits(&page.route, &path));
                        reached.extend(fitting.map(|page| page.route.clone()));
                    } else {
                        anywhere = true;
                    }
                }
            }
        }
        // Many combinations of known parts stand for more than were kept: what they begin with counts.
        let mut combined: BTreeMap<Place, Vec<&str>> = BTreeMap::new();
        for navigation in &cx.solution.navigations {
            combined.entry(navigation.place).or_default().push(navigation.target.head().trim_start_matches('/'));
        }
        for heads in combined.values().filter(|heads| heads.len() >= MOST_TARGETS) {
            let mut prefix = heads[0];
            for head in heads {
                while !head.starts_with(prefix) {
                    prefix = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
                }
            }
            // What all pages begin with tells nothing.
            if !prefix.is_empty() && !pages.iter().all(|page| page.route.starts_with(prefix)) {
                let starts = pages.iter().filter(|page| page.route.starts_with(prefix));
                reached.extend(starts.map(|page| page.route.clone()));
            }
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let rest: Vec<_> = pages
            .iter()
            .enumerate()
            .filter(|(index, page)| {
                seen.insert(&page.route)
                    && *index > 0
                    && !page.tab
                    && !reached.contains(&page.route)
                    && entry.is_none_or(|entry| entry.trim_start_matches('/') != &*page.route)
                    && has_files(cx, &page.route)
                    && !super::missing_page::is_library_page(cx, &page.route)
                    && Some(&*page.route) != cx.package.submission.privacy_policy.as_deref().map(stem)
                    && !found_from_outside(cx, &page.route)
            })
            .map(|(_, page)| page)
            .collect();
        if rest.is_empty() {
            return;
        }
        // Where data may name any page, a large package that names nearly all of its own says enough of the others.
        let listed = pages.iter().skip(1).filter(|page| !page.tab).count();
        if anywhere && (listed < LARGE || rest.len() * LEFT > listed) {
            return;
        }
        // Where most pages seem to hang in the air, the way to them is one that is not seen.
        if listed >= MANY_PAGES && rest.len() * 2 > listed {
            return;
        }
        // Shared paths and targets that come from data: any constant that runs and names the page leads there.
        let Ok(finder) = AhoCorasick::new(rest.iter().map(|page| tail(&page.route))) else { return };
        let mut named = vec![false; rest.len()];
        // Where something was not gone into, it may be what opens the page that its code names.
        let gaps = cx.solution.blind_spots.iter().any(|spot| GAPS.contains(&spot.note));
        let mut drop_named = |text: &str| {
            if text.contains('/') {
                for hit in finder.find_overlapping_iter(text) {
                    let index = hit.pattern().as_usize();
                    named[index] = named[index] || names(text, &rest[index].route);
                }
            }
        };
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if !cx.program.live_files.contains(&id) && file.kind != FileKind::Json {
                continue;
            }
            if let Some(script) = cx.program.script(id) {
                let runs = |function: u32| gaps || function == 0 || cx.solution.reached.contains(&(id, function));
                if gaps || computed || shares(cx, id) {
                    strings(script, &runs, &mut drop_named);
                }
                listed_routes(script, &mut drop_named);
            } else if file.kind == FileKind::Json && Some(id) != cx.package.app && is_own(cx, id) && computed {
                file.json.iter().for_each(|json| json_strings(json, &mut drop_named));
            }
            // A component or a handler may open what an attribute names.
            let text = &file.source.text;
            for (_, element) in cx.program.elements(id) {
                if !open(Place { file: id, span: element.open }) {
                    continue;
                }
                let names_page = |name: &str| !is_binding(name) && name != "src";
                let attributes = element.attributes.iter().filter(|attribute| names_page(&attribute.name));
                for part in attributes.filter_map(|attribute| attribute.value.as_ref()).flat_map(|value| &value.parts) {
                    if let Part::Text { span, .. } = part {
                        drop_named(span.slice(text));
                    }
                }
            }
        }
        for (page, _) in rest.iter().zip(&named).filter(|(_, named)| !**named) {
            out.push(
                Finding::new("package/unreachable-page", Place { file: app, span: page.span })
                    .confidence(if computed { Confidence::Low } else { Confidence::Medium })
                    .text("page", page.route.to_string()),
            );
        }
    }
}

/// Routes that a script keeps in records (`{ title: '设置', path: '/pages/setting/setting' }`), which lists of links are made of.
fn listed_routes(script: &Script, visit: &mut dyn FnMut(&str)) {
    script.for_each_expr(&mut |expr| {
        let ExprKind::Object(properties) = &expr.kind else { return };
        let texts = || {
            properties.iter().filter_map(|property| match property {
                Property::Value(Key::Static(name, _), value) => match &value.kind {
                    ExprKind::String(text) => Some((&**name, &**text)),
                    _ => None,
                },
                _ => None,
            })
        };
        // A lone address is what a call is given; a record has a label beside it.
        if texts().any(|(_, text)| !text.is_ascii()) {
            texts().filter(|(name, text)| *name != "title" && text.contains('/')).for_each(|(_, text)| visit(text));
        }
    });
}

/// Notes of blind spots behind which jumps may be hidden.
const GAPS: [&str; 3] = ["budget-exhausted", "opaque-options", "unregistered-unit"];

/// Targets of one call of which not all may have been kept.
const MOST_TARGETS: usize = 8;

/// Listed pages of a large package, and how small a part of them may be left.
const LARGE: usize = 40;
const LEFT: usize = 4;

/// Listed pages, beside the first and the tabs, from which on it would be odd that nothing leads to most of them.
const MANY_PAGES: usize = 8;

/// The known pieces of a target's path, from the package's root, up to its query.
fn path_pieces(target: &Text, from: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for piece in &target.pieces {
        let (path, ends) = match piece.find(['?', '#']) {
            Some(at) => (&piece[..at], true),
            None => (&**piece, false),
        };
        out.push(path.to_owned());
        if ends {
            break;
        }
    }
    let Some(first) = out.first_mut() else { return out };
    if let Some(absolute) = first.strip_prefix('/') {
        *first = absolute.to_owned();
    } else if first.starts_with('.') {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (head, tail) = first.rsplit_once('/').unwrap_or((first, ""));
        let folder = crate::model::normalize(&format!("{folder}/{head}")).unwrap_or_default();
        *first = if folder.is_empty() { tail.to_owned() } else { format!("{folder}/{tail}") };
    }
    out
}

/// Whether a route has these pieces in order, with anything between them.
fn fits(route: &str, pieces: &[String]) -> bool {
    let Some((first, others)) = pieces.split_first() else { return false };
    let Some(mut rest) = route.strip_prefix(first.as_str()) else { return false };
    for piece in others.iter().filter(|piece| !piece.is_empty()) {
        let Some(at) = rest.find(piece.as_str()) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

/// Whether a page is made to be found from outside: it gives its own data to the host's search, or reads what a printed code
/// holds.
fn found_from_outside(cx: &Context<'_>, route: &str) -> bool {
    let Some(unit) = cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize)) else {
        return false;
    };
    let Some(file) = unit.script else { return false };
    let roles = cx.policy.host(&cx.package.host);
    let searched = cx.solution.calls.iter().any(|call| {
        call.place.file == file
            && roles.and_then(|host| host.apis.get(&call.api)).is_some_and(|api| api.has_role("page-info"))
    });
    let mut scanned = false;
    if let Some(script) = cx.program.script(file) {
        script.for_each_expr(&mut |expr| {
            scanned |= matches!(&expr.kind, ExprKind::Member { key: Key::Static(key, _), .. } if &**key == "scene");
        });
    }
    searched || scanned
}

fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

fn has_files(cx: &Context<'_>, route: &str) -> bool {
    cx.package.script_extensions().iter().any(|extension| exists(cx, &format!("{route}{extension}")))
}

/// Whether the script has a method whose result is shared.
fn shares(cx: &Context<'_>, file: FileId) -> bool {
    let Some(host) = cx.policy.hosts.info(&cx.package.host) else { return false };
    cx.program.script(file).is_some_and(|script| {
        script
            .functions
            .iter()
            .any(|function| function.name.as_ref().is_some_and(|name| host.share_methods.contains(name)))
    })
}

/// The last folder and name of a route: what every text that names it holds.
fn tail(route: &str) -> &str {
    route.rmatch_indices('/').nth(1).map_or(route, |(at, _)| &route[at + 1..])
}

/// Whether a text names the route: it stands there whole, between bounds.
fn names(text: &str, route: &str) -> bool {
    let found = |route: &str| {
        text.match_indices(route).any(|(at, _)| {
            let after = text[at + route.len()..].chars().next();
            let before = text[..at].chars().next_back();
            after.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-' && c != '/')
                && before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-')
        })
    };
    found(route) || found(tail(route))
}

fn is_binding(name: &str) -> bool {
    name.starts_with("bind") || name.starts_with("catch") || name.starts_with("capture-")
}

fn json_strings(json: &Json, visit: &mut dyn FnMut(&str)) {
    match &json.value {
        JsonValue::String(text) => visit(text),
        JsonValue::Array(items) => items.iter().for_each(|item| json_strings(item, visit)),
        JsonValue::Object(properties) => properties.iter().for_each(|property| json_strings(&property.value, visit)),
        _ => {}
    }
}
