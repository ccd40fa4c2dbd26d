//! Names of methods, lists and properties that say what becomes of a text.

/// Names of lists that a program filters by.
const FILTER_NAMES: [&str; 17] = [
    "sensitive",
    "badword",
    "bad_word",
    "blackword",
    "blacklist",
    "black_list",
    "forbid",
    "banned",
    "banword",
    "prohibit",
    "dirtyword",
    "illegalword",
    "filterword",
    "denyword",
    "blockword",
    "mingan",
    "weijin",
];

/// Methods of texts and lists that only compare with what they are given.
pub(super) const COMPARING: [&str; 12] = [
    "includes",
    "indexOf",
    "lastIndexOf",
    "startsWith",
    "endsWith",
    "split",
    "replace",
    "replaceAll",
    "match",
    "test",
    "has",
    "search",
];
/// Methods that tell of a list or text only whether something is in it.
pub(super) const SEARCHING: [&str; 6] = ["includes", "indexOf", "lastIndexOf", "some", "every", "has"];
/// Methods whose first argument is drawn as it is.
pub(super) const DRAWING: [&str; 2] = ["fillText", "strokeText"];

/// Whether what a method is given goes to statistics.
pub(super) fn is_telling(method: &str) -> bool {
    let rest = method.strip_prefix("report").or_else(|| method.strip_prefix("track"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Whether the first argument of a method is a name that programs know and users never read.
pub(super) fn is_naming(method: &str) -> bool {
    matches!(method, "triggerEvent" | "emit" | "$emit" | "on" | "$on" | "off" | "$off" | "once" | "getItem" | "setItem")
        || method.ends_with("StorageSync")
}

pub(super) fn is_log_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "console" || name == "log" || name.ends_with("logger")
}

/// Whether a property holds an address.
pub(super) fn is_address_name(name: &str) -> bool {
    matches!(name, "url" | "path" | "src" | "href")
}

pub(super) fn is_filter_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    FILTER_NAMES.iter().any(|part| name.contains(part))
}
