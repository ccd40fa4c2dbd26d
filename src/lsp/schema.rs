//! The JSON schema of `minivet.toml`.

use serde_json::{Map, Value, json};

use crate::policy::Policy;

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words, "description": description })
}

fn list(description: &str, items: Value) -> Value {
    json!({ "type": "array", "items": items, "description": description })
}

/// The schema, with the rules, hosts and categories of the packs.
pub fn schema(policy: &Policy) -> Value {
    let hosts = policy.host_ids();
    let table = policy.category_table();
    let categories: Vec<&str> = table.list.iter().map(|category| &*category.name).collect();
    let mut qualifications: Vec<&str> =
        table.list.iter().flat_map(|category| category.qualifications.iter().flatten()).map(|name| &**name).collect();
    qualifications.sort_unstable();
    qualifications.dedup();
    let mut targets: Vec<&str> =
        policy.hosts.infos().flat_map(|info| info.target_hosts.keys()).map(|name| &**name).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut rules = Map::new();
    for id in policy.catalogue.ids() {
        let Some(entry) = policy.entry(id) else { continue };
        let mut properties = Map::new();
        properties.insert(
            "severity".to_owned(),
            words("严重程度；off 关闭此规则 / severity; off turns the rule off", &["error", "warning", "note", "off"]),
        );
        for (name, option) in &entry.options {
            let kind = match &option.default {
                toml::Value::Integer(_) => "integer",
                toml::Value::Float(_) => "number",
                toml::Value::Boolean(_) => "boolean",
                toml::Value::Array(_) => "array",
                _ => "string",
            };
            let about = format!("{} / {}", option.about_zh, option.about_en);
            properties.insert(name.clone(), json!({ "type": kind, "default": option.default, "description": about }));
        }
        rules.insert(
            id.to_string(),
            json!({
                "type": "object",
                "description": format!("{} / {}", entry.title.zh, entry.title.en),
                "additionalProperties": false,
                "properties": properties,
            }),
        );
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "minivet.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "package": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "host": words("宿主；不写则自动识别 / the host; detected when left out", &hosts),
                    "categories": list(
                        "向平台申报的服务类目 / service categories declared to the platform",
                        json!({ "type": "string", "enum": categories }),
                    ),
                    "qualifications": list(
                        "已提交的资质 / licences handed in",
                        json!({ "type": "string", "examples": qualifications }),
                    ),
                    "name": text("小程序名称 / name of the program"),
                    "description": text("小程序简介 / its description"),
                    "icon": text("图标路径，相对于本文件 / path of the icon, relative to this file"),
                    "privacy-policy": text("隐私政策所在的页面或文件 / page or file with the privacy policy"),
                    "first-party": list(
                        "自有服务器；*.example.com 含所有子域 / own servers; *.example.com covers all below it",
                        json!({ "type": "string" }),
                    ),
                    "target-hosts": list(
                        "面向的宿主应用 / host apps that the package is meant for",
                        json!({ "type": "string", "enum": targets }),
                    ),
                    "company": text("运营主体的名称 / legal name of the operator"),
                    "min-version": text("申报的最低基础库版本 / minimum base-library version declared"),
                },
            },
            "check": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "baseline": text("已知问题的清单，相对于本文件 / known findings, relative to this file"),
                    "lexicons": list(
                        "自有词表（文本、CSV、JSON），位于本文件目录之内；其中的词是弱词 / own lists of terms (text, CSV, JSON) at or below this file's folder; their terms are weak",
                        json!({ "type": "string" }),
                    ),
                    "vetted-lexicons": list(
                        "经过核对的自有词表，其中的词单独即可触发 / own lists that were audited; their terms count alone",
                        json!({ "type": "string" }),
                    ),
                    "exclude": list("不检查的路径 / paths that are left out", json!({ "type": "string" })),
                    "profile": words("结论给谁看 / who reads the verdict", &["developer", "gate", "editor"]),
                    "fail-on": words(
                        "达到此严重程度时退出码为 1 / severity from which the exit code is 1",
                        &["error", "warning", "note", "never"],
                    ),
                    "min-confidence": words("低于此可信度的不显示 / findings below it are dropped", &["low", "medium", "high"]),
                },
            },
            "rules": {
                "type": "object",
                "description": "各规则的设置 / settings of rules",
                "additionalProperties": false,
                "properties": rules,
            },
        },
    })
}
