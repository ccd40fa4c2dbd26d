//! `security/client-side-secret-exchange`

use std::collections::BTreeMap;

use crate::flow::Place;
use crate::model::ir::Script;
use crate::model::sites;
use crate::package::Origin;
use crate::policy::privacy::CipherClass;
use crate::rules::privacy::evidence::{api, param_text};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

/// The package itself calls endpoints that need the app secret, or signs payments.
pub struct ClientSideSecretExchange;

const ID: &str = "security/client-side-secret-exchange";

impl Rule for ClientSideSecretExchange {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let words = cx.policy.privacy.security();
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for call in &cx.solution.calls {
            let Some(api) = api(cx, call) else { continue };
            if !["request", "upload", "download"].iter().any(|role| api.has_role(role)) {
                continue;
            }
            let url = param_text(call, api, "url");
            if let Some(endpoint) = words.server_endpoints.iter().find(|endpoint| goes_to(&url, endpoint)) {
                found.entry(call.place).or_insert_with(|| {
                    Finding::new(ID, call.place).text("endpoint", &**endpoint).steps(call.path.iter().cloned())
                });
            }
        }
        // Payment signing: a hash over parameters with the merchant key.
        for (index, facts) in cx.program.facts.iter().enumerate() {
            let file = FileId(index as u32);
            let Some(script) = &facts.script else { continue };
            if cx.package.files[index].origin != Origin::Own || !cx.program.live_files.contains(&file) {
                continue;
            }
            let text = &cx.package.source(file).text;
            if !["paySign", "pay_sign", "rsaSign", "nonceStr", "nonce_str", "prepay", "mch_id", "orderInfo", "&key="]
                .iter()
                .any(|word| text.contains(word))
            {
                continue;
            }
            for site in sites::call_sites(script) {
                let chain: Vec<&str> = site.chain.iter().map(|name| &**name).collect();
                let module = match &site.root {
                    sites::Root::Module(request) => Some(&**request),
                    _ => None,
                };
                let signs = cx
                    .policy
                    .privacy
                    .protection(&chain, module)
                    .is_some_and(|cipher| matches!(cipher.class, CipherClass::Hash | CipherClass::Mac));
                if !signs {
                    continue;
                }
                let function = script.functions.get(site.function as usize).map_or(site.span, |function| function.span);
                let around = if site.function == 0 { site.span.slice(text) } else { function.slice(text) };
                let around = &with_called(script, function, around, text);
                let pays = PAYS.iter().any(|word| around.contains(word));
                let keyed = [
                    "&key=",
                    "mchKey",
                    "mch_key",
                    "payKey",
                    "apiKey",
                    "api_key",
                    "merchantKey",
                    "partnerKey",
                    "appSecret",
                    "secret",
                ]
                .iter()
                .any(|word| around.contains(word));
                let name = script.functions.get(site.function as usize).and_then(|function| function.name.as_deref());
                if keyed && (pays || around.contains("&key=") && name.is_some_and(|name| pays_with(cx, file, name))) {
                    let place = Place { file, span: site.span };
                    found.entry(place).or_insert_with(|| {
                        Finding::new(ID, place)
                            .variant("signing")
                            .text("call", chain.join("."))
                            .confidence(Confidence::Medium)
                    });
                }
            }
        }
        out.extend(found.into_values());
    }
}

/// Names that orders and their signatures go by.
const PAYS: &[&str] = &["paySign", "pay_sign", "rsaSign", "prepay", "mch_id", "mchId", "out_trade_no", "signType"];

/// Whether another file that calls a function of that name pays.
fn pays_with(cx: &Context<'_>, file: FileId, name: &str) -> bool {
    cx.program.live_files.iter().filter(|other| **other != file).any(|other| {
        let entry = &cx.package.files[other.index()];
        let text = &entry.source.text;
        entry.origin == Origin::Own && calls_by_name(text, name) && PAYS.iter().any(|word| text.contains(word))
    })
}

/// Whether a text calls a function of that name.
fn calls_by_name(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'))
            && text[at + name.len()..].trim_start().starts_with('(')
    })
}

/// A function's text with that of the functions of the file that it calls by name: what is signed may be put together there.
fn with_called(script: &Script, function: Span, around: &str, text: &str) -> String {
    let mut out = around.to_owned();
    for other in &script.functions {
        let Some(name) = other.name.as_deref().filter(|name| name.len() > 1) else { continue };
        let inside = other.span.start >= function.start && other.span.end <= function.end;
        let holds = other.span.start <= function.start && other.span.end >= function.end;
        if calls_by_name(around, name) && !inside && !holds {
            out.push('\n');
            out.push_str(other.span.slice(text));
        }
    }
    out
}

/// Whether an address is of that endpoint: its host begins where the endpoint's does.
fn goes_to(url: &str, endpoint: &str) -> bool {
    url.find(endpoint).is_some_and(|at| !url[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '.')))
}
