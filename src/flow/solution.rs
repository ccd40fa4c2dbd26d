//! What the analysis found: the only thing that rules read of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::source::{FileId, Span};

/// A place in the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Where in it.
    pub span: Span,
}

/// Key of a note in `rules/notes.toml`.
pub type Note = &'static str;

/// What is known on a path: many records share one.
pub type FactSet = Arc<BTreeSet<Fact>>;

/// Kind of personal information, by its id in the taxonomy.
pub type Kind = Arc<str>;

/// Everything found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Solution {
    /// Every host API call that can run, once a place, API and entry point; in order of place.
    pub calls: Vec<HostCall>,
    /// Every collection of personal information, once a place.
    pub collections: Vec<Collection>,
    /// Every flow from a source to a sink, once a sink call and source.
    pub flows: Vec<Flow>,
    /// Reads that may matter for conduct: platform, date, version, remote switch, referrer, in branches.
    pub branches: Vec<Branch>,
    /// Data that handlers of a host's answer set, in order of place.
    pub updates: Vec<Update>,
    /// Handlers of the answer that a share method gives along (`success`).
    pub share_results: BTreeSet<Place>,
    /// What could not be followed.
    pub blind_spots: Vec<BlindSpot>,
    /// Functions that run, for reachability: (file, function index).
    pub reached: BTreeSet<(FileId, u32)>,
    /// Strings that reach the screen: through `setData`, toasts, dialogs, titles, with their literal places.
    pub shown: Vec<Place>,
    /// Strings that reach the screen and are joined only while the program runs: where their first literal stands, and the text
    /// with a [`HOLE`](crate::text::HOLE) for each part that is not known.
    pub joined: Vec<(Place, String)>,
    /// What each page navigates to.
    pub navigations: Vec<Navigation>,
    /// Whether a step or time budget ended an entry point early.
    pub exhausted: bool,
    /// Whether an entry point was not looked into, or hardly, because the steps of the package were used up.
    pub unseen: bool,
    /// Made when first asked for, see [`Solution::calls_at`].
    #[serde(skip)]
    pub lookup: OnceLock<Lookup>,
}

/// Where things stand in the lists of a [`Solution`].
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    calls_at: HashMap<Place, Vec<usize>>,
    calls_of: HashMap<Arc<str>, Vec<usize>>,
    calls_after: HashMap<Place, Vec<usize>>,
    flows_of: Vec<Vec<usize>>,
}

impl Solution {
    fn lookup(&self) -> &Lookup {
        self.lookup.get_or_init(|| {
            let mut out = Lookup { flows_of: vec![Vec::new(); self.collections.len()], ..Lookup::default() };
            for (index, call) in self.calls.iter().enumerate() {
                out.calls_at.entry(call.place).or_default().push(index);
                for fact in call.facts.iter() {
                    let Some(place) = fact.answered() else { continue };
                    let list = out.calls_after.entry(place).or_default();
                    if list.last() != Some(&index) {
                        list.push(index);
                    }
                }
                match out.calls_of.get_mut(&call.api) {
                    Some(list) => list.push(index),
                    None => {
                        out.calls_of.insert(call.api.clone(), vec![index]);
                    }
                }
            }
            for (index, flow) in self.flows.iter().enumerate() {
                if let Some(list) = out.flows_of.get_mut(flow.collection) {
                    list.push(index);
                }
            }
            out
        })
    }

    /// The host API calls at a place.
    pub fn calls_at(&self, place: Place) -> impl Iterator<Item = &HostCall> {
        self.lookup().calls_at.get(&place).into_iter().flatten().map(|&index| &self.calls[index])
    }

    /// The host API calls that run after the call at a place has been answered, whatever the answer.
    pub fn calls_after(&self, place: Place) -> impl Iterator<Item = &HostCall> {
        self.lookup().calls_after.get(&place).into_iter().flatten().map(|&index| &self.calls[index])
    }

    /// The host API calls in a file.
    pub fn calls_in(&self, file: FileId) -> &[HostCall] {
        let start = self.calls.partition_point(|call| call.place.file < file);
        let count = self.calls[start..].partition_point(|call| call.place.file == file);
        &self.calls[start..start + count]
    }

    /// The calls of those host APIs that `wanted` picks by name, in their order.
    pub fn calls_of(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &HostCall> {
        let lists = self.lookup().calls_of.iter().filter(|(api, _)| wanted(api));
        let mut indices: Vec<usize> = lists.flat_map(|(_, list)| list.iter().copied()).collect();
        indices.sort_unstable();
        indices.into_iter().map(|index| &self.calls[index])
    }

    /// The flows of the collection at an index.
    pub fn flows_of(&self, collection: usize) -> impl Iterator<Item = &Flow> {
        self.lookup().flows_of.get(collection).into_iter().flatten().map(|&index| &self.flows[index])
    }

    /// The index of a collection of this solution.
    pub fn index_of(&self, collection: &Collection) -> Option<usize> {
        let key = (collection.place, &collection.source);
        let found = self.collections.binary_search_by(|known| (known.place, &known.source).cmp(&key));
        // The order is that of an analysis; a solution that was put together otherwise may have none.
        found.ok().or_else(|| self.collections.iter().position(|known| (known.place, &known.source) == key))
    }
}

/// Who makes a call: the entry point at the bottom of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// What kind.
    pub kind: EntryKind,
    /// Page or component route; empty for the app.
    pub route: Arc<str>,
    /// Method name.
    pub method: Arc<str>,
    /// The method.
    pub place: Place,
    /// The element whose event calls it, if any: (template file, node).
    pub element: Option<(FileId, u32)>,
}

/// Kinds of entry points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntryKind {
    /// Top-level code of a script.
    TopLevel,
    /// Launch or load: app, page or component.
    Load,
    /// Another method that the host calls by itself.
    Host,
    /// A method that a user's action calls.
    User,
    /// A method bound to an event that is no user action (`load`, `error`, `scroll`).
    Event,
}

/// What is known on the path to a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fact {
    /// A dialog was confirmed: the dialog call.
    DialogConfirmed(Place),
    /// A dialog was refused.
    DialogRefused(Place),
    /// An authorization was granted: the scope; by a call or found in the settings.
    Authorized(Arc<str>),
    /// An authorization was refused, or the guarded call failed.
    Refused(Arc<str>),
    /// The user acted on an element: (template, node).
    Acted(FileId, u32),
    /// A box of that element is ticked.
    Ticked(FileId, u32),
    /// The host's privacy gate was agreed to.
    PrivacyAgreed,
    /// The user agreed to terms on personal information, by a dialog, a box or a control; stands beside the fact that says by which,
    /// and is what is left where several ways of agreeing meet.
    Agreed,
    /// A page was passed on the way here (navigation, or tapped there).
    Passed(Arc<str>),
    /// A host answered with success: the call.
    Succeeded(Place),
    /// A host answered with failure: the call.
    Failed(Place),
    /// A dialog was closed, whatever the answer: the call.
    Closed(Place),
    /// A branch on a value of this origin: what it was compared with, and whether the comparison held.
    Tested {
        /// What the value is.
        origin: Origin,
        /// Constant it was compared with, if any.
        with: Option<Arc<str>>,
        /// Whether it held.
        held: bool,
        /// Where the value was read.
        place: Place,
    },
}

impl Fact {
    /// The call whose answer it tells.
    pub fn answered(&self) -> Option<Place> {
        match self {
            Self::DialogConfirmed(place)
            | Self::DialogRefused(place)
            | Self::Succeeded(place)
            | Self::Failed(place)
            | Self::Closed(place) => Some(*place),
            _ => None,
        }
    }

    /// Whether the user may have agreed to something by it.
    pub(super) fn may_agree(&self) -> bool {
        matches!(
            self,
            Self::DialogConfirmed(_)
                | Self::Authorized(_)
                | Self::Acted(..)
                | Self::Ticked(..)
                | Self::PrivacyAgreed
                | Self::Agreed
        )
    }
}

/// Where a value that steers a branch, or reaches a sensitive place, comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// System information: field (`platform`, `system`, `version`, `brand`, …).
    System(Arc<str>),
    /// The clock.
    Date,
    /// A random number.
    Random,
    /// A server's answer: the field path.
    Remote(Arc<str>),
    /// A server's answer taken whole: the number of the request.
    Answer(u32),
    /// Page query: the key.
    Query(Arc<str>),
    /// Launch options: path (`scene`, `referrerInfo.appId`, `referrerInfo.extraData`).
    Launch(Arc<str>),
    /// A scan result.
    Scan,
    /// The clipboard.
    Clipboard,
    /// Storage: the key.
    Storage(Arc<str>),
    /// The user's input.
    Input,
    /// A location.
    Location,
    /// Whether a share succeeded, or its answer: the call or handler.
    Share(Place),
    /// Network type.
    Network,
    /// Environment, version or identity of the program: field of the answer (`miniProgram.envVersion`).
    Environment(Arc<str>),
}

impl Origin {
    /// The field that it is of the answer that it is a part of.
    fn path(&self) -> Option<&str> {
        match self {
            Self::System(path)
            | Self::Remote(path)
            | Self::Launch(path)
            | Self::Query(path)
            | Self::Environment(path) => Some(path),
            _ => None,
        }
    }

    /// Whether another is a field of this.
    pub(super) fn holds(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.path().zip(other.path()).is_some_and(|(whole, part)| {
                part.strip_prefix(whole)
                    .is_some_and(|rest| !rest.is_empty() && (whole.is_empty() || rest.starts_with('.')))
            })
    }
}

/// How far the user was told and asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Consent {
    /// Neither.
    None,
    /// Only the host asked.
    HostPrompt,
    /// Told, but not asked to agree.
    NoticeOnly,
    /// Told and agreed.
    NoticeAndConsent,
}

/// A step of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// What happens there: key of a note in `rules/notes.toml`.
    #[serde(deserialize_with = "super::kept::note")]
    pub note: Note,
    /// What fills the note's `{name}`.
    pub name: Arc<str>,
}

/// A call of a host API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostCall {
    /// Name in the host's table, or as written when the table lacks it; without the namespace.
    pub api: Arc<str>,
    /// Namespace as resolved (`swan`, `wx`).
    pub namespace: Arc<str>,
    /// The call.
    pub place: Place,
    /// Entry point of this execution.
    pub entry: Entry,
    /// What is known on the path here.
    #[serde(with = "super::kept::fact_set")]
    pub facts: FactSet,
    /// Call path from the entry to here.
    pub path: Vec<Step>,
    /// Argument values, positional.
    pub args: Vec<ArgValue>,
    /// Whether a failure branch is given (`fail`, `catch`, `complete`, rejection awaited in `try`).
    pub handles_failure: bool,
    /// Whether all that its failure does is to reject a promise that the package makes of it.
    pub rejects: bool,
    /// Whether anything uses the answer.
    pub result_used: bool,
    /// Whether the call stands in a vendored or npm file, and the own call that led there.
    pub through: Option<Place>,
}

impl HostCall {
    /// Value at an argument path such as `0.url`.
    pub fn arg(&self, path: &str) -> Option<&ArgValue> {
        let mut parts = path.split('.');
        let mut value = self.args.get(parts.next()?.parse::<usize>().ok()?)?;
        for part in parts {
            value = value.field(part)?;
        }
        Some(value)
    }
}

/// What is known of an argument.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ArgValue {
    /// Where it stands.
    pub place: Option<Place>,
    /// Strings it can be; holes for unknown parts.
    pub strings: Vec<Text>,
    /// A boolean it is, when it is one.
    pub boolean: Option<bool>,
    /// Personal information in it or its fields.
    pub kinds: BTreeSet<Kind>,
    /// Where it comes from.
    pub origins: BTreeSet<Origin>,
    /// Fields of objects and items of arrays (`*` for any item).
    pub fields: Vec<(Arc<str>, ArgValue)>,
    /// Whether it is or may be a function.
    pub callable: bool,
    /// Whether it has parts that are not known.
    pub unknown: bool,
}

impl ArgValue {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&ArgValue> {
        self.fields.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// The string when there is exactly one without holes.
    pub fn text(&self) -> Option<&str> {
        match self.strings.as_slice() {
            [one] => one.complete(),
            _ => None,
        }
    }
}

/// A string with holes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Text {
    /// Literal pieces; a hole stands between any two.
    pub pieces: Vec<Arc<str>>,
    /// Where the first literal piece stands.
    pub place: Option<Place>,
}

impl Text {
    /// The whole string when it has no hole.
    pub fn complete(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The literal head, up to the first hole.
    pub fn head(&self) -> &str {
        self.pieces.first().map_or("", |piece| piece)
    }
}

/// A collection of personal information.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Collection {
    /// The source call or element.
    pub place: Place,
    /// API name, or tag with its open type or input type.
    pub source: Arc<str>,
    /// Whether it is an element (input, host button) and not a call.
    pub element: Option<(FileId, u32)>,
    /// Kinds it yields.
    pub kinds: BTreeSet<Kind>,
    /// How sure the kinds are: 0 to 100.
    pub certainty: u8,
    /// Whether the host asks by itself.
    pub host_prompt: bool,
    /// Scope that guards it.
    pub scope: Option<Arc<str>>,
    /// Every way here.
    pub reaches: Vec<Reach>,
    /// Whether any answer field is read, shown, kept or sent.
    pub used: bool,
    /// Kinds in the fields that are; none of them where it is only handed on as a whole.
    pub read: BTreeSet<Kind>,
    /// The label, placeholder or name that gave an input its kind.
    pub evidence: Option<Place>,
    /// Whether a server answers it, by the name of the field: it is kept and passed on, but not asked for here.
    pub answered: bool,
}

impl Collection {
    /// The weakest consent over all ways here.
    pub fn consent(&self) -> Consent {
        self.reaches.iter().map(|reach| reach.consent).min().unwrap_or(Consent::None)
    }

    /// The way with the weakest consent.
    pub fn weakest(&self) -> Option<&Reach> {
        self.reaches.iter().min_by_key(|reach| reach.consent)
    }
}

/// One way to a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reach {
    /// Entry point.
    pub entry: Entry,
    /// What is known there.
    #[serde(with = "super::kept::fact_set")]
    pub facts: FactSet,
    /// How far the user was told and asked.
    pub consent: Consent,
    /// The path from the entry to the call.
    pub path: Vec<Step>,
}

/// What protects a value on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protection {
    /// A standard cipher or envelope: name.
    Strong(Arc<str>),
    /// A weak cipher, mode or hash, or a key in the source: name and the protecting call.
    Weak(Arc<str>, Place),
    /// Masked: too little left to identify.
    Masked,
    /// An irreversible hash with a salt, or of something that cannot be enumerated.
    Hashed(Arc<str>),
    /// Only an encoding: no protection.
    Encoded(Arc<str>),
    /// Ciphertext made by the host.
    HostCiphertext,
}

/// Kinds of sinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SinkKind {
    /// Request, upload, socket, cloud function.
    Network,
    /// Local storage.
    Storage,
    /// A file.
    File,
    /// A cloud collection.
    Cloud,
    /// A console or log call.
    Log,
    /// Page paths, web-view addresses, file names.
    Url,
    /// Share title, path, picture.
    Share,
    /// Another mini-program or app.
    Program,
    /// The clipboard.
    Clipboard,
    /// A third-party SDK's call.
    ThirdParty,
    /// Shown to other users.
    Display,
}

impl SinkKind {
    /// The word of the JSON contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Storage => "storage",
            Self::File => "file",
            Self::Cloud => "storage",
            Self::Log => "log",
            Self::Url => "url",
            Self::Share => "share",
            Self::Program => "program",
            Self::Clipboard => "clipboard",
            Self::ThirdParty => "third-party",
            Self::Display => "share",
        }
    }
}

/// A flow of personal information.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow {
    /// Index in [`Solution::collections`].
    pub collection: usize,
    /// Kinds that arrive.
    pub kinds: BTreeSet<Kind>,
    /// Kind of sink.
    pub sink: SinkKind,
    /// API or element of the sink.
    pub api: Arc<str>,
    /// The sink call or attribute.
    pub place: Place,
    /// Which parameter (`data`, `url`, …) the value arrives in.
    pub param: Arc<str>,
    /// Addresses it can go to, for network, web-view and third-party sinks.
    pub urls: Arc<Vec<Text>>,
    /// Third-party SDK or service, by its id in the table, when it is one.
    pub third_party: Option<Arc<str>>,
    /// Protections on the way, first to last.
    pub protections: Vec<Protection>,
    /// Steps from the source to the sink.
    pub hops: Vec<Step>,
    /// What is known at the sink.
    #[serde(with = "super::kept::fact_set")]
    pub facts: FactSet,
    /// Entry point of the sink's execution.
    pub entry: Entry,
    /// Consent at the sink's execution (the collection has its own).
    pub consent: Consent,
    /// Whether the value stands in a URL's text (query or path), not in a body.
    pub in_url: bool,
}

/// A branch on a value whose origin may matter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Branch {
    /// The condition.
    pub place: Place,
    /// Where the value was read.
    pub read: Place,
    /// What it is.
    pub origin: Origin,
    /// Constant it is compared with.
    pub with: Option<Arc<str>>,
    /// Entry point.
    pub entry: Entry,
    /// Host calls in the arms: indices in [`Solution::calls`], by the held arm and the other.
    pub then_calls: Vec<usize>,
    /// Those of the other arm.
    pub else_calls: Vec<usize>,
    /// Data keys that the arms set (`setData`), with literal values where known.
    pub sets: Vec<(Arc<str>, Option<Arc<str>>)>,
}

/// Data set after a host answered with success, or in a share method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Update {
    /// The call that sets it.
    pub place: Place,
    /// The key.
    pub key: Arc<str>,
    /// The host calls and share handlers that succeeded on the way here.
    pub after: Vec<Place>,
    /// Route of the page or component.
    pub route: Arc<str>,
    /// Method of the entry point.
    pub method: Arc<str>,
}

/// A navigation that can run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Navigation {
    /// The call, or the `navigator` element.
    pub place: Place,
    /// Role of the API (`navigate`, `navigate-tab`, `navigate-redirect`, `navigate-replace`), or the open type of the element.
    pub role: Arc<str>,
    /// Target, with holes; relative routes resolved to the package root when complete.
    pub target: Text,
    /// Route that holds it; empty when it is the app or unknown.
    pub from: Arc<str>,
}

/// Something that the analysis could not follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlindSpot {
    /// Where.
    pub place: Place,
    /// What: key of a note in `rules/notes.toml`.
    #[serde(deserialize_with = "super::kept::note")]
    pub note: Note,
    /// What fills the note.
    pub name: Arc<str>,
}
