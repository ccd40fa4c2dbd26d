//! Classes: construction, fields, parents and their members.

use crate::flow::heap::Kind;
use crate::flow::machine::{Act, HOME, Keys, Machine, Site, THIS, key_span};
use crate::flow::solution::Place;
use crate::flow::value::{ObjId, UNDEFINED, Value};
use crate::model::ir::{Class, Expr, ExprKind, Key, Property, Script};
use crate::source::FileId;

/// A class and the scope that it was made in.
#[derive(Clone, Copy)]
pub(super) struct ClassEnv<'a> {
    pub(super) class: &'a Class,
    pub(super) file: FileId,
    pub(super) script: Option<&'a Script>,
    pub(super) frame: ObjId,
}

impl<'a> Machine<'a> {
    pub fn construct(&mut self, target: ObjId, args: Vec<Value>, site: &Site) -> Value {
        let kind = self.heap.kind(target).clone();
        if !matches!(kind, Kind::Class { .. } | Kind::Closure { .. } | Kind::Bound { .. }) {
            return self.construct_special(target, args, site);
        }
        if self.is_promise_class(target) {
            return self.new_promise(&args, site);
        }
        let object = self.make_at(site.place, 5, Kind::Plain);
        let prototype_key = self.known("prototype");
        let prototype = self.heap.get(target, prototype_key).and_then(|value| value.objects.first().copied());
        self.heap.objects[object as usize].proto = prototype;
        let this = Value::object(object);
        match kind {
            Kind::Class { .. } => {
                self.initialise(target, &this, args, site);
                this
            }
            _ => {
                let mut result = self.call_object(target, &this, args, site);
                if result.objects.is_empty() {
                    return this;
                }
                if result.bits & UNDEFINED != 0 {
                    result.join(&this);
                    result.bits &= !UNDEFINED;
                }
                result
            }
        }
    }

    /// Runs field initialisers and the constructor of a class on `this`.
    fn initialise(&mut self, class: ObjId, this: &Value, args: Vec<Value>, site: &Site) {
        let constructor_key = self.known("[[constructor]]");
        let parent_key = self.known("[[parent]]");
        if let Some(constructor) = self.heap.get(class, constructor_key).cloned() {
            self.run_fields(class, this);
            self.call(&constructor, this, args, site);
        } else {
            if let Some(parent) = self.heap.get(class, parent_key).cloned() {
                self.call_super(&parent, this, args, site);
            }
            self.run_fields(class, this);
        }
    }

    pub(super) fn run_fields(&mut self, class: ObjId, this: &Value) {
        if let Some(env) = self.classes.get(&class).copied() {
            // Initialisers run once an instance, with it as `this`.
            let outer = self.context;
            self.context ^=
                (this.objects.first().map_or(0, |&id| u64::from(id) + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let members =
                env.class.members.iter().filter(|(is_static, property)| !is_static && initialises(env, property));
            for (_, property) in members {
                for &object in &this.objects {
                    self.fill_field(env, object, class, property);
                }
            }
            self.context = outer;
        }
    }

    /// Runs the initialiser of one field of a class.
    fn fill_field(&mut self, env: ClassEnv<'a>, object: ObjId, class: ObjId, property: &'a Property) {
        let span = match property {
            Property::Value(key, _) | Property::Getter(key, _) | Property::Setter(key, _) => key_span(key),
            Property::Spread(value) => value.span,
        };
        let kind = Kind::Frame { file: env.file, parent: Some(env.frame) };
        let frame = self.make(env.file, span.start, 15, kind);
        // No variable is owned by it.
        self.heap.objects[frame as usize].getters = vec![(u32::MAX, 0)];
        self.heap.set(frame, THIS, Some(Value::object(object)));
        self.heap.set(frame, HOME, Some(Value::object(class)));
        let mut act = Act::new(env.file, env.script, 0, frame, self.facts.len());
        self.fill(&mut act, object, std::slice::from_ref(property));
    }

    pub fn call_super(&mut self, parent: &Value, this: &Value, args: Vec<Value>, site: &Site) {
        for &target in &parent.objects {
            match self.heap.kind(target) {
                Kind::Class { .. } => self.initialise(target, this, args.clone(), site),
                Kind::Closure { .. } => {
                    self.call_object(target, this, args.clone(), site);
                }
                _ => {}
            }
        }
    }

    pub(super) fn super_member(&mut self, act: &mut Act<'a>, key: &'a Key, place: Place) -> Value {
        let Some(home) = self.lexical(act, HOME) else { return Value::any() };
        let parent = self.known("[[parent]]");
        let prototype = self.known("prototype");
        let parent = self.field(&home, &Keys::one(parent), place);
        let prototype = self.field(&parent, &Keys::one(prototype), place);
        let keys = self.keys(act, key);
        self.field(&prototype, &keys, place)
    }

    pub(super) fn class(&mut self, act: &mut Act<'a>, class: &'a Class, place: Place) -> Value {
        let object = self.make_at(place, 12, Kind::Class { file: act.file });
        let prototype = self.make_at(place, 13, Kind::Plain);
        let prototype_key = self.known("prototype");
        self.heap.set(object, prototype_key, Some(Value::object(prototype)));
        let home = self.known("[[home]]");
        if let Some(parent) = &class.parent {
            let parent = self.eval(act, parent);
            let key = self.known("[[parent]]");
            self.heap.set(object, key, Some(parent.clone()));
            if let Some(&first) = parent.objects.first() {
                self.heap.objects[object as usize].proto = Some(first);
                let above = self.heap.get(first, prototype_key).and_then(|value| value.objects.first().copied());
                self.heap.objects[prototype as usize].proto = above;
            }
        }
        if let Some(constructor) = class.constructor {
            let value = self.closure(act, constructor);
            if let Some(&id) = value.objects.first() {
                self.heap.set(id, home, Some(Value::object(object)));
            }
            let key = self.known("[[constructor]]");
            self.heap.set(object, key, Some(value));
        }
        let env = ClassEnv { class, file: act.file, script: act.script, frame: act.frame };
        self.classes.insert(object, env);
        for (is_static, property) in &class.members {
            if initialises(env, property) {
                if *is_static {
                    self.fill_field(env, object, object, property);
                }
                continue;
            }
            let target = if *is_static { object } else { prototype };
            let before = self.heap.keys(target);
            self.fill(act, target, std::slice::from_ref(property));
            for key in self.heap.keys(target) {
                if !before.contains(&key)
                    && let Some(value) = self.heap.get(target, key).cloned()
                {
                    for id in value.objects {
                        if matches!(self.heap.kind(id), Kind::Closure { .. }) {
                            self.heap.set(id, home, Some(Value::object(object)));
                        }
                    }
                }
            }
        }
        for &block in &class.static_blocks {
            let value = self.closure(act, block);
            self.call(&value, &Value::object(object), Vec::new(), &Site::at(place));
        }
        Value::object(object)
    }
}

/// Whether a member of a class is a field with an initialiser: no method, no accessor.
fn initialises(env: ClassEnv<'_>, property: &Property) -> bool {
    match property {
        Property::Value(_, Expr { kind: ExprKind::Function(function), .. }) => {
            env.script.is_some_and(|script| script.functions[*function as usize].arrow)
        }
        Property::Value(..) => true,
        _ => false,
    }
}
