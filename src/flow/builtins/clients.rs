//! HTTP clients of npm: what they send is a request of the host.

use std::sync::Arc;

use crate::flow::heap::Kind;
use crate::flow::machine::{Keys, Machine, Site};
use crate::flow::value::{ObjId, Piece, Value};
use crate::policy::privacy::{Argument, Client, Hook};

/// What a client object keeps: its settings, the functions that see its requests and its answers.
const SETTINGS: &str = "[[settings]]";
const ON_REQUEST: &str = "[[on-request]]";
const ON_RESPONSE: &str = "[[on-response]]";

/// A member as the tables name it: a module's default export is the module.
fn member(path: &str) -> &str {
    path.strip_prefix("default").map_or(path, |rest| rest.strip_prefix('.').unwrap_or(rest))
}

impl<'a> Machine<'a> {
    /// `new Client(settings)`, where the module is a client.
    pub(super) fn client_instance(&mut self, module: &str, path: &str, args: &[Value], site: &Site) -> Option<Value> {
        let client = self.policy.privacy.client(module)?;
        (client.call(member(path)).is_none() || member(path).is_empty()).then(|| self.new_client(module, args, site))
    }

    fn new_client(&mut self, module: &str, args: &[Value], site: &Site) -> Value {
        let object = self.make_at(site.place, 90, Kind::External { module: module.into(), path: "".into() });
        let settings = self.known(SETTINGS);
        let given = args.first().cloned().unwrap_or_default();
        self.heap.set(object, settings, Some(Value { objects: given.objects, ..Value::default() }));
        Value::object(object)
    }

    /// A call of a client or of one of its members; `None` where the module is none, or the member does something else.
    pub(super) fn client_call(
        &mut self,
        target: ObjId,
        module: &str,
        path: &str,
        this: &Value,
        args: &[Value],
        site: &Site,
    ) -> Option<Value> {
        if module.is_empty() {
            return None;
        }
        let client = self.policy.privacy.client(module)?;
        let path = member(path);
        if client.instances.iter().any(|known| **known == *path) {
            return Some(self.new_client(module, args, site));
        }
        // What is common to all clients of a module stands on the module.
        let shared = self.external(module, "");
        if let Some(hook) = client.hook(path) {
            let key = self.known(if hook == Hook::Request { ON_REQUEST } else { ON_RESPONSE });
            let handler = args.first().cloned().unwrap_or_default();
            self.heap.add(shared, key, &handler);
            return Some(Value::any());
        }
        let (arguments, api) = match (client.call(path), client.upload(path)) {
            (Some(arguments), _) => (arguments, "request"),
            (None, Some(arguments)) => (arguments, "uploadFile"),
            (None, None) => return None,
        };
        // `client({ url, … })`, whatever the address may stand in otherwise.
        let whole = args.first().is_some_and(|arg| arg.strings.is_empty() && !arg.objects.is_empty());
        let arguments = if whole { &[Argument::Options] } else { arguments };
        let config = self.make_at(site.place, 91, Kind::Plain);
        for (argument, value) in arguments.iter().zip(args) {
            let field = match argument {
                Argument::Url => client.address.first(),
                Argument::Data => client.data.first(),
                Argument::Options => {
                    self.copy_fields(config, value, &[]);
                    None
                }
            };
            if let Some(field) = field {
                let key = self.sym(field);
                self.heap.set(config, key, Some(value.clone()));
            }
        }
        let mut owners = vec![target, shared];
        owners.extend(this.objects.iter().filter(|&&id| matches!(self.heap.kind(id), Kind::External { .. })));
        let config = self.hooked(Value::object(config), shared, site);
        let options = self.host_options(client, &config, path, site);
        let base = self.client_base(client, module, &owners, &config, site);
        let url_key = self.known("url");
        if !base.is_none() {
            let url = self.field(&options, &Keys::one(url_key), site.place);
            let relative = !url.texts().any(|text| text.contains("://"));
            if relative {
                let whole = self.add_text(&base, &url, site.place);
                for &object in &options.objects {
                    self.heap.set(object, url_key, Some(whole.clone()));
                }
            }
        }
        let namespace = self.namespace();
        let answer = self.call_host(&namespace, api, &Value::undefined(), vec![options], site);
        Some(self.answered(answer, shared, site))
    }

    /// A call of a library's dialog: its promise is kept where the user confirmed, and broken where not.
    pub(super) fn dialog_call(&mut self, module: &str, path: &str, args: &[Value], site: &Site) -> Option<Value> {
        if module.is_empty() {
            return None;
        }
        let dialogs = self.policy.privacy.dialog(module, member(path))?;
        let options = args.first().cloned().unwrap_or_default();
        let mut text = String::new();
        for field in &dialogs.texts {
            let key = self.sym(field);
            let value = self.field(&options, &Keys::one(key), site.place);
            for piece in value.strings.iter().flat_map(|text| &text.pieces) {
                if let Piece::Literal(literal) = piece {
                    text.push_str(literal);
                    text.push(' ');
                }
            }
            self.shown(&value, 0);
        }
        let (confirmed, refused) = self.asked(site.place, text);
        let promise = self.make_at(site.place, 93, Kind::Promise);
        self.fulfil(promise, Value::any(), &confirmed);
        self.reject(promise, &Value::any(), &refused);
        Some(Value::object(promise))
    }

    /// Options after the functions that see every request.
    fn hooked(&mut self, mut config: Value, shared: ObjId, site: &Site) -> Value {
        self.ask_again(1);
        let key = self.known(ON_REQUEST);
        if let Some(handler) = self.heap.get(shared, key).cloned() {
            let inner = self.inner_site(site);
            let given = config.clone();
            let out = self.perhaps(&[], |machine| machine.call(&handler, &Value::undefined(), vec![given], &inner));
            let plain = out.objects.into_iter().filter(|&id| matches!(self.heap.kind(id), Kind::Plain));
            for object in plain.collect::<Vec<_>>() {
                config.join(&Value::object(object));
            }
        }
        config
    }

    /// An answer after the functions that see every answer.
    fn answered(&mut self, answer: Value, shared: ObjId, site: &Site) -> Value {
        let key = self.known(ON_RESPONSE);
        let promise = answer.objects.iter().copied().find(|&id| matches!(self.heap.kind(id), Kind::Promise));
        match (self.heap.get(shared, key).cloned(), promise) {
            (Some(handler), Some(promise)) => self.then(promise, Some(&handler), None, site),
            (None, Some(promise)) => Value::object(promise),
            _ => answer,
        }
    }

    /// A client's options in the host's words.
    fn host_options(&mut self, client: &Client, config: &Value, path: &str, site: &Site) -> Value {
        let options = self.make_at(site.place, 92, Kind::Plain);
        let parts: [(&str, &[Arc<str>]); 4] =
            [("url", &client.address), ("data", &client.data), ("header", &client.header), ("filePath", &client.file)];
        for (field, names) in parts {
            let mut value = Value::default();
            for name in names {
                let key = self.sym(name);
                if config.objects.iter().any(|&object| self.heap.get(object, key).is_some()) {
                    let part = self.field(config, &Keys::one(key), site.place);
                    value.join(&part);
                }
            }
            if !value.is_none() {
                let key = self.known(field);
                self.heap.set(options, key, Some(value));
            }
        }
        let method = self.known("method");
        let given = self.field(config, &Keys::one(method), site.place);
        let value = if given.strings.is_empty() && !path.is_empty() {
            Value::string(path.to_ascii_uppercase().as_str().into(), None)
        } else {
            given
        };
        self.heap.set(options, method, Some(value));
        Value::object(options)
    }

    /// The part of the address that all requests of a client share.
    fn client_base(&mut self, client: &Client, module: &str, owners: &[ObjId], config: &Value, site: &Site) -> Value {
        let settings = self.known(SETTINGS);
        let mut holders = config.clone();
        for &owner in owners {
            if let Some(value) = self.heap.get(owner, settings).cloned() {
                holders.join(&value);
            }
        }
        for member in &client.settings {
            let object = self.external(module, member);
            holders.join(&Value::object(object));
        }
        let mut out = Value::default();
        for name in &client.base {
            let key = self.sym(name);
            for &object in &holders.objects {
                if self.heap.get(object, key).is_some() {
                    let value = self.field(&Value::object(object), &Keys::one(key), site.place);
                    out.join(&value);
                }
            }
        }
        out
    }
}
