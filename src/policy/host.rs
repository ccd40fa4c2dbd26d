//! Hosts as data: namespaces, APIs, scopes, components, template dialect, configuration.
//!
//! Analyses never name an API: they ask for its [roles](Api::roles). See `docs/writing-rules.md` for the list.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;

/// A host.
#[derive(Debug, Default)]
pub struct Host {
    /// Its description and template dialect, from `host.toml`.
    pub info: HostInfo,
    /// APIs by name without the namespace (`getLocation`, `ai.ocrIdCard`, `SocketTask.send`).
    pub apis: HashMap<Arc<str>, Api>,
    /// Authorization scopes by name.
    pub scopes: HashMap<Arc<str>, Scope>,
    /// Components by tag name.
    pub components: HashMap<Arc<str>, Component>,
}

/// `host.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HostInfo {
    /// Id (`swan`).
    pub id: Arc<str>,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Global objects that carry the APIs (`swan`).
    pub namespaces: Vec<Arc<str>>,
    /// Extensions of templates without the dot.
    pub template_extensions: Vec<Arc<str>>,
    /// Extensions of style sheets.
    pub style_extensions: Vec<Arc<str>>,
    /// Extensions of view scripts, compound ones included (`filter.js`).
    pub view_script_extensions: Vec<Arc<str>>,
    /// Project files that show this host (`project.swan.json`), and the key that holds the package root.
    pub project_files: BTreeMap<Arc<str>, Arc<str>>,
    /// Prefix of control attributes (`s-`, `wx:`).
    pub directive_prefix: Arc<str>,
    /// Tags whose body is an inline view script (`filter`, `import-sjs`, `wxs`).
    pub raw_tags: Vec<Arc<str>>,
    /// Whether the host has a privacy gate of its own (`__usePrivacyCheck__`).
    pub privacy_gate: bool,
    /// Limits in bytes: `main`, `subpackage`, `total`, `tab-icon`; counts: `tabs-min`, `tabs-max`.
    pub limits: BTreeMap<Arc<str>, u64>,
    /// Events whose handlers a user's own action calls (`tap`, `submit`, …).
    pub user_events: Vec<Arc<str>>,
    /// Lifecycle methods of the app that run at launch or show.
    pub app_load: Vec<Arc<str>>,
    /// Lifecycle methods of pages that run on launch or load.
    pub page_load: Vec<Arc<str>>,
    /// Other page methods that the host calls; `true` when a user's action is behind it (pull down, share).
    pub page_events: BTreeMap<Arc<str>, bool>,
    /// Lifecycle methods of components that run on load.
    pub component_load: Vec<Arc<str>>,
    /// Other lifecycle methods of components.
    pub component_events: Vec<Arc<str>>,
    /// Host apps that run the packages of this host, and what they lack.
    pub target_hosts: BTreeMap<Arc<str>, TargetHost>,
}

/// A host app (`baidu-app`) that runs packages of a host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TargetHost {
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// APIs it lacks.
    pub lacks_apis: Vec<Arc<str>>,
    /// Components it lacks.
    pub lacks_components: Vec<Arc<str>>,
    /// What it adds: text shown by `host/host-rule`, by a key that the rule knows.
    pub rules: BTreeMap<Arc<str>, String>,
}

/// An API, or a method of an object that an API returns (`RecorderManager.start`).
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Api {
    /// Name without the namespace.
    pub name: Arc<str>,
    /// What it does, in the words of [`roles`].
    pub roles: Vec<Arc<str>>,
    /// Base-library version that brought it.
    pub since: Option<Arc<str>>,
    /// When and why it went.
    pub deprecated: Option<Deprecation>,
    /// Authorization scope that guards it.
    pub scope: Option<Arc<str>>,
    /// Whether the host asks the user by itself before it answers.
    pub prompt: bool,
    /// Type of the object it returns (`RecorderManager`), whose methods are APIs of that name.
    pub returns: Option<Arc<str>>,
    /// Personal information in its answer: path in the result (`userInfo.nickName`, `""` for the whole, `*` for items)
    /// to kinds of the taxonomy. The same for the success callback, the promise, the synchronous return and, for an
    /// event (`role = "event"`), the callback's argument.
    pub yields: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// Where its parameters stand: a known parameter name to an argument path; the first part is the position
    /// (`"0.url"`, `"1"`).
    pub params: BTreeMap<Arc<str>, Arc<str>>,
    /// Kind of sink (`network`, `storage`, `file`, `log`, `url`, `share`, `program`, `clipboard`, `third-party`), and
    /// which of `params` carry data.
    pub sink: Option<ApiSink>,
    /// Official name of what the user must be told, where a host lists it.
    pub info_type: Option<String>,
    /// Whether it is callable by this host at all: `false` for entries that only tell of removal.
    #[serde(default = "yes")]
    pub available: bool,
    /// Result fields that are ciphertext of personal information, with the kinds inside.
    pub ciphertext: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

fn yes() -> bool {
    true
}

/// Where an API sends its arguments.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ApiSink {
    /// Kind of sink.
    pub kind: Arc<str>,
    /// Names in `params` whose values leave.
    pub data: Vec<Arc<str>>,
}

/// When an API went away and what to use.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Deprecation {
    /// Date or version.
    pub since: Option<String>,
    /// What replaces it.
    pub replacement: Option<String>,
    /// Whether calls fail or return empty data now.
    pub removed: bool,
}

/// An authorization scope.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scope {
    /// Name (`scope.userLocation`).
    pub name: Arc<str>,
    /// What it opens, in Chinese.
    pub title_zh: String,
    /// What it opens, in English.
    pub title_en: String,
    /// APIs behind it.
    pub apis: Vec<Arc<str>>,
}

/// A component.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Component {
    /// Tag name.
    pub name: Arc<str>,
    /// What it is, in the words of [`roles`] (`input`, `button`, `form`, `camera`, `web-view`, `ad`, `live-player`, …).
    pub roles: Vec<Arc<str>>,
    /// Base-library version that brought it.
    pub since: Option<Arc<str>>,
    /// When and why it went.
    pub deprecated: Option<Deprecation>,
    /// Authorization scope that guards it.
    pub scope: Option<Arc<str>>,
    /// Events with personal information in their detail: event name to path to kinds.
    pub yields: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<Arc<str>>>>,
    /// For `button`: values of `open-type`.
    pub open_types: BTreeMap<Arc<str>, OpenType>,
    /// Attributes whose texts users see, beyond the common ones.
    pub text_attributes: Vec<Arc<str>>,
    /// Attributes that hold addresses of pictures, pages or files.
    pub url_attributes: Vec<Arc<str>>,
    /// Attributes that are boolean.
    pub boolean_attributes: Vec<Arc<str>>,
}

/// A host button.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OpenType {
    /// Event that answers (`getphonenumber`).
    pub event: Option<Arc<str>>,
    /// Personal information in its detail: path to kinds.
    pub yields: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// Ciphertext in its detail: path to kinds.
    pub ciphertext: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// What it does (`share`, `contact`, `authorize`, `privacy-agreement`, `open-settings`, `login`, …).
    pub roles: Vec<Arc<str>>,
    /// Scope it asks for.
    pub scope: Option<Arc<str>>,
    /// Base-library version that brought it.
    pub since: Option<Arc<str>>,
    /// When and why it went.
    pub deprecated: Option<Deprecation>,
}

/// The vocabulary of roles. A pack that uses another word does not load.
pub mod roles {
    /// Roles of APIs, with the parameters that each has.
    pub const API: &[(&str, &[&str])] = &[
        ("source", &[]),
        ("event", &["callback"]),
        ("identifier", &[]),
        ("location", &[]),
        ("media-pick", &[]),
        ("scan", &[]),
        ("ocr", &[]),
        ("face", &[]),
        ("clipboard-read", &[]),
        ("clipboard-write", &["data"]),
        ("contact-write", &[]),
        ("calendar", &[]),
        ("record-start", &[]),
        ("camera-start", &[]),
        ("request", &["url", "data", "header", "method"]),
        ("upload", &["url", "file", "data", "header"]),
        ("download", &["url"]),
        ("socket-connect", &["url"]),
        ("socket-send", &["data"]),
        ("cloud-function", &["name", "data"]),
        ("cloud-write", &["data"]),
        ("cloud-read", &[]),
        ("cloud-upload", &["file"]),
        ("storage-set", &["key", "data"]),
        ("storage-get", &["key"]),
        ("storage-remove", &["key"]),
        ("storage-clear", &[]),
        ("file-write", &["path", "data"]),
        ("file-save", &["path"]),
        ("file-read", &["path"]),
        ("file-manager", &[]),
        ("navigate", &["url"]),
        ("navigate-tab", &["url"]),
        ("navigate-replace", &["url"]),
        ("navigate-back", &[]),
        ("program-open", &["app-id", "path", "data"]),
        ("program-back", &["data"]),
        ("app-open", &["url"]),
        ("app-download", &["url"]),
        ("dialog", &["title", "content", "show-cancel", "confirm-text", "cancel-text"]),
        ("toast", &["title"]),
        ("action-sheet", &["items"]),
        ("title", &["title"]),
        ("authorize", &["scope"]),
        ("settings-read", &[]),
        ("settings-open", &[]),
        ("privacy-check", &[]),
        ("privacy-authorize", &[]),
        ("login", &[]),
        ("login-state", &[]),
        ("payment", &["data"]),
        ("share", &["title", "path", "image"]),
        ("share-menu", &[]),
        ("favorite", &[]),
        ("follow", &[]),
        ("subscribe", &[]),
        ("service-chat", &[]),
        ("phone-call", &["number"]),
        ("system-info", &[]),
        ("launch-options", &[]),
        ("version-info", &[]),
        ("network-type", &[]),
        ("capability-check", &["name"]),
        ("debug-switch", &["on"]),
        ("exit", &[]),
        ("update-manager", &[]),
        ("log", &["data"]),
        ("analytics", &["data"]),
        ("text-moderation", &["data"]),
        ("image-moderation", &["file"]),
        ("page-info", &["title", "keywords", "description", "image"]),
        ("url-query", &["data"]),
        ("audio-play", &[]),
        ("video-play", &[]),
        ("live-play", &[]),
        ("live-push", &[]),
        ("ad", &[]),
        ("community-editor", &[]),
        ("background-audio", &[]),
        ("selector-query", &[]),
        ("save-album", &["file"]),
        ("ui", &[]),
        ("load-subpackage", &[]),
        ("encrypt", &["data", "key"]),
        ("map", &[]),
        ("sensor", &[]),
        ("intercept", &[]),
        ("display", &["data"]),
    ];

    /// Roles of components and of host buttons.
    pub const COMPONENT: &[&str] = &[
        "container",
        "text",
        "input",
        "textarea",
        "picker",
        "checkbox",
        "switch",
        "radio",
        "slider",
        "form",
        "button",
        "label",
        "navigator",
        "image",
        "video",
        "audio",
        "live-player",
        "live-pusher",
        "camera",
        "map",
        "canvas",
        "web-view",
        "ad",
        "open-data",
        "rich-text",
        "follow",
        "comment",
        "share",
        "contact",
        "authorize",
        "privacy-agreement",
        "open-settings",
        "login",
        "subscribe",
        "favorite",
        "phone-number",
        "user-info",
        "address",
        "avatar",
        "nickname",
        "invoice",
        "app-open",
        "feedback",
        "game",
        "view-script",
        "include",
        "import",
        "template",
        "block",
        "slot",
        "scroll",
        "swiper",
        "overlay",
        "icon",
        "progress",
        "editor",
        "page-meta",
        "location",
        "choose-contact",
        "real-name",
    ];
}
