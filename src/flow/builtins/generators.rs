//! Generators that a compiler has rewritten to a table of steps.

use crate::flow::heap::Kind;
use crate::flow::machine::{Machine, Site};
use crate::flow::value::{ANY, Value};
use crate::model::ir::Steps;

impl Machine<'_> {
    /// What a helper gives that drives the body of a generator, which is among its first arguments: what the body gives.
    /// A helper out of sight that marks a generator, or makes an async function of it, gives that.
    pub fn driven(&mut self, callee: &Value, args: &[Value], site: &Site) -> Option<Value> {
        if let [only] = args
            && self.steps(only) == Steps::Owner
            && !callee.objects.iter().any(|&object| matches!(self.heap.kind(object), Kind::Closure { .. }))
        {
            return Some(only.clone());
        }
        let at = args.iter().take(2).position(|arg| self.steps(arg) == Steps::Body)?;
        let (body, this) = (args[at].clone(), args.get(if at == 0 { 2 } else { 0 }).cloned().unwrap_or_default());
        let state = self.make_at(site.place, 28, Kind::Plain);
        let inner = self.inner_site(site);
        Some(self.call(&body, &this, vec![Value::object(state)], &inner))
    }

    /// What part a function has in a generator that was a table of steps.
    pub fn steps(&self, value: &Value) -> Steps {
        let [object] = value.objects.as_slice() else { return Steps::No };
        let Kind::Closure { file, function, .. } = self.heap.kind(*object) else { return Steps::No };
        let script = self.program.script(*file).filter(|_| value.bits & ANY == 0);
        script.and_then(|script| script.functions.get(*function as usize)).map_or(Steps::No, |body| body.steps)
    }
}
