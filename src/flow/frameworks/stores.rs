//! Stores beside pages: what is observed, what runs when it changes, and what pages and components take of it.

use crate::flow::heap::Kind;
use crate::flow::machine::{Keys, Machine, Site};
use crate::flow::value::{Ids, Value};
use crate::model::ir::Name;

impl<'a> Machine<'a> {
    /// A call of a library of stores; `None` where the module is none, or the member does something else.
    pub(super) fn store_call(&mut self, module: &str, chain: &[&str], args: &[Value], site: &Site) -> Option<Value> {
        let stores = self.policy.privacy.stores(module)?;
        let member = chain.last()?;
        let is = |list: &[Name]| list.iter().any(|known| **known == **member);
        if is(&stores.same) {
            // `action('save', function () { … })`
            return args.iter().find(|arg| !arg.objects.is_empty()).cloned();
        }
        if is(&stores.runs) {
            let callback = args.first().cloned().unwrap_or_default();
            let inner = self.inner_site(site);
            self.set_timer(member, &callback, &[], &inner);
            let seen = self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), Vec::new(), &inner));
            if let Some(effect) = args.get(1).filter(|effect| self.runs_code(effect)).cloned() {
                self.set_timer(member, &effect, std::slice::from_ref(&seen), &inner);
                self.perhaps(&[], |machine| machine.call(&effect, &Value::undefined(), vec![seen], &inner));
            }
            return Some(Value::any());
        }
        if is(&stores.binds) {
            let target = args.first().cloned().unwrap_or_default();
            let settings = args.get(1).cloned().unwrap_or_default();
            self.bind_store(&target, &settings, site);
            return Some(Value::any());
        }
        None
    }

    fn runs_code(&self, value: &Value) -> bool {
        value.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
    }

    /// Takes what the settings of a page or component name of a store: fields into the data, actions beside its own methods.
    pub fn bind_store(&mut self, target: &Value, settings: &Value, site: &Site) {
        let (store, data) = (self.sym("store"), self.known("data"));
        let store = self.field(settings, &Keys::one(store), site.place);
        let data = self.field(target, &Keys::one(data), site.place);
        for (name, from) in self.named_in(settings, "fields", site) {
            let value = if self.runs_code(&from) {
                let inner = self.inner_site(site);
                self.perhaps(&[], |machine| machine.call(&from, &Value::undefined(), vec![store.clone()], &inner))
            } else {
                let keys = self.keys_from(&from);
                self.field(&store, &keys, site.place)
            };
            let value = self.stepped(value, site.place, "set-data", &name);
            let key = self.sym(&name);
            for &object in &data.objects {
                self.heap.add(object, key, &value);
            }
        }
        for (name, from) in self.named_in(settings, "actions", site) {
            let keys = self.keys_from(&from);
            let method = self.field(&store, &keys, site.place);
            let functions: Ids =
                method.objects.iter().copied().filter(|&id| self.runs_code(&Value::object(id))).collect();
            let key = self.sym(&name);
            for function in functions {
                let outer = self.context;
                self.context ^= u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let bound = self.make_at(site.place, 95, Kind::Bound { target: function });
                self.context = outer;
                let this = self.known("this");
                self.heap.set(bound, this, Some(store.clone()));
                for &object in &target.objects {
                    self.heap.set(object, key, Some(Value::object(bound)));
                }
            }
        }
    }

    /// Names that settings list, with what each stands for: itself in a list, what it is given in an object.
    fn named_in(&mut self, settings: &Value, group: &str, site: &Site) -> Vec<(Name, Value)> {
        let group = self.sym(group);
        let group = self.field(settings, &Keys::one(group), site.place);
        let mut out = Vec::new();
        for &object in &group.objects {
            let list = matches!(self.heap.kind(object), Kind::Array);
            for key in self.heap.keys(object) {
                let Some(value) = self.heap.get(object, key).cloned() else { continue };
                if list {
                    out.extend(value.texts().map(|text| (text.clone(), Value::string(text.clone(), None))));
                } else {
                    out.push((self.spell(key), value));
                }
            }
        }
        out
    }
}
