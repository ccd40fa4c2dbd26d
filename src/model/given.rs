//! Methods that pages and components get from elsewhere than their own registration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ir::{Class, Expr, ExprKind, Key, Pattern, Property, Script};
use super::program::Program;
use super::surface::REGISTERS;
use crate::source::FileId;

/// Names that scripts give to objects of others.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The names.
    pub names: BTreeSet<Arc<str>>,
    /// Whether some are made while the program runs (`page[decode(7)] = function () {…}`).
    pub unknown: bool,
}

/// Scripts that are looked into from one, at most.
const MOST_SCRIPTS: usize = 60;

impl Given {
    /// What a script and those that it requires write into objects, or hold in objects that may be laid over others.
    pub fn from(program: &Program, file: FileId) -> Given {
        let mut out = Given::default();
        let mut strings = BTreeSet::new();
        let mut by_name = false;
        let mut open = vec![file];
        let mut seen = BTreeSet::new();
        while let Some(file) = open.pop() {
            if seen.len() >= MOST_SCRIPTS {
                out.unknown = true;
                break;
            }
            let Some(script) = program.script(file).filter(|_| seen.insert(file)) else { continue };
            out.unknown |= !script.damage.is_empty();
            script.for_each_expr(&mut |expr| out.read(expr, &mut strings, &mut by_name));
            open.extend(program.requires.get(file.index()).into_iter().flatten().filter_map(|require| require.target));
        }
        if by_name {
            out.names.append(&mut strings);
        }
        out
    }

    fn read(&mut self, expr: &Expr, strings: &mut BTreeSet<Arc<str>>, by_name: &mut bool) {
        match &expr.kind {
            ExprKind::String(text) => {
                strings.insert(text.clone());
            }
            ExprKind::Assign { target, value, .. } => {
                let Pattern::Member(member) = &**target else { return };
                let ExprKind::Member { key, .. } = &member.kind else { return };
                match key {
                    Key::Static(name, _) => {
                        self.names.insert(name.clone());
                    }
                    Key::Computed(key) => {
                        *by_name = true;
                        let made = matches!(key.kind, ExprKind::Call { .. });
                        self.unknown |= made && matches!(value.kind, ExprKind::Function(_));
                    }
                }
            }
            ExprKind::Object(properties) => properties.iter().for_each(|property| self.property(property)),
            ExprKind::Class(class) => {
                let Class { members, .. } = &**class;
                members.iter().for_each(|(_, property)| self.property(property));
            }
            ExprKind::Call { callee, .. } => {
                *by_name |= matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. }
                    if matches!(&**name, "defineProperty" | "defineProperties" | "set"));
            }
            _ => {}
        }
    }

    fn property(&mut self, property: &Property) {
        match property {
            Property::Value(Key::Static(name, _), _)
            | Property::Getter(Key::Static(name, _), _)
            | Property::Setter(Key::Static(name, _), _) => {
                self.names.insert(name.clone());
            }
            _ => {}
        }
    }
}

/// What functions that stand in the place of the host's give to all that is registered with them (`Page = extend(Page)`), by the
/// name of the host's function.
pub fn by_registration(program: &Program) -> BTreeMap<Arc<str>, Given> {
    let mut out: BTreeMap<Arc<str>, Given> = BTreeMap::new();
    for &file in &program.live_files {
        let Some(script) = program.script(file) else { continue };
        let names = replaced(script);
        if names.is_empty() {
            continue;
        }
        let given = Given::from(program, file);
        for name in names {
            let known = out.entry(name).or_default();
            known.names.extend(given.names.iter().cloned());
            known.unknown |= given.unknown;
        }
    }
    out
}

/// The host's registration functions that a script puts its own in the place of.
fn replaced(script: &Script) -> BTreeSet<Arc<str>> {
    let mut out = BTreeSet::new();
    script.for_each_expr(&mut |expr| {
        let ExprKind::Assign { operator: None, target, .. } = &expr.kind else { return };
        match &**target {
            Pattern::Global(name, _) if REGISTERS.contains(&&**name) => {
                out.insert(name.clone());
            }
            Pattern::Member(member) => {
                if let ExprKind::Member { object, key: Key::Static(name, _), .. } = &member.kind
                    && REGISTERS.contains(&&**name)
                    && matches!(&object.kind, ExprKind::Global(global) if matches!(&**global, "global" | "globalThis"))
                {
                    out.insert(name.clone());
                }
            }
            _ => {}
        }
    });
    out
}
