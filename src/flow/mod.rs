//! Analyses over the program: one bounded abstract execution gives host calls, collections, flows and consent.
//!
//! The machine runs every entry point (top-level code, lifecycles, handlers) with abstract values that carry constants, objects,
//! functions, personal information, origins, and the facts that a value proves when it is true. Each execution writes down what it
//! did and keeps a trail of what it read from the state that entry points share (page data, globals, storage, module variables);
//! rounds run again only those whose reads have changed, until none has. So a last record stands for every entry point, and a
//! package whose pages share little is gone through little more than once.

mod boxes;
mod builtins;
mod bundle;
mod collections;
mod consent;
mod entries;
mod fields;
mod frameworks;
mod heap;
mod host_calls;
mod ids;
pub mod kept;
mod lookup;
mod machine;
mod record;
mod runtime;
mod solution;
mod value;

pub use solution::*;

use crate::model::Program;
use crate::package::Package;
use crate::policy::Policy;
use crate::policy::host::Host;

/// Stack of the analysis in bytes: calls and expressions nest.
const STACK: usize = 256 << 20;

/// Solves a linked program.
pub fn solve(package: &Package, policy: &Policy, program: &Program) -> Solution {
    solve_until(package, policy, program, &|| false)
}

/// As [`solve`], but ends early once `stop` says so: the solution is then exhausted. `stop` is asked now and then.
pub fn solve_until(
    package: &Package,
    policy: &Policy,
    program: &Program,
    stop: &(dyn Fn() -> bool + Sync),
) -> Solution {
    let empty = Host::default();
    let host = policy.host(&package.host).unwrap_or(&empty);
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().name("solve".to_owned()).stack_size(STACK).spawn_scoped(scope, || {
            let mut machine = machine::Machine::new(package, policy, host, program, stop);
            machine.run();
            machine.finish()
        });
        match worker.map(|worker| worker.join()) {
            Ok(Ok(solution)) => solution,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Solution { exhausted: true, ..Solution::default() },
        }
    })
}
