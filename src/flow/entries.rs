//! Entry points: what the host and the user call, with what, and what is known then.

mod handlers;
mod inputs;
mod instances;
mod templates;
mod units;

pub(super) use templates::{LoopHead, TemplateUsers};

use rustc_hash::FxHashSet;

use super::heap::Kind;
use super::machine::{Machine, Site, name};
use super::solution::{Entry, EntryKind, Fact, Place};
use super::value::{ObjId, Value};
use crate::model::ir::{ExprKind, Key, Name};
use crate::model::{UnitId, UnitKind};
use crate::package::{Package, SkipReason};
use crate::source::{FileId, Span};
use crate::syntax::json::Json;

/// Rounds over the entry points. Before round 2, storage that nothing has written yet is empty.
const ROUNDS: [usize; 6] = [0, 2, 3, 4, 5, 6];

/// Most timers that top-level code sets.
const MAX_TIMERS: usize = 64;

/// A timer that top-level code set.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    entry: Entry,
    callback: Value,
    args: Vec<Value>,
    site: Site,
}

impl<'a> Machine<'a> {
    /// Runs top-level code once, then every entry point again until nothing that it read has changed.
    pub fn run(&mut self) {
        self.load_all();
        self.heap.settle();
        self.find_ways();
        for round in ROUNDS {
            self.round = round;
            self.runs.restart();
            self.run_units();
            self.templates();
            self.refresh_exports();
            let changed = self.heap.settle();
            if self.runs.ran == 0 && !changed || self.stopped {
                break;
            }
        }
        self.templates_read();
    }

    fn load_all(&mut self) {
        self.gate();
        for unit in 0..self.program.units.len() as UnitId {
            let this = &self.program.units[unit as usize];
            if !this.live {
                continue;
            }
            let Some(script) = this.script else { continue };
            let entry = Entry {
                kind: EntryKind::TopLevel,
                route: this.route.clone(),
                method: name(""),
                place: Place { file: script, span: Span::default() },
                element: None,
            };
            self.current_unit = Some(unit);
            self.run_entry(entry, &[], None, |machine| {
                machine.load(script, "");
                machine.run_bundle_entry(script);
                machine.unregistered(unit, script);
                Value::default()
            });
            self.current_unit = None;
        }
        self.load_bundles();
        self.gate_by_handler();
    }

    /// A package that takes the host's question for its own dialog has the gate, too: nothing guarded is given before a button
    /// of the host's for that is tapped.
    fn gate_by_handler(&mut self) {
        if !self.host.info.privacy_gate || self.gate_fact.is_some() {
            return;
        }
        let asks = |name: &str| {
            self.host.apis.get(name).is_some_and(|api| {
                ["event", "privacy-check"].iter().all(|role| api.roles.iter().any(|known| &**known == *role))
            })
        };
        let mut handled = false;
        for file in self.modules.keys() {
            let Some(script) = self.program.script(*file).filter(|_| !handled) else { continue };
            script.for_each_expr(&mut |expr| {
                if let ExprKind::Call { callee, .. } = &expr.kind
                    && let ExprKind::Member { key: Key::Static(name, _), .. } = &callee.kind
                {
                    handled |= asks(name);
                }
            });
        }
        let program = self.program;
        let agrees = |template: FileId| {
            program.elements(template).any(|(_, element)| {
                self.open_types(template, element)
                    .iter()
                    .any(|(open, _)| open.roles.iter().any(|role| &**role == "privacy-agreement"))
            })
        };
        let button =
            || program.units.iter().filter(|unit| unit.live).flat_map(|unit| &unit.templates).any(|t| agrees(*t));
        if handled && button() {
            self.gate_fact = Some(self.fact(Fact::PrivacyAgreed));
        }
    }

    /// Tells of a page or component whose script has functions and registers nothing that could be followed.
    fn unregistered(&mut self, unit: UnitId, script: FileId) {
        let this = &self.program.units[unit as usize];
        let code = self.program.script(script).is_some_and(|script| script.functions.len() > 1);
        if code && this.kind != UnitKind::App && !self.is_registered(unit) {
            let route = this.route.clone();
            self.record.blind(Place { file: script, span: Span::default() }, "unregistered-unit", &route);
        }
    }

    /// Code of bundles beside their modules runs, too; where templates were compiled into it, it is left and told as unseen.
    fn load_bundles(&mut self) {
        for path in &self.package.bundles {
            let unseen = self.package.skipped.iter().any(|item| {
                item.reason == SkipReason::Compiled
                    && self
                        .package
                        .file(path)
                        .is_some_and(|file| *self.package.source(file).shown(Span::default()).0.path == *item.path)
            });
            let Some(script) = self.package.file(path).filter(|_| !unseen) else { continue };
            let entry = Entry {
                kind: EntryKind::TopLevel,
                route: "app".into(),
                method: name(""),
                place: Place { file: script, span: Span::default() },
                element: None,
            };
            self.run_entry(entry, &[], None, |machine| {
                machine.load(script, "");
                Value::default()
            });
        }
    }

    /// The host's privacy gate, where the package switches it on.
    fn gate(&mut self) {
        if !self.host.info.privacy_gate {
            return;
        }
        let on = self.package.app_json().and_then(|json| json.get("__usePrivacyCheck__")).and_then(Json::as_bool);
        if on == Some(true) {
            let fact = self.fact(Fact::PrivacyAgreed);
            self.gate_fact = Some(fact);
        }
    }

    /// The instance of a unit.
    pub fn instance(&mut self, unit: UnitId) -> ObjId {
        if let Some(&object) = self.units.get(&unit) {
            return object;
        }
        let file = self.program.units[unit as usize].script.unwrap_or(FileId(0));
        let place = Place { file, span: Span::default() };
        let object = self.heap.alloc(Kind::Unit(unit), place);
        let data = self.heap.alloc(Kind::Plain, place);
        let key = self.known("data");
        self.heap.set(object, key, Some(Value::object(data)));
        self.units.insert(unit, object);
        object
    }

    /// Remembers a timer that top-level code sets: it goes off when the program runs, with what is known then.
    pub fn set_timer(&mut self, setter: &str, callback: &Value, args: &[Value], site: &Site) {
        let top =
            self.loading > 0 || self.entries.get(self.entry).is_some_and(|entry| entry.kind == EntryKind::TopLevel);
        let Some(&first) = callback.objects.first() else { return };
        if !top || !self.facts.is_empty() || self.timers.len() >= MAX_TIMERS {
            return;
        }
        let place = self.heap.objects[first as usize].place;
        let route = self.entries.get(self.entry).map_or_else(|| name(""), |entry| entry.route.clone());
        let entry = Entry { kind: EntryKind::TopLevel, route, method: setter.into(), place, element: None };
        self.timers.push(Timer { entry, callback: callback.clone(), args: args.to_vec(), site: site.clone() });
    }

    fn run_timers(&mut self) {
        for index in 0..self.timers.len() {
            let Timer { entry, callback, args, site } = self.timers[index].clone();
            self.run_entry(entry, &[], Some(&callback), |machine| {
                machine.call(&callback, &Value::undefined(), args, &site)
            });
        }
    }

    fn run_units(&mut self) {
        for unit in 0..self.program.units.len() as UnitId {
            if self.program.units[unit as usize].live {
                self.bind_inputs(unit);
            }
        }
        let mut waiting: Vec<UnitId> = (0..self.program.units.len() as UnitId).collect();
        waiting.retain(|unit| self.program.units[*unit as usize].live && self.units.contains_key(unit));
        while !waiting.is_empty() && !self.stopped {
            let unit = waiting.remove(self.next(&waiting));
            match self.program.units[unit as usize].kind {
                UnitKind::App => self.run_app(unit),
                UnitKind::Page => self.run_page(unit),
                UnitKind::Component => self.run_component(unit),
            }
            if std::mem::take(&mut self.runs.opened) {
                self.find_ways();
            }
        }
        self.run_timers();
        self.run_listeners();
    }

    /// Which of the units that wait runs next: the app, then pages as users come to them, so that most run the first time with
    /// what holds there; then what nothing opens, and components.
    fn next(&self, waiting: &[UnitId]) -> usize {
        let rank = |unit: UnitId| {
            let this = &self.program.units[unit as usize];
            match this.kind {
                UnitKind::App => 0,
                UnitKind::Page if self.starts(&this.route) || self.navigation_facts.contains_key(&this.route) => 1,
                UnitKind::Page => 2,
                UnitKind::Component => 3,
            }
        };
        (0..waiting.len()).min_by_key(|&at| rank(waiting[at])).unwrap_or_default()
    }

    /// Whether a page is opened without passing any.
    pub(super) fn starts(&self, route: &str) -> bool {
        self.first_pages.contains(route)
    }

    /// Works out what holds at pages. Tabs behind a first page that is none are opened from each other.
    fn find_ways(&mut self) {
        let among_tabs = self.package.pages.first().is_some_and(|first| first.tab);
        let tabs: Vec<Name> = match among_tabs {
            true => Vec::new(),
            false => self.package.pages.iter().filter(|page| page.tab).map(|page| (&*page.route).into()).collect(),
        };
        self.navigation_facts = self.runs.navigation_facts(&tabs);
    }

    pub(in crate::flow) fn method(&mut self, instance: ObjId, method: &str) -> Option<(Value, Place)> {
        let key = self.sym(method);
        let value = self.heap.get(instance, key).cloned()?;
        let target = value.objects.iter().copied().find(|&id| {
            matches!(
                self.heap.kind(id),
                Kind::Closure { .. } | Kind::Bound { .. } | Kind::External { .. } | Kind::Host { .. }
            )
        })?;
        let mut place = self.heap.objects[target as usize].place;
        if let Kind::Bound { target } = self.heap.kind(target) {
            place = self.heap.objects[*target as usize].place;
        }
        Some((value, place))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn enter(
        &mut self,
        unit: UnitId,
        kind: EntryKind,
        method: &str,
        element: Option<(FileId, u32)>,
        facts: &[u32],
        arguments: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Value {
        let instance = self.instance(unit);
        let Some((target, place)) = self.method(instance, method) else { return Value::default() };
        self.enter_function(unit, kind, (method, &target, place), element, facts, arguments)
    }

    /// The same for a function of a page or component, under a name.
    pub(super) fn enter_function(
        &mut self,
        unit: UnitId,
        kind: EntryKind,
        (method, target, place): (&str, &Value, Place),
        element: Option<(FileId, u32)>,
        facts: &[u32],
        arguments: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Value {
        let instance = self.instance(unit);
        let this = &self.program.units[unit as usize];
        let mut held = facts.to_vec();
        if let Some(gate) = self.gate_fact {
            held.push(gate);
        }
        if this.kind == UnitKind::Page
            && let Some(facts) = self.navigation_facts.get(&this.route)
        {
            held.extend(facts.clone());
        }
        held.sort_unstable();
        held.dedup();
        let entry = Entry { kind, route: this.route.clone(), method: method.into(), place, element };
        self.through = (this.kind == UnitKind::Page).then(|| this.route.clone());
        let answer = self.run_entry(entry, &held, Some(target), |machine| {
            let arguments = arguments(machine);
            let site = Site { place, args: Vec::new(), name: method.into(), used: true };
            machine.call(target, &Value::object(instance), arguments, &site)
        });
        self.through = None;
        answer
    }
}

/// Pages that are opened without passing any: the first one, and the tabs beside it.
pub(super) fn first_pages(package: &Package) -> FxHashSet<Name> {
    let among_tabs = package.pages.first().is_some_and(|first| first.tab);
    let pages = package.pages.iter().enumerate().filter(|(index, page)| *index == 0 || page.tab && among_tabs);
    pages.map(|(_, page)| page.route.clone()).collect()
}

/// `data-user-name` is read as `userName`.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut upper = false;
    for c in text.chars() {
        if c == '-' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}
