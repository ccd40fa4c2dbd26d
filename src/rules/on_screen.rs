//! Which strings of scripts reach the screen: through the data of pages, dialogs, toasts and titles.

use std::sync::OnceLock;

use super::Context;
use crate::flow::Place;
use crate::model::ir::{ExprKind, Key, Property, walk_expr};
use crate::policy::conduct::name_words;
use crate::text::HOLE;

/// What reaches the screen, found once for all rules.
#[derive(Debug, Default)]
pub struct OnScreen(OnceLock<Found>);

#[derive(Debug, Default)]
struct Found {
    places: Vec<Place>,
    joined: Vec<(Place, String)>,
}

/// Roles of APIs that show texts, and their parameters.
const SHOWING: [&str; 5] = ["toast", "dialog", "action-sheet", "title", "page-info"];
const TOLD: [&str; 4] = ["title", "content", "items", "description"];

impl OnScreen {
    /// Where literals stand that users read, by file and place.
    pub fn places(&self, cx: &Context<'_>) -> &[Place] {
        &self.found(cx).places
    }

    /// Texts that stand nowhere as they are read, and where the first literal of each stands.
    pub fn joined(&self, cx: &Context<'_>) -> &[(Place, String)] {
        &self.found(cx).joined
    }

    /// Whether a literal that users read overlaps a span.
    pub fn holds(&self, cx: &Context<'_>, place: Place) -> bool {
        let places = self.places(cx);
        let from = places.partition_point(|known| known.file < place.file);
        places[from..]
            .iter()
            .take_while(|known| known.file == place.file && known.span.start < place.span.end.max(place.span.start + 1))
            .any(|known| known.span.end > place.span.start)
    }

    fn found(&self, cx: &Context<'_>) -> &Found {
        self.0.get_or_init(|| {
            let mut places = cx.solution.shown.clone();
            let mut joined = cx.solution.joined.clone();
            let host = cx.policy.host(&cx.package.host);
            for call in &cx.solution.calls {
                let Some(api) = host.and_then(|host| host.apis.get(&call.api)) else { continue };
                if !SHOWING.iter().any(|role| api.has_role(role)) {
                    continue;
                }
                for path in TOLD.iter().filter_map(|param| api.param(param)) {
                    let Some(value) = call.arg(path) else { continue };
                    let items = value.fields.iter().map(|(_, item)| item);
                    for text in std::iter::once(value).chain(items).flat_map(|value| &value.strings) {
                        let Some(place) = text.place else { continue };
                        places.push(place);
                        if text.complete().is_none_or(|text| text.len() as u32 + 2 != place.span.len()) {
                            joined.push((place, text.pieces.join(HOLE.encode_utf8(&mut [0; 4]))));
                        }
                    }
                }
            }
            places.extend(initial_data(cx));
            places.sort_unstable();
            places.dedup();
            joined.retain(|(_, text)| !text.is_ascii());
            joined.sort_unstable();
            joined.dedup();
            Found { places, joined }
        })
    }
}

/// Whether a text stands in what a bundler made of libraries, and is not seen to reach the screen: it is a word of theirs.
pub fn is_library_text(cx: &Context<'_>, place: Place) -> bool {
    let name = cx.package.source(place.file).name();
    let stem = name.split('.').next().unwrap_or(name);
    name_words(stem).len() == 1
        && cx.policy.conduct.names("id-library-chunk", stem)
        && cx.program.script(place.file).is_some()
        && cx.program.units.iter().all(|unit| unit.script != Some(place.file))
        && !cx.readings.on_screen.holds(cx, place)
}

/// Literals of the data that pages and components start with, under keys that their templates name.
fn initial_data(cx: &Context<'_>) -> Vec<Place> {
    let mut out = Vec::new();
    for unit in cx.program.units.iter().filter(|unit| unit.live) {
        let Some(file) = unit.script else { continue };
        let Some(script) = cx.program.script(file) else { continue };
        let named =
            |key: &str| unit.templates.iter().any(|template| interpolates(&cx.package.source(*template).text, key));
        script.for_each_expr(&mut |expr| {
            let ExprKind::Object(properties) = &expr.kind else { return };
            for property in properties {
                let Property::Value(Key::Static(name, _), value) = property else { continue };
                let ExprKind::Object(data) = &value.kind else { continue };
                if &**name != "data" {
                    continue;
                }
                for property in data {
                    if let Property::Value(Key::Static(key, _), value) = property
                        && named(key)
                    {
                        walk_expr(value, &mut |expr| {
                            if matches!(expr.kind, ExprKind::String(_)) {
                                out.push(Place { file, span: expr.span });
                            }
                        });
                    }
                }
            }
        });
    }
    out
}

/// Whether a template names a key inside an interpolation or a loop.
fn interpolates(text: &str, key: &str) -> bool {
    let part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    memchr::memmem::find_iter(text.as_bytes(), key).any(|at| {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        let whole = !part(before.last()) && !part(text.as_bytes().get(at + key.len()));
        let open = memchr::memmem::rfind(before, b"{{").or_else(|| memchr::memmem::rfind(before, b"-for=\""));
        let close = memchr::memmem::rfind(before, b"}}");
        whole
            && !before.ends_with(b".")
            && open.is_some()
            && (open > close || before.ends_with(b" in ") || before.ends_with(b"-for=\""))
    })
}
