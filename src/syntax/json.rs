//! JSON with spans; comments and trailing commas are read and told.

use std::sync::Arc;

use crate::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Json {
    /// The whole value.
    pub span: Span,
    /// The value.
    pub value: JsonValue,
}

/// A JSON value.
#[derive(Clone, Debug)]
pub enum JsonValue {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as written.
    Number(Arc<str>),
    /// A string, escapes decoded.
    String(Arc<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object, in source order; a key may stand twice.
    Object(Vec<JsonProperty>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct JsonProperty {
    /// The key, escapes decoded.
    pub key: Arc<str>,
    /// The key with its quotes.
    pub key_span: Span,
    /// The value.
    pub value: Json,
}

impl Json {
    /// The last property of that key, as runtimes read it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.property(key).map(|property| &property.value)
    }

    /// The last property of that key, with its key.
    pub fn property(&self, key: &str) -> Option<&JsonProperty> {
        self.properties().iter().rev().find(|property| &*property.key == key)
    }

    /// Properties of an object; empty for anything else.
    pub fn properties(&self) -> &[JsonProperty] {
        match &self.value {
            JsonValue::Object(properties) => properties,
            _ => &[],
        }
    }

    /// Items of an array; empty for anything else.
    pub fn items(&self) -> &[Json] {
        match &self.value {
            JsonValue::Array(items) => items,
            _ => &[],
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            JsonValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            JsonValue::Bool(value) => Some(value),
            _ => None,
        }
    }
}
