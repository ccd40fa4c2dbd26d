//! The inventory of personal information.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::model::{InventoryItem, Report};
use super::terminal::Style;
use crate::policy::catalogue::Lang;

/// A consent level in words.
pub fn consent_word(consent: &str, lang: Lang) -> &str {
    let (zh, en) = match consent {
        "none" => ("未告知、未同意", "neither notice nor consent"),
        "host-prompt" => ("仅宿主弹窗", "host prompt only"),
        "notice-only" => ("已告知、未同意", "notice without consent"),
        "notice-and-consent" => ("已告知并同意", "notice and consent"),
        other => (other, other),
    };
    lang.pick(zh, en)
}

/// A kind of sink in words.
pub fn sink_word(kind: &str, lang: Lang) -> &str {
    let (zh, en) = match kind {
        "network" => ("网络", "network"),
        "storage" => ("存储", "storage"),
        "file" => ("文件", "file"),
        "log" => ("日志", "log"),
        "url" => ("地址", "address"),
        "share" => ("分享或展示", "share or display"),
        "program" => ("其他程序", "another program"),
        "clipboard" => ("剪贴板", "clipboard"),
        "third-party" => ("第三方", "third party"),
        other => (other, other),
    };
    lang.pick(zh, en)
}

fn cells(item: &InventoryItem, lang: Lang) -> [String; 9] {
    let sources: BTreeSet<String> = item
        .sources
        .iter()
        .map(|source| format!("{} ({}:{})", source.source, source.file, source.range.start.line))
        .collect();
    let pages: BTreeSet<&str> =
        item.sources.iter().map(|source| source.page.as_str()).filter(|page| !page.is_empty()).collect();
    let consent: BTreeSet<&str> = item.sources.iter().map(|source| consent_word(&source.consent, lang)).collect();
    let sinks: BTreeSet<String> = item
        .sinks
        .iter()
        .map(|sink| {
            let to = sink.host.as_deref().unwrap_or(&sink.api);
            format!(
                "{}{}{to} ({}:{})",
                sink_word(&sink.kind, lang),
                lang.pick("：", ": "),
                sink.file,
                sink.range.start.line
            )
        })
        .collect();
    let protection: BTreeSet<String> = item.sinks.iter().flat_map(|sink| sink.protection.iter().cloned()).collect();
    let none = lang.pick("无", "none").to_owned();
    let join = |items: Vec<String>| if items.is_empty() { none.clone() } else { items.join("<br>") };
    let name = if item.sensitive {
        format!("{}{}", item.name, lang.pick("（敏感）", " (sensitive)"))
    } else {
        item.name.clone()
    };
    [
        name,
        join(sources.into_iter().collect()),
        join(pages.into_iter().map(str::to_owned).collect()),
        join(item.purposes.clone()),
        join(consent.into_iter().map(str::to_owned).collect()),
        join(sinks.into_iter().collect()),
        match item.encrypted {
            None => "–".to_owned(),
            Some(all) => {
                let word = if all { lang.pick("是", "yes") } else { lang.pick("否", "no") };
                std::iter::once(word.to_owned()).chain(protection).collect::<Vec<_>>().join("<br>")
            }
        },
        join(item.third_parties.clone()),
        match item.in_policy {
            None => "–".to_owned(),
            Some(true) => lang.pick("已写明", "named").to_owned(),
            Some(false) => lang.pick("未写明", "not named").to_owned(),
        },
    ]
}

fn heads(lang: Lang) -> [&'static str; 9] {
    match lang {
        Lang::Zh => ["个人信息", "来源", "页面", "目的", "告知与同意", "去向", "加密", "第三方", "隐私政策"],
        Lang::En => [
            "personal information",
            "source",
            "page",
            "purpose",
            "notice and consent",
            "goes to",
            "encrypted",
            "third parties",
            "privacy policy",
        ],
    }
}

/// As Markdown.
pub fn markdown(report: &Report, style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    for package in &report.packages {
        let _ =
            writeln!(out, "# {}{}\n", lang.pick("个人信息清单：", "Inventory of personal information: "), package.root);
        if package.inventory.is_empty() {
            let _ = writeln!(
                out,
                "{}\n",
                lang.pick("没有发现个人信息的收集。", "No collection of personal information was found.")
            );
            continue;
        }
        let _ = writeln!(out, "| {} |\n|---|---|---|---|---|---|---|---|---|", heads(lang).join(" | "));
        for item in &package.inventory {
            let cells = cells(item, lang).map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out.push('\n');
    }
    out
}

/// As a small page of its own.
pub fn html(report: &Report, style: Style) -> String {
    let lang = style.lang;
    let escape = super::escape;
    let mut out = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>minivet</title><style>body{{font:15px/1.6 system-ui,sans-serif;margin:2rem;color-scheme:light dark}}table{{border-collapse:collapse;width:100%}}th,td{{border:1px solid #8886;padding:.4rem .6rem;text-align:left;vertical-align:top;word-break:break-word}}</style>\n",
        lang.pick("zh-CN", "en")
    );
    for package in &report.packages {
        let _ = writeln!(
            out,
            "<h1>{}{}</h1>",
            lang.pick("个人信息清单：", "Inventory of personal information: "),
            escape(&package.root)
        );
        let head: String = heads(lang).iter().map(|head| format!("<th>{head}</th>")).collect();
        let _ = writeln!(out, "<table><tr>{head}</tr>");
        for item in &package.inventory {
            let row: String = cells(item, lang)
                .iter()
                .map(|cell| format!("<td>{}</td>", escape(cell).replace("&lt;br&gt;", "<br>")))
                .collect();
            let _ = writeln!(out, "<tr>{row}</tr>");
        }
        out.push_str("</table>\n");
    }
    out
}
