//! `package/dead-navigation`: routes that no page serves, and tabs that are opened the wrong way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::flow::{Navigation, Place, Text};
use crate::model::conditions::conditions;
use crate::model::normalize;
use crate::package::PageEntry;
use crate::rules::drawn::unseen;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::NodeKind;

use super::{is_own, nearest};

/// Looks up the targets of navigation calls and `navigator` elements, computed ones by their constant part.
pub struct DeadNavigation;

/// The route of a target when its path is constant: `pages/a/a` of `/pages/a/a?id=` and a hole.
pub(in crate::rules) fn route_of(target: &Text, from: &str) -> Option<(String, bool)> {
    let head = target.head();
    let (path, query) = match head.split_once('?') {
        Some((path, _)) => (path, true),
        None if target.complete().is_some() => (head, false),
        None => return None,
    };
    let path = path.split('#').next().unwrap_or(path).trim();
    // Nobody names a page with these: something before them is not known, or the question mark was forgotten.
    let forgotten = target.complete().is_some() && path.starts_with('/');
    if path.contains(':') || path.contains(['&', '=']) && !forgotten || path.starts_with("//") {
        return None;
    }
    let route = match path.strip_prefix('/') {
        Some(absolute) => normalize(absolute)?,
        None => {
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            normalize(&format!("{folder}/{path}"))?
        }
    };
    Some((route, query))
}

/// Whether a test on the way looks at the target itself (`if (link.indexOf('pages') > 0)`): addresses may have gone
/// the other way.
fn sorted_out(cx: &Context<'_>, call: Place) -> bool {
    let Some(script) = cx.program.script(call.file) else { return false };
    let source = &cx.package.source(call.file).text;
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let named: Vec<&str> = call.span.slice(source).split(|c| !part(c)).collect();
    conditions(script).iter().any(|condition| {
        condition.arms.iter().flatten().any(|arm| arm.contains(call.span))
            && condition.reads.iter().filter(|read| read.path.len() > 1).any(|read| {
                let base = read.span.slice(source).split(|c| !part(c)).next().unwrap_or("");
                !matches!(base, "" | "this" | "that" | "self") && named.contains(&base)
            })
    })
}

impl Rule for DeadNavigation {
    fn id(&self) -> &'static str {
        "package/dead-navigation"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if cx.package.pages.is_empty() {
            return;
        }
        let first = out.len();
        without_target(cx, out);
        shared_paths(cx, out);
        let blank: BTreeSet<Place> = out[first..].iter().map(|finding| finding.place).collect();
        let mut told = BTreeSet::new();
        // Of pages that are listed twice the first counts.
        let pages: HashMap<&str, &PageEntry> = cx.package.pages.iter().rev().map(|page| (&*page.route, page)).collect();
        let served = |navigation: &Navigation| {
            route_of(&navigation.target, &navigation.from).is_some_and(|(route, _)| pages.contains_key(&*route))
        };
        let mut targets: BTreeMap<Place, (usize, bool)> = BTreeMap::new();
        // Calls with a target that they can open: tabs and pages that a test tells apart come to either call.
        let mut opens: BTreeSet<Place> = BTreeSet::new();
        for navigation in &cx.solution.navigations {
            let target = targets.entry(navigation.place).or_default();
            target.0 += 1;
            target.1 |= served(navigation);
            let page =
                route_of(&navigation.target, &navigation.from).and_then(|(route, _)| pages.get(&*route).copied());
            if page.is_some_and(|page| page.tab == (&*navigation.role == "navigate-tab")) {
                opens.insert(navigation.place);
            }
        }
        for navigation in &cx.solution.navigations {
            // Of many combinations of known parts not all can happen: one that is served speaks for the call.
            let around = |link: &&Place| link.span.contains(navigation.place.span);
            if !is_own(cx, navigation.place.file)
                || unseen(cx, navigation.place)
                || blank.iter().filter(|link| link.file == navigation.place.file).any(|link| around(&link))
                || targets.get(&navigation.place).is_some_and(|target| target.0 > 2 && target.1)
            {
                continue;
            }
            if navigation.target.head().trim().is_empty() {
                if navigation.target.complete().is_some()
                    && cx.program.script(navigation.place.file).is_some()
                    && told.insert(navigation.place)
                {
                    let text = navigation.place.span.slice(&cx.package.source(navigation.place.file).text);
                    let packed: String = text.split_whitespace().collect();
                    // What is empty where it starts is seldom so where it is used.
                    if !["''", "\"\"", "``"].iter().any(|empty| packed.contains(empty)) {
                        continue;
                    }
                    let name = text.split('(').next().unwrap_or(text).trim();
                    out.push(
                        Finding::new("package/dead-navigation", navigation.place)
                            .variant("no-target")
                            .text("target", name.to_owned()),
                    );
                }
                continue;
            }
            let to_tab = &*navigation.role == "navigate-tab";
            let to_page = matches!(&*navigation.role, "navigate" | "navigate-redirect" | "navigate-replace");
            let base = Finding::new("package/dead-navigation", navigation.place);
            let whole = navigation.target.complete();
            if whole.is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"))
                && (to_tab || to_page)
            {
                if !sorted_out(cx, navigation.place) && told.insert(navigation.place) {
                    out.push(base.variant("address").text("target", whole.unwrap_or_default()));
                }
                continue;
            }
            let Some((route, query)) = route_of(&navigation.target, &navigation.from) else { continue };
            if route.is_empty() {
                continue;
            }
            // A relative path may have been resolved already.
            let plain =
                normalize(navigation.target.head().split(['?', '#']).next().unwrap_or_default()).unwrap_or_default();
            let page = pages.get(&*route).or_else(|| pages.get(&*plain)).copied();
            let relative = page.filter(|_| !route.is_empty()).and_then(|_| read_from_folder(cx, navigation, &pages));
            let variant = match page {
                None => "",
                Some(_) if relative.is_some() => "relative",
                Some(page) if to_tab && !page.tab => "no-tab",
                Some(_) if to_tab && query => "tab-query",
                Some(page) if page.tab && &*navigation.role == "navigate" => "tab",
                Some(page) if page.tab && &*navigation.role == "navigate-redirect" => "tab",
                Some(_) => continue,
            };
            if matches!(variant, "tab" | "no-tab") && opens.contains(&navigation.place)
                || !told.insert(navigation.place)
            {
                continue;
            }
            let mut finding = base.text("target", route.clone());
            if !variant.is_empty() {
                finding = finding.variant(variant);
            } else if let Some(near) = nearest(&route, cx.package.pages.iter().map(|page| &*page.route)) {
                finding = finding.variant("near").text("near", near);
            }
            if let Some(read) = relative {
                finding = finding.text("read", read);
            }
            if navigation.target.complete().is_none() || variant == "relative" {
                finding = finding.confidence(Confidence::Medium);
            }
            out.push(finding);
        }
    }
}

/// The route that a target without a leading slash means where the page stands in a folder, when the call writes it so and no
/// page has that route.
fn read_from_folder(cx: &Context<'_>, navigation: &Navigation, pages: &HashMap<&str, &PageEntry>) -> Option<String> {
    cx.program.script(navigation.place.file)?;
    let route = navigation.target.head().split(['?', '#']).next()?.strip_prefix('/')?;
    let call = navigation.place.span.slice(&cx.package.source(navigation.place.file).text);
    let written = ['"', '\'', '`'].iter().any(|quote| call.contains(&format!("{quote}{route}")));
    let (folder, _) = navigation.from.rsplit_once('/').filter(|_| written)?;
    let read = normalize(&format!("{folder}/{route}"))?;
    (!pages.contains_key(&*read)).then_some(read)
}

/// Paths that share methods return and that no page serves: whoever opens the card finds nothing.
fn shared_paths(cx: &Context<'_>, out: &mut Vec<Finding>) {
    let pages: BTreeSet<&str> = cx.package.pages.iter().map(|page| &*page.route).collect();
    let mut told = BTreeSet::new();
    for call in cx.solution.calls.iter().filter(|call| &*call.namespace == "page") {
        let Some(path) = call.arg("0.path").filter(|path| !path.unknown) else { continue };
        let routes: Vec<_> = path.strings.iter().map(|target| route_of(target, "")).collect();
        // What is served by one of several ways speaks for the method.
        if routes.iter().any(|route| route.as_ref().is_none_or(|(route, _)| pages.contains(&**route))) {
            continue;
        }
        let (Some(Some((route, _))), Some(place)) =
            (routes.first(), path.strings.first().and_then(|target| target.place).or(path.place))
        else {
            continue;
        };
        if route.is_empty() || !is_own(cx, place.file) || unseen(cx, place) || !told.insert(place) {
            continue;
        }
        let mut finding = Finding::new("package/dead-navigation", place).text("target", route.clone());
        match nearest(route, pages.iter().copied()) {
            Some(near) => finding = finding.variant("shared-near").text("near", near),
            None => finding = finding.variant("shared"),
        }
        out.push(finding);
    }
}

/// Kinds of `navigator` that go to a page, so that they need its route.
const TO_PAGE: [&str; 6] = ["", "navigate", "redirect", "redirectto", "switchtab", "relaunch"];

/// Links that name no page, and that nothing else hears.
fn without_target(cx: &Context<'_>, out: &mut Vec<Finding>) {
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    let pages = cx.program.units.iter().filter(|unit| unit.live);
    let files: BTreeSet<FileId> = pages.flat_map(|unit| unit.templates.iter().copied()).collect();
    for file in files.into_iter().filter(|file| is_own(cx, *file)) {
        let bound: BTreeSet<_> = cx
            .program
            .bindings
            .iter()
            .filter(|one| one.template == file && one.user_action)
            .map(|one| one.node)
            .collect();
        let Some(template) = cx.program.template(file) else { continue };
        let nodes = &template.document.nodes;
        for (node, element) in cx.program.elements(file) {
            let links = host
                .components
                .get(&element.name)
                .is_some_and(|known| known.roles.iter().any(|role| &**role == "navigator"));
            let literal = |name: &str| {
                element
                    .attribute(name)
                    .map(|attribute| attribute.value.as_ref().map_or(Some(String::new()), |value| value.literal()))
            };
            let kind = literal("open-type").unwrap_or_else(|| Some(String::new()));
            let to_page = kind.is_some_and(|kind| TO_PAGE.contains(&kind.trim().to_lowercase().as_str()));
            let nowhere = match literal("url") {
                None => true,
                Some(url) => url.is_some_and(|url| url.trim().is_empty()),
            };
            if !links || !to_page || !nowhere || element.attribute("target").is_some() || element.children.is_empty() {
                continue;
            }
            let around = std::iter::successors(Some(node), |node| {
                let parent = nodes[*node as usize].parent;
                (parent != *node).then_some(parent)
            });
            let heard = around.into_iter().any(|node| bound.contains(&node))
                || bound.iter().any(|at| {
                    std::iter::successors(Some(*at), |node| {
                        let parent = nodes[*node as usize].parent;
                        (parent != *node).then_some(parent)
                    })
                    .any(|parent| parent == node)
                });
            // A button of the host inside opens what it opens.
            let opens = nodes.iter().enumerate().any(|(inner, node)| {
                let NodeKind::Element(inside) = &node.kind else { return false };
                element.open.end <= inside.open.start
                    && nodes[inner].span.end <= element.close.map_or(element.open.end, |close| close.start)
                    && inside.attribute("open-type").is_some()
            });
            if !heard && !opens {
                out.push(
                    Finding::new("package/dead-navigation", Place { file, span: element.open })
                        .variant("no-target")
                        .text("target", format!("<{}>", element.name)),
                );
            }
        }
    }
}
