//! Answers that are kept whole: what a person's record holds, by what the package reads of one of that name.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::flow::machine::{Machine, Taint};
use crate::flow::solution::{Origin, Place};
use crate::flow::value::{Value, unite};
use crate::model::ir::{Expr, ExprKind, Key, Name};
use crate::package::Origin as FileOrigin;
use crate::policy::host::Api;
use crate::source::FileId;

/// How sure a field's name must be of a person's information.
const LEAST: u8 = 70;
/// Names prove little.
const CERTAINTY: u8 = 55;

/// Kinds that the fields of records hold, by the record's name.
pub(in crate::flow) type Records = FxHashMap<String, BTreeSet<Name>>;

impl<'a> Machine<'a> {
    /// What an API keeps, with what is known of it: a server's answer that is kept whole under a record's name holds what the
    /// package reads of records of that name.
    pub(super) fn kept_record(&mut self, api: &Api, args: &[Value], value: Value, place: Place) -> Value {
        let path = value.origins.iter().find_map(|&id| match &self.origin_table[id as usize] {
            Origin::Remote(path) => Some(path.clone()),
            _ => None,
        });
        let Some(path) = path.filter(|_| value.is_any() && value.taints.is_empty()) else { return value };
        let key = self.param(api, "key", args);
        let Some(key) = key.as_text().cloned() else { return value };
        self.named_record(&key, path.rsplit('.').next().unwrap_or(""), value, place)
    }

    /// What is printed of a server's answer under a record's name.
    pub(super) fn printed_record(&mut self, value: Value, place: Place) -> Value {
        let path = value.origins.iter().find_map(|&id| match &self.origin_table[id as usize] {
            Origin::Remote(path) => Some(path.clone()),
            _ => None,
        });
        let Some(path) = path.filter(|_| value.is_any() && value.taints.is_empty()) else { return value };
        match path.rsplit('.').next().filter(|name| !name.is_empty()) {
            Some(name) if self.policy.privacy.names_person_record(name) => self.named_record(name, "", value, place),
            _ => value,
        }
    }

    /// A record that goes by a name, and by another where it comes from.
    fn named_record(&mut self, key: &str, other: &str, mut value: Value, place: Place) -> Value {
        let key: Name = key.into();
        let mut kinds = BTreeSet::new();
        // `shop_account` is one of `account`.
        let last = key.rsplit(['_', '-', '.', ':', '/']).next().unwrap_or("");
        let record = [&*key, last].iter().any(|name| self.policy.privacy.names_person_record(name));
        if let Some((kind, certainty)) = self.key_kind(&key)
            && certainty >= LEAST
            && !record
        {
            kinds.insert(kind);
        } else {
            let records = self.records.take().unwrap_or_else(|| self.read_records());
            for name in [&*key, other] {
                let name = flat(name);
                let held = records.iter().filter(|(record, _)| name.ends_with(&***record));
                kinds.extend(held.flat_map(|(_, kinds)| kinds.iter().cloned()));
            }
            self.records = Some(records);
        }
        if kinds.is_empty() {
            return value;
        }
        let whole = record || self.key_kind(&key).is_none_or(|(_, certainty)| certainty < LEAST);
        let collection = self.collection(place, key, None, kinds.clone(), CERTAINTY, false, None);
        self.record.collections[collection].answered = true;
        for kind in kinds {
            let taint = self.taint(Taint {
                collection,
                kind,
                protections: std::rc::Rc::from([]),
                partial: false,
                container: whole,
            });
            unite(&mut value.taints, &[taint]);
        }
        value
    }

    /// The fields that own code and templates read of records, where their names are a person's.
    fn read_records(&mut self) -> Records {
        let mut pairs: BTreeSet<(Name, Name)> = BTreeSet::new();
        let mut add = |expr: &Expr| {
            let ExprKind::Member { object, key: Key::Static(field, _), .. } = &expr.kind else { return };
            let owner = match &object.kind {
                ExprKind::Member { key: Key::Static(owner, _), .. } | ExprKind::Global(owner) => owner,
                _ => return,
            };
            pairs.insert((owner.clone(), field.clone()));
        };
        for (index, facts) in self.program.facts.iter().enumerate() {
            let file = FileId(index as u32);
            if !matches!(self.package.files[index].origin, FileOrigin::Own) {
                continue;
            }
            if let Some(script) = &facts.script {
                script.for_each_expr(&mut |expr| add(expr));
            }
            if let Some(template) = self.program.template(file) {
                for expr in template.expressions.values() {
                    crate::model::ir::walk_expr(expr, &mut |expr| add(expr));
                }
            }
        }
        let mut out = Records::default();
        for (owner, field) in pairs {
            if !self.policy.privacy.names_person_record(&owner) {
                continue;
            }
            let mut known = self.key_kind(&field);
            if known.as_ref().is_none_or(|(_, sure)| *sure < LEAST) {
                known = self.key_kind(&format!("{owner}_{field}"));
            }
            if let Some((kind, _)) = known.filter(|(_, sure)| *sure >= LEAST) {
                out.entry(flat(&owner)).or_default().insert(kind);
            }
        }
        out
    }
}

/// A name without case and separators.
fn flat(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
