//! What the client sets: at the start, and whenever the user changes it.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::engine::Options;
use crate::policy::catalogue::Lang;

/// Settings under `minivet` in the client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// `zh` or `en`; else the client's locale.
    pub lang: Option<String>,
    /// A folder of rule packs that adds to the embedded ones.
    pub rules: Option<PathBuf>,
    /// This configuration, and not the nearest `minivet.toml`.
    pub config: Option<PathBuf>,
    /// The host; else it is detected.
    pub host: Option<String>,
    /// Declared service categories.
    pub categories: Vec<String>,
    /// Whether personal information is shown at sources and sinks.
    pub inlay_hints: bool,
    /// Where the rules' pages stand, as an address; else pages are written to the cache folder.
    pub pages: Option<String>,
}

impl Settings {
    /// Settings over these: what the value does not name stays. The value may stand under `minivet`.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn with(&self, value: &Value) -> Result<Self, String> {
        let value = value.get("minivet").unwrap_or(value);
        let Value::Object(new) = value else {
            return if value.is_null() { Ok(self.clone()) } else { Err("expected an object".to_owned()) };
        };
        let mut next = self.clone();
        for (key, value) in new {
            let given = value.as_str().filter(|text| !text.is_empty());
            let wrong = |wanted: &str| Err(format!("`{key}`: expected {wanted}, found {value}"));
            let text = match (value, given) {
                (Value::Null | Value::String(_), given) => Some(given),
                _ => None,
            };
            match (key.as_str(), text) {
                ("lang", Some(text)) => next.lang = text.map(str::to_owned),
                ("rules", Some(text)) => next.rules = text.map(PathBuf::from),
                ("config", Some(text)) => next.config = text.map(PathBuf::from),
                ("host", Some(text)) => next.host = text.map(str::to_owned),
                ("pages", Some(text)) => next.pages = text.map(str::to_owned),
                ("lang" | "rules" | "config" | "host" | "pages", None) => return wrong("a text"),
                ("categories", _) => match serde_json::from_value::<Option<Vec<String>>>(value.clone()) {
                    Ok(list) => next.categories = list.unwrap_or_default(),
                    Err(_) => return wrong("a list of texts"),
                },
                ("inlayHints", _) => match value.as_bool() {
                    Some(on) => next.inlay_hints = on,
                    None => return wrong("true or false"),
                },
                // Clients keep settings of their own beside ours.
                _ => {}
            }
        }
        Ok(next)
    }

    /// The language: as set, else by the locale, else Chinese.
    pub(super) fn language(&self, locale: Option<&str>) -> Lang {
        let word = self.lang.as_deref().filter(|lang| *lang != "auto").or(locale).unwrap_or("zh");
        if word.to_ascii_lowercase().starts_with("en") { Lang::En } else { Lang::Zh }
    }

    /// The engine's options.
    pub(super) fn options(&self) -> Options {
        Options {
            config: self.config.clone(),
            host: self.host.clone(),
            categories: self.categories.clone(),
            ..Options::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_add_up_and_mistakes_change_nothing() {
        let base = Settings { lang: Some("en".to_owned()), ..Settings::default() };
        let next = base.with(&json!({ "minivet": { "inlayHints": true, "host": "", "path": "x" } })).unwrap();
        assert_eq!(next, Settings { inlay_hints: true, ..base.clone() });
        assert!(base.with(&json!({ "categories": "电商" })).unwrap_err().contains("categories"));
        assert!(base.with(&json!([1])).is_err());
        assert_eq!(base.with(&Value::Null).unwrap(), base);
        assert_eq!(base.language(Some("zh-cn")), Lang::En);
        assert_eq!(Settings::default().language(Some("en-US")), Lang::En);
        assert_eq!(Settings::default().language(None), Lang::Zh);
    }
}
