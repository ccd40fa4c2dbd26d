//! `minivet why`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Session, Target, failures, options, output};
use crate::engine;
use crate::policy::catalogue::Lang;
use crate::report::why;

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// A file of the package, or an API (`getLocation`, `swan.getLocation`)
    #[arg(value_name = "FILE|API")]
    what: String,
    /// The package
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// The host; by default it is detected
    #[arg(long)]
    host: Option<String>,
}

pub(super) fn run(session: &Session, args: &WhyArgs) -> Exit {
    let target = Target {
        paths: vec![args.path.clone()],
        host: args.host.clone(),
        category: Vec::new(),
        submission: None,
        config: None,
        cache_dir: None,
        no_cache: true,
    };
    let Some(mut options) = options(session, &target) else { return Exit::Usage };
    options.no_rules = true;
    let outcome = engine::vet(&target.paths, &session.policy, &options);
    let exit = failures(session, &outcome.failures);
    let mut out = String::new();
    for vetted in &outcome.packages {
        for answer in why(vetted, &args.what) {
            let chain = answer.chain.join(" → ");
            let from = answer.library.map(|name| format!(" [{name}]")).unwrap_or_default();
            let _ = match (session.lang(), answer.reachable) {
                (_, true) => writeln!(out, "{}{from}\n    {chain}", answer.what),
                (Lang::Zh, false) => writeln!(out, "{}{from}\n    没有页面引用到这里", answer.what),
                (Lang::En, false) => writeln!(out, "{}{from}\n    no page leads here", answer.what),
            };
        }
    }
    if out.is_empty() && exit == Exit::Clean {
        output::error(&match session.lang() {
            Lang::Zh => format!("没有找到 `{}`：既不是这个小程序里的文件，也没有代码调用它", args.what),
            Lang::En => format!("`{}` was not found: no file of the package, and no code calls it", args.what),
        });
        return Exit::Input;
    }
    exit.max(output::print(&out))
}
