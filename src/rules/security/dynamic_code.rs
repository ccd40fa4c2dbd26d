//! `security/dynamic-code`

use std::collections::BTreeMap;

use crate::flow::{Origin as ValueOrigin, Place};
use crate::model::sites::{self, Root};
use crate::package::Origin;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;

/// Code is evaluated or interpreted at run time.
pub struct DynamicCode;

const ID: &str = "security/dynamic-code";

impl Rule for DynamicCode {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for (index, facts) in cx.program.facts.iter().enumerate() {
            let file = FileId(index as u32);
            let Some(script) = &facts.script else { continue };
            // Libraries carry `Function("return this")` and the like for other platforms.
            if !is_own(cx, file) {
                continue;
            }
            for site in sites::call_sites(script) {
                let chain: Vec<&str> = site.chain.iter().map(|name| &**name).collect();
                let constant = site.strings.iter().flatten().last().map(|text| text.trim());
                let what = match (&site.root, chain.as_slice()) {
                    (Root::Global, ["eval"]) => "eval",
                    (Root::Global, ["Function"]) => "Function",
                    (Root::Global, ["Function", "prototype", "constructor", ..]) => "Function",
                    (Root::Global, ["window" | "global" | "globalThis" | "self", "eval"]) => "eval",
                    (Root::Global, ["window" | "global" | "globalThis" | "self", "Function"]) => "Function",
                    (_, [.., "constructor", "constructor"]) => "constructor",
                    (Root::Global, ["setTimeout" | "setInterval"])
                        if site.strings.first().is_some_and(Option::is_some) =>
                    {
                        chain[0]
                    }
                    (Root::Module(request), _) if interprets(cx, request) => chain.last().copied().unwrap_or("run"),
                    (Root::Global, ["WebAssembly" | "WXWebAssembly", "instantiate" | "compile"]) => chain[0],
                    _ => continue,
                };
                // `Function("return this")()` and `(1, eval)("this")` find the global object and run nothing.
                if matches!(what, "Function" | "eval") && constant.is_some_and(finds_global) {
                    continue;
                }
                if matches!(what, "Function" | "constructor") && site.args.is_empty() {
                    continue;
                }
                let place = Place { file, span: site.span };
                let remote = cx.solution.calls.iter().any(|call| {
                    call.place == place
                        && call
                            .args
                            .iter()
                            .any(|arg| arg.origins.iter().any(|origin| matches!(origin, ValueOrigin::Remote(_))))
                });
                let finding = Finding::new(ID, place).text("call", what);
                let finding = if remote { finding.variant("remote") } else { finding };
                let live = cx.program.live_files.contains(&file);
                found.entry(place).or_insert(if live { finding } else { finding.confidence(Confidence::Medium) });
            }
        }
        // What other names of the same functions come to.
        for call in cx.solution.calls.iter().filter(|call| call.namespace.is_empty()) {
            if !is_own(cx, call.place.file) || !matches!(&*call.api, "eval" | "Function") || call.args.is_empty() {
                continue;
            }
            let last = call.args.last().and_then(|arg| arg.text());
            if last.is_some_and(finds_global) {
                continue;
            }
            let remote =
                call.args.iter().any(|arg| arg.origins.iter().any(|origin| matches!(origin, ValueOrigin::Remote(_))));
            let finding = Finding::new(ID, call.place).text("call", &*call.api);
            found.entry(call.place).or_insert(if remote { finding.variant("remote") } else { finding });
        }
        // One finding for a call and the call of what it returns.
        let mut last: Option<Place> = None;
        for (place, finding) in found {
            if last.is_some_and(|last| {
                last.file == place.file && (last.span.contains(place.span) || last.span.start == place.span.start)
            }) {
                continue;
            }
            last = Some(place);
            out.push(finding);
        }
    }
}

/// Whether a file is the package's own code.
fn is_own(cx: &Context<'_>, file: FileId) -> bool {
    let entry = &cx.package.files[file.index()];
    entry.origin == Origin::Own && cx.policy.privacy.sdk_by_file(&entry.source.path).is_none()
}

/// Whether a constant only finds or fills a name of the platform, as transpilers have it.
fn finds_global(text: &str) -> bool {
    let text = text.trim_end_matches([';', '(', ')']);
    matches!(text, "this" | "globalThis") || text.starts_with("return this") || text.starts_with("regeneratorRuntime")
}

fn interprets(cx: &Context<'_>, request: &str) -> bool {
    let name = request
        .rsplit('/')
        .next()
        .unwrap_or(request)
        .trim_end_matches(".js")
        .trim_end_matches(".min")
        .to_ascii_lowercase();
    // `libs/eval5/index` names it by its folder.
    let folder = request.rsplit('/').nth(1).unwrap_or("").to_ascii_lowercase();
    let main = matches!(&*name, "index" | "main" | "dist");
    let known = |known: &str| known == request || known == name || main && known == folder;
    cx.policy.privacy.security().interpreters.iter().any(|name| known(name))
}
