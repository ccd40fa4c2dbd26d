//! `package/missing-page`: pages that `app.json` lists and the package lacks.

use crate::flow::Place;
use crate::rules::{Context, Finding, Rule};

use super::exists;

/// Looks at every listed page for its script and its template.
pub struct MissingPage;

impl Rule for MissingPage {
    fn id(&self) -> &'static str {
        "package/missing-page"
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let (Some(app), Some(host)) = (cx.package.app, cx.policy.hosts.info(&cx.package.host)) else { return };
        if cx.package.game {
            return;
        }
        for page in &cx.package.pages {
            // Pages of libraries and plugins stand elsewhere.
            if page.route.contains(':') || page.route.starts_with("__dynamicLib__") || is_library_page(cx, &page.route)
            {
                continue;
            }
            let has = |extension: &str| exists(cx, &format!("{}.{extension}", page.route));
            let script = ["js", "ts"].into_iter().any(has);
            // A compiled template is told as unseen.
            let template =
                cx.package.compiled.is_some() || host.template_extensions.iter().any(|extension| has(extension));
            let variant = match (script, template) {
                (true, true) => continue,
                (false, false) => None,
                (false, true) => Some("script"),
                (true, false) => Some("template"),
            };
            let finding = Finding::new("package/missing-page", Place { file: app, span: page.span })
                .text("page", page.route.to_string())
                .text("extension", host.template_extensions.first().map_or("", |extension| extension));
            out.push(match variant {
                Some(variant) => finding.variant(variant),
                None => finding,
            });
        }
    }
}

/// Whether a dynamic library of that name serves the page (`swan-sitemap/index`).
pub(super) fn is_library_page(cx: &Context<'_>, route: &str) -> bool {
    let Some((folder, _)) = route.split_once('/') else { return false };
    let Some(libraries) = cx.package.app_json().and_then(|app| app.get("dynamicLib")) else { return false };
    libraries.properties().iter().any(|library| {
        &*library.key == folder
            || library.value.get("provider").and_then(|provider| provider.as_str()).is_some_and(|name| name == folder)
    })
}
