//! What is known of personal information: kinds, how inputs and keys show them, what protects them, who receives them,
//! what consent looks like, what a literal or a secret looks like.

mod ciphers;
mod clients;
mod consent;
mod inputs;
mod literals;
mod necessary;
mod parties;
mod secrets;
mod security;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::packs::{PackError, Packs};

pub use ciphers::{Cipher, CipherClass};
pub use clients::{Argument, Client, Dialogs, Hook, Stores, package_of};
pub use consent::ConsentText;
pub use inputs::{Clue, InputClues};
pub use literals::LiteralHit;
pub use necessary::Necessary;
pub use parties::{Ask, Parties, Sdk, SdkUse, host_of, is_local, registrable};
pub use secrets::SecretHit;
pub use security::{DeviceWords, SecurityWords};

/// A kind of personal information.
#[derive(Clone, Debug, Default)]
pub struct KindInfo {
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Group of the taxonomy.
    pub group: Arc<str>,
    /// Whether it is on the agreement's list of sensitive information.
    pub sensitive: bool,
    /// Whether it is the core of that list.
    pub critical: bool,
    /// Whether a hash of it can be reversed by trying all values.
    pub enumerable: bool,
    /// Whether it is personal information by itself.
    pub personal: bool,
    /// Words by which a policy names it.
    pub policy: Vec<Arc<str>>,
}

impl KindInfo {
    /// Groups that tell who somebody is: what one is asked for, the others are asked for, too.
    const WHO: [&str; 5] = ["basic", "identity", "network", "special", "work"];

    /// Whether a purpose told for the other kind is one for this: the core of the sensitive list needs its own, but a password
    /// goes with its account.
    fn goes_with(&self, other: &Self) -> bool {
        let own = self.critical && &*self.group != "network";
        if self.group == other.group {
            return !own || other.critical;
        }
        !own && [self, other].iter().all(|info| Self::WHO.contains(&&*info.group))
    }
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxonomyFile {
    #[serde(default)]
    together: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    kinds: BTreeMap<Arc<str>, KindFile>,
    groups: BTreeMap<Arc<str>, super::catalogue::Wording>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KindFile {
    zh: String,
    en: String,
    group: Arc<str>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    critical: bool,
    #[serde(default)]
    enumerable: bool,
    #[serde(default = "yes")]
    personal: bool,
    #[serde(default)]
    policy: Vec<Arc<str>>,
}

/// The privacy packs.
#[derive(Debug, Default)]
pub struct Privacy {
    kinds: BTreeMap<Arc<str>, KindInfo>,
    groups: BTreeMap<Arc<str>, super::catalogue::Wording>,
    together: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    inputs: inputs::Vocabulary,
    ciphers: ciphers::Table,
    clients: clients::Table,
    parties: parties::Table,
    consent: consent::Words,
    necessary: necessary::Table,
    literals: literals::Table,
    secrets: secrets::Table,
    security: SecurityWords,
    location: LocationWords,
}

/// `location.toml`: texts of pages on what a location is used for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationWords {
    /// Functions that the norms rule out.
    pub functions: Vec<Arc<str>>,
    /// Texts by which others see where somebody is.
    pub shown: Vec<Arc<str>>,
}

impl Privacy {
    /// Reads `privacy/*.toml` and `security/secrets.toml`.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        // Beside each other; mistakes keep the order.
        let [mut inputs_errors, mut parties_errors] = [const { Vec::new() }; 2];
        let ((inputs, ciphers, clients, literals, security), (taxonomy, parties, consent, necessary, secrets)) =
            rayon::join(
                || {
                    let errors = &mut inputs_errors;
                    (
                        inputs::Vocabulary::load(packs, errors),
                        ciphers::Table::load(packs, errors),
                        clients::Table::load(packs, errors),
                        literals::Table::load(packs, errors),
                        SecurityWords::load(packs, errors),
                    )
                },
                || {
                    let errors = &mut parties_errors;
                    (
                        packs.parse::<TaxonomyFile>("privacy/taxonomy.toml", errors).unwrap_or_default(),
                        parties::Table::load(packs, errors),
                        consent::Words::load(packs, errors),
                        necessary::Table::load(packs, errors),
                        secrets::Table::load(packs, errors),
                    )
                },
            );
        let location: LocationWords = packs.parse("privacy/location.toml", errors).unwrap_or_default();
        errors.append(&mut inputs_errors);
        errors.append(&mut parties_errors);
        let kinds: BTreeMap<Arc<str>, KindInfo> = taxonomy
            .kinds
            .into_iter()
            .map(|(id, kind)| {
                let KindFile { zh, en, group, sensitive, critical, enumerable, personal, policy } = kind;
                (id, KindInfo { zh, en, group, sensitive, critical, enumerable, personal, policy })
            })
            .collect();
        let privacy = Self {
            groups: taxonomy.groups,
            together: taxonomy.together,
            inputs,
            ciphers,
            clients,
            parties,
            consent,
            necessary,
            literals,
            secrets,
            security,
            location,
            kinds,
        };
        for (file, kind) in privacy
            .inputs
            .kinds()
            .map(|kind| ("privacy/inputs.toml", kind))
            .chain(privacy.necessary.kinds().map(|kind| ("privacy/necessary.toml", kind)))
            .chain(privacy.literals.kinds().map(|kind| ("privacy/literals.toml", kind)))
        {
            if !privacy.kinds.contains_key(kind) {
                errors.push(PackError::new(file, 0..0, format!("`{kind}` is no kind of the taxonomy")));
            }
        }
        for (id, kind) in &privacy.kinds {
            if !privacy.groups.contains_key(&kind.group) {
                let message = format!("`{}` of `{id}` is no group", kind.group);
                errors.push(PackError::new("privacy/taxonomy.toml", 0..0, message));
            }
        }
        privacy
    }

    /// A kind by its id.
    pub fn kind(&self, id: &str) -> Option<&KindInfo> {
        self.kinds.get(id)
    }

    /// All kinds by id.
    pub fn kinds(&self) -> impl Iterator<Item = (&Arc<str>, &KindInfo)> {
        self.kinds.iter()
    }

    /// The names of a group.
    pub fn group(&self, id: &str) -> Option<&super::catalogue::Wording> {
        self.groups.get(id)
    }

    /// Whether it is personal information by itself; kinds that the taxonomy lacks are not.
    pub fn is_personal(&self, id: &str) -> bool {
        self.kind(id).is_some_and(|kind| kind.personal)
    }

    /// Whether it is on the agreement's list of sensitive information.
    pub fn is_sensitive(&self, id: &str) -> bool {
        self.kind(id).is_some_and(|kind| kind.sensitive)
    }

    /// Whether it is the core of that list.
    pub fn is_critical(&self, id: &str) -> bool {
        self.kind(id).is_some_and(|kind| kind.critical)
    }

    /// Whether it tells who somebody is.
    pub fn tells_who(&self, id: &str) -> bool {
        self.kind(id).is_some_and(|kind| kind.personal && KindInfo::WHO.contains(&&*kind.group))
    }

    /// Whether an unsalted hash of it can be reversed by trying all values.
    pub fn is_enumerable(&self, id: &str) -> bool {
        self.kind(id).is_some_and(|kind| kind.enumerable)
    }

    /// Whether the texts of an input say that it takes no personal information.
    pub fn input_is_other(&self, clues: &InputClues<'_>) -> bool {
        // A heading may stand over more than one field: a code is none of letters.
        let stands = |clue| !matches!(clue, Clue::Label(_)) || clues.input_type != Some("text");
        self.inputs.other(clues)
            || self.inputs.input(clues).is_some_and(|(kind, _, clue)| !self.is_personal(&kind) && stands(clue))
    }

    /// Whether a kind is one that nobody means to show to strangers.
    pub fn is_for_few(&self, kind: &str) -> bool {
        self.inputs.for_few(kind)
    }

    /// Whether a kind is one that people show to everybody, as a picture beside what they write.
    pub fn is_for_all(&self, kind: &str) -> bool {
        self.inputs.for_all(kind)
    }

    /// Whether a name is that of a person's record (`userInfo`, `member`).
    pub fn names_person_record(&self, name: &str) -> bool {
        self.inputs.record(name)
    }

    /// Whether a component, by its name, lets the user choose among what is there already, and takes nothing typed.
    pub fn is_choice(&self, component: &str) -> bool {
        self.inputs.choice(component)
    }

    /// Whether a component, by its name, lets the user choose pictures or files and hands them over with an event.
    pub fn hands_files(&self, component: &str, event: &str) -> bool {
        self.inputs.hands_files(component, event)
    }

    /// The kind that an input takes, how sure (50 to 100) and which clue says so; `None` when it takes none that counts
    /// (search boxes, one-time codes, free text, names of things) or when that cannot be told.
    pub fn input_kind(&self, clues: &InputClues<'_>) -> Option<(Arc<str>, u8, Clue)> {
        let (kind, certainty, clue) = self.inputs.input(clues)?;
        self.is_personal(&kind).then_some((kind, certainty, clue))
    }

    /// The kind that a data key or a field of an answer holds by its name, and how sure: 45 and below where businesses
    /// have the same field (`phone`, `address`), 70 and more where only people do.
    pub fn key_kind(&self, key: &str) -> Option<(Arc<str>, u8)> {
        let (kind, certainty) = self.inputs.key(key)?;
        self.is_personal(&kind).then_some((kind, certainty))
    }

    /// The kind that a text beside a value names (a label, a heading), and how sure.
    pub fn label_kind(&self, text: &str) -> Option<(Arc<str>, u8)> {
        let (kind, certainty) = self.inputs.label(text)?;
        self.is_personal(&kind).then_some((kind, certainty))
    }

    /// The kind that a picture of such information is.
    pub fn picture_kind(&self, kind: &str) -> Option<Arc<str>> {
        self.inputs.picture(kind)
    }

    /// The texts by which kinds are named beside inputs.
    pub fn labels(&self, kind: &str) -> &[Arc<str>] {
        self.inputs.labels(kind)
    }

    /// Whether a text speaks of a minor as the one whose information is taken.
    pub fn speaks_of_minor(&self, text: &str) -> bool {
        self.inputs.minor(text)
    }

    /// Whether a text asks a guardian, or says that one agreed.
    pub fn speaks_of_guardian(&self, text: &str) -> bool {
        self.inputs.guardian(text)
    }

    /// Whether a field name, label or function name shows that a picture is of a person, a document or a record.
    pub fn shows_person_picture(&self, text: &str) -> bool {
        self.inputs.person_picture(text)
    }

    /// Parameters of a call that sends a file which say nothing of the file.
    pub fn beside_picture(&self) -> &[std::sync::Arc<str>] {
        self.inputs.beside_picture()
    }

    /// Whether one of the names is that of a box to search with.
    pub fn looks_for(&self, names: &str) -> bool {
        self.inputs.looks_for(names)
    }

    /// Whether what a search box takes of a kind is what it looks for, not what its user is called.
    pub fn is_searched(&self, kind: &str) -> bool {
        self.inputs.searched(kind)
    }

    /// Whether a kind is one that people choose among a few that are offered.
    pub fn is_offered(&self, kind: &str) -> bool {
        self.inputs.offered(kind)
    }

    /// Whether a kind is one that people write, and do not choose from a list.
    pub fn is_written(&self, kind: &str) -> bool {
        self.inputs.written(kind)
    }

    /// The kind of what is chosen where these options are offered (`男`, `女`).
    pub fn options_kind(&self, options: &[&str]) -> Option<Arc<str>> {
        self.inputs.options(options)
    }

    /// Whether a day or an hour can be of a kind.
    pub fn is_day(&self, kind: &str) -> bool {
        self.inputs.day(kind)
    }

    /// Whether a component, by its name, takes a day or an hour.
    pub fn is_date_picker(&self, component: &str) -> bool {
        self.inputs.date_picker(component)
    }

    /// What a call does to protect its argument. `chain` is how the function is reached, `["CryptoJS", "AES",
    /// "encrypt"]`; a method of `new X()` is `["X", "method"]`. `module` is the request that the chain's root was
    /// imported from.
    pub fn protection(&self, chain: &[&str], module: Option<&str>) -> Option<&Cipher> {
        self.ciphers.find(chain, module)
    }

    /// What a field of an answer holds where the answer is what was asked for, if its being true or false tells that.
    pub fn truth_of_success(&self, field: &str) -> Option<&'static str> {
        self.clients.truth_of_success(field)
    }

    /// What a function of a library asks the user with.
    pub fn dialog(&self, module: &str, function: &str) -> Option<&Dialogs> {
        self.clients.dialog(module, function)
    }

    /// The module of dialogs that a file of the package is, by its path.
    pub fn dialog_file(&self, path: &str) -> Option<&Arc<str>> {
        self.clients.dialog_file(path)
    }

    /// Whether a module or file of that name gives protecting functions.
    pub fn is_cipher_module(&self, name: &str) -> bool {
        self.ciphers.is_module(name)
    }

    /// Whether a module or file of that name gives functions that encrypt, hash, mask or encode.
    pub fn is_protecting_module(&self, name: &str) -> bool {
        self.ciphers.has_module(name)
    }

    /// Whether the text of a mode argument (`CryptoJS.mode.ECB`, `"ecb"`) names a mode that shows patterns.
    pub fn is_weak_mode(&self, text: &str) -> bool {
        text.to_ascii_lowercase().contains("ecb")
    }

    /// Whether a constant that is used as a key may stand in a package: public keys may.
    pub fn is_public_key(&self, text: &str) -> bool {
        text.contains("PUBLIC KEY")
            || text.starts_with("MIGf")
            || text.starts_with("MIIBIjAN")
            || text.starts_with("MFkw")
            || text.starts_with("MFww")
            || (text.len() == 130 && text.starts_with("04") && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// An HTTP client by what a script requests.
    pub fn client(&self, request: &str) -> Option<&Client> {
        self.clients.by_module(request)
    }

    /// Whether a field of a server's answer, with such a value, says that the answer is what was asked for.
    pub fn is_success(&self, field: &str, value: &str) -> bool {
        self.clients.is_success(field, value)
    }

    /// What functions of a module do, where it is a library of stores.
    pub fn stores(&self, request: &str) -> Option<&Stores> {
        self.clients.stores(request)
    }

    /// Fields of a component's definition that give it fields and actions of a store.
    pub fn store_settings(&self) -> &[std::sync::Arc<str>] {
        &self.clients.stores.settings
    }

    /// Whether a module is a class of promises, or has it.
    pub fn is_promise_module(&self, request: &str) -> bool {
        self.clients.is_promise(request)
    }

    /// Whether a library's function of that name gives what its arguments hold.
    pub fn copies_arguments(&self, function: &str) -> bool {
        self.clients.copies(function)
    }

    /// Whether a module has functions that read and write fields by paths and pick them by names.
    pub fn is_field_tool(&self, module: &str) -> bool {
        self.clients.is_tool(module)
    }

    /// Whether the functions of a module give what they are handed with promises in the place of callbacks.
    pub fn is_promiser(&self, request: &str) -> bool {
        self.clients.is_promiser(request)
    }

    /// Whether a library's function of that name makes one text of all that its argument holds.
    pub fn makes_text(&self, function: &str) -> bool {
        self.clients.makes_text(function)
    }

    /// Whether a module is one that bundles hold and whose code is not run: what its functions do is known.
    pub fn is_bundled(&self, module: &str) -> bool {
        self.clients.is_bundled(module)
    }

    /// The module that a bundle holds without its name, by its code.
    pub fn bundled_module(&self, code: &str) -> Option<&Arc<str>> {
        self.clients.bundled(code)
    }

    /// Whether what a module does is known without its code: a client, an SDK, a cipher, or one that sends nothing.
    pub fn knows_module(&self, request: &str) -> bool {
        self.clients.by_module(request).is_some()
            || self.clients.is_helper(request)
            || self.clients.is_promise(request)
            || self.parties.by_module(request).is_some()
            || self.ciphers.has_module(request)
    }

    /// An SDK by what a script requests: an npm name, or a path whose file is known.
    pub fn sdk_by_module(&self, request: &str) -> Option<&Sdk> {
        self.parties.by_module(request)
    }

    /// An SDK by the path of its file in the package.
    pub fn sdk_by_file(&self, path: &str) -> Option<&Sdk> {
        self.parties.by_file(path)
    }

    /// An SDK by a global object, as a member chain (`wx.uma`, `sensors`).
    pub fn sdk_by_global(&self, chain: &str) -> Option<&Sdk> {
        self.parties.by_global(chain)
    }

    /// An SDK or service by the host of an address.
    pub fn sdk_by_host(&self, host: &str) -> Option<&Sdk> {
        self.parties.by_host(host)
    }

    /// An SDK by a configuration object or plugin name.
    pub fn sdk_by_config(&self, name: &str) -> Option<&Sdk> {
        self.parties.by_config(name)
    }

    /// An SDK by its id.
    pub fn sdk(&self, id: &str) -> Option<&Sdk> {
        self.parties.get(id)
    }

    /// What a member chain rooted in a known SDK object does (`sensors.init`, `wx.uma.trackEvent`, `gio`).
    pub fn sdk_call(&self, chain: &[&str]) -> Option<(&Sdk, SdkUse)> {
        self.parties.call(chain)
    }

    /// What a text of a dialog, control or page says about privacy and consent.
    pub fn consent_text(&self, text: &str) -> ConsentText {
        self.consent.read(text)
    }

    /// Whether a text asks for a refused permission again, or makes it a condition.
    pub fn insists(&self, text: &str) -> bool {
        self.consent.insists(text)
    }

    /// Whether a text speaks of personal information only by asking for some ("获取您的位置").
    pub fn only_asks(&self, text: &str) -> bool {
        self.consent.only_asks(text)
    }

    /// Whether a text makes agreeing a condition of the whole program, and not of some functions only.
    pub fn shuts_out(&self, text: &str) -> bool {
        self.consent.shuts_out(text)
    }

    /// Whether the text of a control offers to open the settings (`开启录音权限`).
    pub fn offers_settings(&self, text: &str) -> bool {
        self.consent.offers_settings(text)
    }

    /// Whether a purpose that a text tells is one for these kinds, too: told for one kind by name, it is none for sensitive
    /// information of quite another sort.
    pub fn purpose_covers<'k>(&self, text: &str, kinds: impl Iterator<Item = &'k str> + Clone) -> bool {
        if !kinds.clone().any(|kind| self.is_sensitive(kind)) {
            return true;
        }
        let subjects = self.consent.purpose_subjects(text);
        subjects.is_empty() || subjects.iter().any(|subject| self.speaks_of(subject, kinds.clone()))
    }

    /// Whether a purpose that is told before anything is asked for names one of these kinds.
    pub fn purpose_names<'k>(&self, text: &str, kinds: impl Iterator<Item = &'k str> + Clone) -> bool {
        self.consent.purpose_subjects(text).iter().any(|subject| self.names_kind(subject, kinds.clone()))
    }

    fn names_kind<'k>(&self, subject: &str, kinds: impl Iterator<Item = &'k str> + Clone) -> bool {
        self.kinds.iter().any(|(kind, info)| {
            let related = |asked: &str| asked == &**kind || self.kind(asked).is_some_and(|asked| asked.goes_with(info));
            let mut words = info.policy.iter().chain(self.labels(kind));
            kinds.clone().any(related)
                && (words.any(|word| subject.contains(&*word.to_lowercase()))
                    || subject.contains(&info.zh.to_lowercase()))
        })
    }

    /// Whether a text names one of these kinds, or none at all.
    fn speaks_of<'k>(&self, subject: &str, kinds: impl Iterator<Item = &'k str> + Clone) -> bool {
        let mut rest = subject.to_owned();
        let mut named = false;
        for (kind, info) in &self.kinds {
            let related = |asked: &str| asked == &**kind || self.kind(asked).is_some_and(|asked| asked.goes_with(info));
            let words = info.policy.iter().chain(self.labels(kind)).map(|word| word.to_lowercase());
            for word in words.chain([info.zh.to_lowercase()]).filter(|word| subject.contains(&**word)) {
                if kinds.clone().any(related) {
                    return true;
                }
                named = true;
                rest = rest.replace(&format!("{word}信息"), "").replace(&word, "");
            }
        }
        !named || self.consent.speaks_of_all(&rest)
    }

    /// Whether a control's text names one of these kinds, or none at all.
    pub fn concerns<'k>(&self, text: &str, kinds: impl Iterator<Item = &'k str> + Clone) -> bool {
        self.speaks_of(&text.to_lowercase(), kinds)
    }

    /// Whether a control's text agrees to be logged in and to nothing more (`授权登录`).
    pub fn only_logs_in(&self, text: &str) -> bool {
        self.consent.only_logs_in(text)
    }

    /// Whether a text offers both to agree and to refuse, as the choices of a group do.
    pub fn offers_choice(&self, text: &str) -> bool {
        self.consent.offers_choice(text)
    }

    /// Whether a name of data says by itself that it holds an agreement; with `shared`, where nothing beside it says so.
    pub fn is_consent_flag(&self, name: &str, shared: bool) -> bool {
        self.consent.is_flag(name, shared)
    }

    /// Texts of pages on what a location is used for.
    pub fn location(&self) -> &LocationWords {
        &self.location
    }

    /// The use that a text names, in its own words.
    pub fn purpose_clause(&self, text: &str) -> Option<String> {
        self.consent.purpose_clause(text)
    }

    /// Whether a text says that acting is agreeing.
    pub fn agrees_by_acting(&self, text: &str) -> bool {
        self.consent.agrees_by_acting(text)
    }

    /// Whether a text says something about what is taken or agreed to, and does more than name a policy.
    pub fn states(&self, text: &str) -> bool {
        self.agrees(text) || self.reads(text) || self.tells_collecting(text)
    }

    /// Whether a field of an answer holds all that was asked for.
    pub fn is_container(&self, field: &str) -> bool {
        self.inputs.container(field)
    }

    /// Whether a field holds a kind in what a server makes of the host's ciphertext.
    pub fn is_decrypted(&self, kind: &str, field: &str) -> bool {
        self.inputs.decrypted(kind, field)
    }

    /// Whether a key names a session or a token.
    pub fn names_session(&self, key: &str) -> bool {
        self.inputs.session(key)
    }

    /// Whether a text says that what it goes on to name was read.
    pub fn reads(&self, text: &str) -> bool {
        self.consent.reads(text)
    }

    /// Whether a text tells that something is collected.
    pub fn tells_collecting(&self, text: &str) -> bool {
        self.consent.tells_collecting(text)
    }

    /// Whether a control's text agrees.
    pub fn agrees(&self, text: &str) -> bool {
        self.consent.agrees(text)
    }

    /// Whether a control's text refuses or leaves.
    pub fn refuses(&self, text: &str) -> bool {
        self.consent.refuses(text)
    }

    /// Whether a control's text speaks of deleting, closing the account or withdrawing.
    pub fn deletes(&self, text: &str) -> bool {
        self.consent.deletes(text)
    }

    /// Whether a control's text that deletes does not say what.
    pub fn deletes_only(&self, text: &str) -> bool {
        self.consent.deletes_only(text)
    }

    /// Whether a text asks about deleting, or tells how it ended.
    pub fn tells_deletion(&self, text: &str) -> bool {
        self.consent.deletion_told(text)
    }

    /// Whether a text speaks of closing the account.
    pub fn closes_account(&self, text: &str) -> bool {
        self.consent.closes_account(text)
    }

    /// Whether a text speaks of permitting something.
    pub fn permits(&self, text: &str) -> bool {
        self.consent.permits(text)
    }

    /// Whether a text speaks of taking something, or of a permission for it.
    pub fn takes(&self, text: &str) -> bool {
        self.consent.takes(text)
    }

    /// Whether a text asks to read a document, or names one.
    pub fn names_document(&self, text: &str) -> bool {
        self.consent.names_document(text)
    }

    /// Whether texts or names around such a control speak of what is a person's own.
    pub fn is_of_person(&self, text: &str) -> bool {
        self.consent.of_person(text)
    }

    /// Whether a route, file name or path looks like a privacy policy's; `false` in the pair when it may be an
    /// agreement that has to be read.
    pub fn policy_route(&self, path: &str) -> Option<bool> {
        self.consent.policy_route(path)
    }

    /// Which kinds a policy's text names as collected; negated mentions do not count.
    pub fn policy_mentions(&self, text: &str, kind: &str) -> bool {
        let Some(info) = self.kind(kind) else { return true };
        let words = info.policy.iter().map(|word| &**word).chain([info.zh.as_str()]);
        self.consent.mentions(text, words)
    }

    /// Whether a policy's text names at once all that a source with these kinds gives.
    pub fn policy_mentions_together<'k>(&self, text: &str, mut kinds: impl Iterator<Item = &'k str>) -> bool {
        kinds.any(|kind| {
            let words = self.together.get(kind).map_or(&[][..], Vec::as_slice);
            self.consent.mentions(text, words.iter().map(|word| &**word))
        })
    }

    /// Whether a policy's text names a third party, by its name, its SDK's name or its kind of service.
    pub fn policy_names_party(&self, text: &str, sdk: Option<&Sdk>, host: Option<&str>) -> bool {
        let services = sdk.map_or(&[][..], |sdk| self.parties.services(&sdk.kind));
        self.consent.names_party(text, sdk, services, host)
    }

    /// What the regulation says of the declared categories; `None` when it covers none of them.
    pub fn necessary(&self, categories: &[String]) -> Option<Necessary<'_>> {
        self.necessary.of(categories)
    }

    /// Personal information written into a text.
    pub fn literals(&self, path: &str, text: &str) -> Vec<LiteralHit> {
        self.literals.find(path, text)
    }

    /// Secrets written into a text; `quoted` when the file's language quotes its strings.
    pub fn secrets(&self, text: &str, quoted: bool) -> Vec<SecretHit<'_>> {
        self.secrets.find(text, quoted)
    }

    /// What the security rules look for.
    pub fn security(&self) -> &SecurityWords {
        &self.security
    }

    /// The text with personal information and secrets masked, characters kept one for one.
    pub fn mask(&self, text: &str) -> String {
        let mut spans: Vec<std::ops::Range<usize>> =
            self.literals.mask_ranges(text).into_iter().chain(self.secrets.mask_ranges(text)).collect();
        if spans.is_empty() {
            return text.to_owned();
        }
        spans.sort_by_key(|span| (span.start, span.end));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for span in spans {
            let start = span.start.max(at);
            if span.end <= start {
                continue;
            }
            let (Some(before), Some(secret)) = (text.get(at..start), text.get(start..span.end)) else { continue };
            out.push_str(before);
            out.extend(secret.chars().map(|_| '*'));
            at = span.end;
        }
        out.push_str(text.get(at..).unwrap_or(""));
        out
    }
}

#[cfg(test)]
mod tests;
