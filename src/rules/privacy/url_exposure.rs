//! `privacy/url-exposure`

use super::evidence::{Guard, guard, is_path, sinks};
use crate::flow::{Flow, SinkKind};
use crate::rules::{Context, Finding, Rule};

/// Personal information is put into the text of an address, a page path or a file name.
pub struct UrlExposure;

const ID: &str = "privacy/url-exposure";

impl Rule for UrlExposure {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for mut sink in sinks(cx, |flow| exposes(flow) && guard(flow) == Guard::Bare) {
            // A scanned address that is opened is put into none, nor is that of a picture.
            let whole =
                sink.flows.iter().all(|flow| flow.urls.iter().all(|url| url.pieces.iter().all(|p| p.is_empty())));
            // The path of a file that is shared or kept is none either.
            let of_file = matches!(sink.flows[0].sink, SinkKind::Share | SinkKind::File | SinkKind::Cloud);
            sink.kinds.retain(|kind| {
                &**kind != "scan-result" && !(whole && &**kind == "avatar") && !(of_file && is_path(kind))
            });
            if sink.kinds.is_empty() {
                continue;
            }
            let variant = match sink.flows[0].sink {
                SinkKind::Share => Some("share"),
                SinkKind::File => Some("file"),
                SinkKind::Network | SinkKind::ThirdParty => Some("request"),
                _ => None,
            };
            let finding = sink.finding(cx, ID);
            out.push(match variant {
                Some(variant) => finding.variant(variant),
                None => finding,
            });
        }
    }
}

/// Whether the value stands in an address's text.
pub fn exposes(flow: &Flow) -> bool {
    match flow.sink {
        SinkKind::Url => true,
        SinkKind::Share => flow.in_url || matches!(&*flow.param, "path" | "query"),
        SinkKind::File | SinkKind::Cloud => matches!(&*flow.param, "path" | "name"),
        SinkKind::Network | SinkKind::ThirdParty => flow.in_url,
        _ => false,
    }
}
