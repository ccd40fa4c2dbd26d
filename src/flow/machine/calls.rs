//! Calls: callees, frames of functions, arguments, and the trace that a call leaves.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::familiar::{Called, given_objects};
use crate::flow::machine::{
    ARGUMENTS, Act, HOME, Jump, Keys, LIBRARY_STEPS, MAX_DEPTH, MAX_DESCENT, MAX_RECURSION, MAX_TARGETS, Machine, Site,
    THIS, key_span,
};
use crate::flow::solution::{Place, Step};
use crate::flow::value::{ANY, FALSE, Ids, ObjId, Sym, TRUE, Value, intersect, unite};
use crate::model::ir::{Arg, Expr, ExprKind, FnId, Key, Name, Pattern, Script};
use crate::package::Origin as FileOrigin;
use crate::source::{FileId, Span};

/// The function that a compiler puts beside the host's for what is logged.
const COMPILED_LOG: &str = "__f__";

impl<'a> Machine<'a> {
    /// Calls whatever `callee` can be.
    pub fn call(&mut self, callee: &Value, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        if let Some(given) = self.driven(callee, &args, site) {
            return given;
        }
        if callee.objects.len() == 1 && callee.bits & ANY == 0 {
            return self.call_object(callee.objects[0], this, args, site);
        }
        let targets = &callee.objects[..callee.objects.len().min(MAX_TARGETS)];
        let each = |machine: &mut Self, targets: &[ObjId]| {
            let mut result = Value::default();
            for &target in targets {
                let args = args.clone();
                let answer = machine.perhaps(&[], |machine| machine.call_object(target, this, args, site));
                result.join(&answer);
            }
            result
        };
        let (mut result, followed) = match self.split(targets.len(), |machine| each(machine, targets)) {
            Some(result) => (result, targets.len()),
            None => {
                let few = targets.len().min(2);
                (each(self, &targets[..few]), few)
            }
        };
        if followed < callee.objects.len() {
            // What the others give is not known.
            result.join(&Value::any());
        }
        if callee.objects.is_empty() || callee.is_any() {
            let answer = self.call_unknown(callee, this, &args, site);
            result.join(&answer);
        }
        result
    }

    pub fn call_object(&mut self, target: ObjId, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        if self.over() {
            return Value::any();
        }
        match self.heap.kind(target).clone() {
            Kind::Closure { file, function, frame } => match self.bundled_call(&args, site) {
                Some(answer) => answer,
                None => self.call_closure(target, file, function, frame, this, args, site),
            },
            Kind::Bound { target: inner } => {
                let this_key = self.known("this");
                let bound_this = self.heap.get(target, this_key).cloned().unwrap_or_default();
                let mut all = Vec::new();
                for index in 0..8 {
                    let key = self.index_sym(index);
                    match self.heap.get(target, key) {
                        Some(value) => all.push(value.clone()),
                        None => break,
                    }
                }
                all.extend(args);
                self.call_object(inner, &bound_this, all, site)
            }
            Kind::Class { .. } => self.construct(target, args, site),
            _ => self.call_special(target, this, args, site),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn call_closure(
        &mut self,
        target: ObjId,
        file: FileId,
        function: FnId,
        frame: ObjId,
        this: &Value,
        args: Vec<Value>,
        site: &Site,
    ) -> Value {
        let Some(script) = self.script_of(file, target) else { return Value::any() };
        let Some(body) = script.functions.get(function as usize) else { return Value::any() };
        let recursion = self.stack.iter().filter(|called| called.file == file && called.function == function).count();
        let round = recursion >= MAX_RECURSION
            && !self.loads_modules(file, function)
            && (recursion >= MAX_DESCENT || !self.descends(file, function, &args));
        if self.stack.len() >= MAX_DEPTH || round {
            if recursion == 0 {
                // A long chain of calls may hide anything at its end; a circle has been seen.
                self.give_up(site.place);
            }
            let mut out = Value::any();
            for arg in &args {
                unite(&mut out.taints, &arg.shallow_taints());
            }
            return out;
        }
        if let Some(answer) = self.known_function(file, body, &args, site) {
            return answer;
        }
        if recursion > 0 && !site.used && self.went_round(file, function, &args, site.place) {
            // Nobody asks for the answer.
            return Value::any();
        }
        if let Some(call) = self.familiar((file, function), this, &args) {
            let (answer, held, kept) = (call.answer.clone(), call.held.clone(), call.kept.clone());
            self.push_facts(&held);
            self.kept = kept;
            return answer;
        }
        let given = self.remembers().then(|| self.given(this, &args));
        let library = !matches!(self.package.files[file.index()].origin, FileOrigin::Own);
        let inside = self.in_library();
        if library && inside && self.loading == 0 && self.library_steps > LIBRARY_STEPS {
            return self.call_unknown(&Value::object(target), this, &args, site);
        }
        let spent = if library && !inside { std::mem::take(&mut self.library_steps) } else { self.library_steps };
        let outer = self.context;
        let mut hasher = FxHasher::default();
        (outer, site.place.file, site.place.span.start, site.place.span.end, file, function).hash(&mut hasher);
        self.context = hasher.finish();
        let name = body.name.clone().unwrap_or_else(|| site.name.clone());
        let objects = given_objects(&args);
        self.stack.push(Called { file, function, site: site.place, name, library, given: objects });
        self.record.reached.insert((file, function));
        let kind = Kind::Frame { file, parent: Some(frame) };
        let new = if body.closes {
            self.make(file, body.span.start, 1, kind)
        } else {
            self.heap.alloc_frame(kind, Place { file, span: body.span })
        };
        self.heap.objects[new as usize].getters.push((function, 0));
        if !body.arrow {
            let this = self.owner_of(target, this).unwrap_or_else(|| this.clone());
            self.heap.set(new, THIS, Some(this));
            let home_key = self.known("[[home]]");
            if let Some(home) = self.heap.get(target, home_key).cloned() {
                self.heap.set(new, HOME, Some(home));
            }
        }
        let mut act = Act::new(file, Some(script), function, new, self.facts.len());
        // Values carry the step into the function.
        let args: Vec<Value> = args
            .into_iter()
            .map(|arg| if arg.taints.is_empty() { arg } else { self.stepped(arg, site.place, "passed-to", &site.name) })
            .collect();
        if body.arguments && !body.arrow {
            let list = self.make(file, body.span.start, 2, Kind::Array);
            for (index, arg) in args.iter().enumerate().take(16) {
                let key = self.index_sym(index);
                self.heap.set(list, key, Some(arg.clone()));
                self.heap.add(list, ITEM, arg);
            }
            let length = self.known("length");
            self.heap.set(list, length, Some(Value::number(args.len() as f64)));
            self.heap.set(new, ARGUMENTS, Some(Value::object(list)));
        }
        self.hoist(&mut act, body);
        for (index, param) in body.params.iter().enumerate() {
            if param.rest {
                let rest = self.make(file, body.span.start, 3, Kind::Array);
                for (at, arg) in args.iter().skip(index).enumerate() {
                    let key = self.index_sym(at);
                    self.heap.set(rest, key, Some(arg.clone()));
                }
                self.bind(&mut act, &param.pattern, Value::object(rest));
            } else {
                let value = args.get(index).cloned().unwrap_or_else(Value::undefined);
                self.bind(&mut act, &param.pattern, value);
            }
        }
        let jump = self.block(&mut act, &body.body);
        let result = self.leave(&mut act, jump);
        if !body.closes {
            self.heap.bury(new);
        }
        self.stack.pop();
        if library != inside {
            self.library_steps = spent;
        }
        self.context = outer;
        self.kept = act.kept_facts.take().filter(|_| act.rejects);
        let (answer, held) = if body.is_async || (body.generator && !result.is_none()) {
            let held = self.kept.take().or(act.exit_facts).unwrap_or_default();
            let promise = self.make(file, body.span.start, 4, Kind::Promise);
            self.fulfil(promise, result, &held);
            if body.generator && !act.yielded.is_none() {
                self.heap.add(promise, ITEM, &act.yielded);
            }
            (Value::object(promise), Ids::new())
        } else {
            (result, act.exit_facts.unwrap_or_default())
        };
        self.push_facts(&held);
        if let Some(given) = given {
            self.remember((file, function), given, (&answer, &held));
        }
        answer
    }

    /// Whether a function runs modules of a table by their number or name, as those of bundles do for one another: each of its
    /// calls loads another.
    fn loads_modules(&mut self, file: FileId, function: FnId) -> bool {
        if let Some(&known) = self.loaders.get(&(file, function)) {
            return known;
        }
        let mut loads = false;
        if let Some(script) = self.program.script(file)
            && let Some(body) = script.functions.get(function as usize)
            && let Some(Pattern::Var(param, _)) = body.params.first().map(|param| &param.pattern)
        {
            let by_param = |expr: &Expr| {
                matches!(&expr.kind, ExprKind::Member { key: Key::Computed(key), .. }
                    if matches!(key.kind, ExprKind::Var(var) if var == *param))
            };
            script.for_each_expr(&mut |expr| {
                let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
                let inside = body.span.start <= expr.span.start && expr.span.end <= body.span.end;
                let table = match &callee.kind {
                    ExprKind::Member { object, key: Key::Static(call, _), .. } if &**call == "call" => by_param(object),
                    _ => by_param(callee),
                };
                loads |= inside && args.len() > 2 && table;
            });
        }
        self.loaders.insert((file, function), loads);
        loads
    }

    /// What `this` is in a method that was handed on without its receiver (`then(this.send)`, `success: this.send`): whose
    /// method it is. The options that it is handed on in hold nothing of its own.
    fn owner_of(&self, method: ObjId, this: &Value) -> Option<Value> {
        let owners = self.owners.get(&method)?;
        let handed = this.objects.iter().all(|&id| {
            let mut holds = false;
            if matches!(self.heap.kind(id), Kind::Plain | Kind::Array) {
                self.heap.each(id, |value| holds |= value.objects.contains(&method));
            }
            holds
        });
        handed.then(|| Value { objects: owners.clone(), ..Value::default() })
    }

    fn script_of(&self, file: FileId, target: ObjId) -> Option<&'a Script> {
        if let Some(script) = self.program.script(file) {
            return Some(script);
        }
        let template = self.program.template(file)?;
        let at = self.heap.objects[target as usize].place.span.start;
        template
            .inline_scripts
            .iter()
            .rev()
            .find(|(_, _, start)| *start <= at)
            .or_else(|| template.inline_scripts.first())
            .map(|(_, script, _)| &**script)
    }

    fn hoist(&mut self, act: &mut Act<'a>, body: &'a crate::model::ir::Function) {
        for &(var, function) in &body.hoisted {
            let value = self.closure(act, function);
            self.heap.set(act.frame, var, Some(value));
        }
    }

    /// Ends an activation: joins the arms that left early and gives the returned value.
    pub fn leave(&mut self, act: &mut Act<'a>, jump: Jump) -> Value {
        if matches!(jump, Jump::Next) {
            let held = self.facts_since(act.base);
            act.kept_facts = Some(match act.kept_facts.take() {
                Some(facts) => intersect(&facts, &held),
                None => held.clone(),
            });
            act.exit_facts = Some(match act.exit_facts.take() {
                Some(facts) => intersect(&facts, &held),
                None => held.clone(),
            });
            let mut value = Value::undefined();
            value.no = held;
            act.returned.join(&value);
        }
        self.facts.truncate(act.base);
        for (_, diff) in std::mem::take(&mut act.deferred) {
            self.heap.merge_one(diff, &[]);
        }
        std::mem::take(&mut act.returned)
    }

    pub fn closure(&mut self, act: &Act<'a>, function: FnId) -> Value {
        let start = act.script.map_or(0, |script| script.functions[function as usize].span.start);
        let frame = act.frame;
        let kind = Kind::Closure { file: act.file, function, frame };
        let key = (act.file, start, self.context ^ u64::from(frame).rotate_left(40), 11);
        if let Some(&id) = self.sites.get(&key)
            && *self.heap.kind(id) == kind
        {
            return Value::object(id);
        }
        let span = act.script.map_or(Span::default(), |script| script.functions[function as usize].span);
        let id = self.heap.alloc(kind, Place { file: act.file, span });
        self.sites.insert(key, id);
        let arrow = act.script.is_some_and(|script| script.functions[function as usize].arrow);
        if !arrow {
            let prototype = self.heap.alloc(Kind::Plain, Place { file: act.file, span });
            let key = self.known("prototype");
            self.heap.set(id, key, Some(Value::object(prototype)));
        }
        Value::object(id)
    }

    pub fn args(&mut self, act: &mut Act<'a>, args: &'a [Arg]) -> (Vec<Value>, Vec<Option<Place>>) {
        let mut values = Vec::with_capacity(args.len());
        let mut places = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.eval(act, &arg.value);
            let place = Place { file: act.file, span: arg.value.span };
            if arg.spread {
                let value = self.iterated(&value, place);
                let mut index = 0;
                let mut any = false;
                while index < 16 {
                    let key = self.index_sym(index);
                    let mut item = Value::default();
                    for &object in &value.objects {
                        if let Some(found) = self.heap.get(object, key) {
                            item.join(&found.clone());
                        }
                    }
                    if item.is_none() {
                        break;
                    }
                    any = true;
                    values.push(item);
                    places.push(Some(place));
                    index += 1;
                }
                let rest = if any {
                    value.objects.iter().filter_map(|&object| self.heap.get(object, ITEM)).fold(
                        Value::default(),
                        |mut all, item| {
                            all.join(item);
                            all
                        },
                    )
                } else {
                    self.items_of(&value)
                };
                // A list of unknown length fills the places that follow.
                if !rest.is_none() {
                    for _ in 0..if any { 3 } else { 4 } {
                        values.push(rest.clone());
                        places.push(Some(place));
                    }
                }
                continue;
            }
            values.push(value);
            places.push(Some(place));
        }
        (values, places)
    }

    pub(super) fn eval_call(
        &mut self,
        act: &mut Act<'a>,
        expr: &'a Expr,
        callee: &'a Expr,
        args: &'a [Arg],
        optional: bool,
        used: bool,
    ) -> Value {
        let place = Place { file: act.file, span: expr.span };
        let name = self.chain(callee, act.script);
        match &callee.kind {
            ExprKind::Super => {
                let parent = self.eval(act, callee);
                let this = self.lexical(act, THIS).unwrap_or_default();
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name, used };
                self.call_super(&parent, &this, values, &site);
                if let Some(home) = self.lexical(act, HOME) {
                    for &class in &home.objects {
                        self.run_fields(class, &this);
                    }
                }
                this
            }
            // `parent.call.apply(parent, [this].concat(args))`, as compilers call the constructor of a class above.
            ExprKind::Member { object, key: Key::Static(apply, _), .. }
                if &**apply == "apply"
                    && args.len() == 2
                    && matches!(&object.kind, ExprKind::Member { key: Key::Static(call, _), .. } if &**call == "call") =>
            {
                self.eval(act, object);
                let (values, _) = self.args(act, args);
                let target = Value { bits: 0, ..values.first().cloned().unwrap_or_default() };
                let mut given = self.spread(&values.get(1).cloned().unwrap_or_default());
                if target.objects.is_empty() || given.is_empty() {
                    return Value::any();
                }
                let this = given.remove(0);
                let site = Site { place, args: Vec::new(), name, used };
                if target.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Class { .. })) {
                    self.call_super(&target, &this, given, &site);
                    return this;
                }
                self.call(&target, &this, given, &site)
            }
            ExprKind::Member { object, key, optional: maybe } => {
                let base = if matches!(object.kind, ExprKind::Super) {
                    self.lexical(act, THIS).unwrap_or_default()
                } else {
                    self.eval(act, object)
                };
                if (*maybe || optional) && !base.may_true() {
                    return Value::undefined();
                }
                let at = (place, &name, used);
                if let Key::Computed(index) = key
                    && !matches!(object.kind, ExprKind::Super)
                {
                    // `steps[agreed ? 'go' : 'stay']()`: each is called under what choosing it proves.
                    if let ExprKind::Conditional(test, yes, no) = &index.kind {
                        return self.choose(
                            act,
                            test,
                            |machine, act| machine.call_chosen(act, &base, yes, args, at),
                            |machine, act| machine.call_chosen(act, &base, no, args, at),
                        );
                    }
                    let value = self.eval(act, index);
                    if let Some(states) = self.states(&value) {
                        let mut out = Value::default();
                        for (state, facts) in states {
                            let keys = Keys::one(state);
                            let answer = self
                                .perhaps(&facts, |machine| machine.call_key(act, &base, &keys, index.span, args, at));
                            out.join(&answer);
                        }
                        return out;
                    }
                    let keys = self.keys_from(&value);
                    return self.call_key(act, &base, &keys, index.span, args, at);
                }
                let keys = self.keys(act, key);
                let method = if matches!(object.kind, ExprKind::Super) {
                    self.super_member(act, key, place)
                } else {
                    self.field(&base, &keys, Place { file: act.file, span: key_span(key) })
                };
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name, used };
                let method_name = match keys.0.as_slice() {
                    [one] => self.spell(*one),
                    _ => "*".into(),
                };
                self.call_member(&base, &method_name, &method, values, &site)
            }
            // `(agreed ? go : stay)()`
            ExprKind::Conditional(test, yes, no) => self.choose(
                act,
                test,
                |machine, act| machine.eval_call(act, expr, yes, args, optional, used),
                |machine, act| machine.eval_call(act, expr, no, args, optional, used),
            ),
            _ => {
                let target = self.eval(act, callee);
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name, used };
                self.call(&target, &Value::undefined(), values, &site)
            }
        }
    }

    fn call_chosen(
        &mut self,
        act: &mut Act<'a>,
        base: &Value,
        index: &'a Expr,
        args: &'a [Arg],
        at: (Place, &Name, bool),
    ) -> Value {
        let value = self.eval(act, index);
        let keys = self.keys_from(&value);
        self.call_key(act, base, &keys, index.span, args, at)
    }

    fn call_key(
        &mut self,
        act: &mut Act<'a>,
        base: &Value,
        keys: &Keys,
        span: Span,
        args: &'a [Arg],
        (place, name, used): (Place, &Name, bool),
    ) -> Value {
        let method = self.field(base, keys, Place { file: act.file, span });
        let (values, places) = self.args(act, args);
        let site = Site { place, args: places, name: name.clone(), used };
        let method_name = match keys.0.as_slice() {
            [one] => self.spell(*one),
            _ => "*".into(),
        };
        self.call_member(base, &method_name, &method, values, &site)
    }

    /// The names of states that a value may be, of which each proves something of its own; truth values count by their names.
    pub(super) fn states(&mut self, value: &Value) -> Option<Vec<(Sym, Ids)>> {
        let plain = value.number.is_none() && value.objects.is_empty() && value.bits & !(TRUE | FALSE) == 0;
        if !plain || value.strings.iter().any(|text| text.complete().is_none()) {
            return None;
        }
        let mut out: Vec<(Name, Ids)> =
            value.strings.iter().filter_map(|text| Some((text.complete()?.clone(), text.held.clone()))).collect();
        if value.strings.is_empty() {
            out.extend((value.bits & TRUE != 0).then(|| ("true".into(), value.yes.clone())));
            out.extend((value.bits & FALSE != 0).then(|| ("false".into(), value.no.clone())));
        }
        let told = out.iter().any(|(_, facts)| !facts.is_empty());
        (told && out.len() > 1 && (value.strings.is_empty() || value.bits & !FALSE == 0))
            .then(|| out.into_iter().map(|(name, facts)| (self.sym_of(&name), facts)).collect())
    }

    /// Calls `base.name(…)`: a function that was found, else a method that the language has.
    pub fn call_member(&mut self, base: &Value, name: &str, method: &Value, args: Vec<Value>, site: &Site) -> Value {
        if name == "push"
            && self.is_chunk(&args)
            && let Some(answer) = self.queue_push(&args, site)
        {
            return answer;
        }
        // What a compiler makes of `console.log`: the level, the place, the values.
        if name == COMPILED_LOG
            && args.len() > 2
            && let Some(level) = args[0].as_text().cloned()
        {
            self.sink_console(&format!("console.{level}"), &args[2..], site);
            return Value::undefined();
        }
        if matches!(name, "createComponent" | "createApp")
            && args.first().is_some_and(|class| self.is_class_component(class))
        {
            self.register_class_component(&args[0], site);
            return Value::undefined();
        }
        if matches!(name, "resolve" | "reject" | "all" | "allSettled" | "any" | "race")
            && let [object] = base.objects.as_slice()
            && self.is_promise_class(*object)
        {
            let promise = self.external("", &format!("Promise.{name}"));
            return self.call_object(promise, base, args, site);
        }
        let mut result = Value::default();
        let mut called = false;
        if !method.objects.is_empty() {
            let mut targets = method.clone();
            targets.bits = 0;
            targets.strings.clear();
            result = self.call(&targets, base, args.clone(), site);
            called = true;
        }
        if !called || method.is_any() {
            if let Some(answer) = self.builtin_method(base, name, &args, site) {
                result.join(&answer);
            } else if !called {
                let answer = self.unknown_method(base, name, &args, site);
                result.join(&answer);
            }
        }
        result
    }

    /// The same value, one step further: the way of each taint in it grows.
    pub fn stepped(&mut self, value: Value, place: Place, note: &'static str, name: &Name) -> Value {
        for &id in &value.taints {
            let way = self.record.ways.entry(id).or_default();
            if way.len() < 24 && !way.iter().any(|step| step.place == place) {
                way.push(Step { place, note, name: name.clone() });
            }
        }
        value
    }

    /// The path of calls from the entry point to here.
    pub fn path(&self) -> Vec<Step> {
        let mut out = Vec::new();
        if let Some(entry) = self.entries.get(self.entry) {
            out.push(Step { place: entry.place, note: "entry", name: entry.method.clone() });
        }
        for called in self.stack.iter().skip(1) {
            out.push(Step { place: called.site, note: "calls", name: called.name.clone() });
        }
        out
    }
}
