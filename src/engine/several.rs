//! Several packages at once. Each has threads of its own, so that none waits for the work of another one: its time limit counts
//! its own time.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::ThreadPool;

use super::config::Config;
use super::{Options, Vetted, vet_package};
use crate::package::Package;
use crate::policy::Policy;

/// Stack of a thread: deep code needs deep stacks.
pub const STACK: usize = 64 << 20;

/// A package that was read, with the configuration that holds for it.
pub(super) struct Job {
    pub package: Package,
    pub config: Arc<Config>,
}

impl Job {
    fn bytes(&self) -> usize {
        self.package.files.iter().map(|file| file.source.text.len()).sum()
    }

    fn vet(self, policy: &Policy, options: &Options) -> Vetted {
        vet_package(self.package, policy, &self.config, options)
    }
}

/// Vets packages, as many at once as there are threads; what came of them, in their order.
pub(super) fn vet_all(jobs: Vec<Job>, policy: &Policy, options: &Options) -> Vec<Vetted> {
    let threads = rayon::current_num_threads();
    let count = threads.min(jobs.len());
    let pool = |_| rayon::ThreadPoolBuilder::new().num_threads((threads / count).max(1)).stack_size(STACK).build();
    let pools: Vec<ThreadPool> = match count {
        0 | 1 => Vec::new(),
        count => (0..count).map(pool).collect::<Result<_, _>>().unwrap_or_default(),
    };
    if pools.is_empty() {
        return jobs.into_iter().map(|job| job.vet(policy, options)).collect();
    }
    // The largest first: they take longest.
    let mut waiting: Vec<(usize, Job)> = jobs.into_iter().enumerate().collect();
    waiting.sort_by_key(|(_, job)| Reverse(job.bytes()));
    let waiting = Mutex::new(waiting.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |pool: &ThreadPool| {
        let mut out = Vec::new();
        while let Some((index, job)) = next() {
            out.push((index, pool.install(|| job.vet(policy, options))));
        }
        out
    };
    let mut vetted: Vec<(usize, Vetted)> = std::thread::scope(|scope| {
        let running: Vec<_> = pools.iter().map(|pool| scope.spawn(move || work(pool))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(out) => out,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        running.into_iter().flat_map(join).collect()
    });
    vetted.sort_by_key(|(index, _)| *index);
    vetted.into_iter().map(|(_, vetted)| vetted).collect()
}
