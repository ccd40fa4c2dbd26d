//! `minivet baseline`.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Session, Target, failures, options, output};
use crate::engine;
use crate::engine::baseline::Baseline;
use crate::policy::catalogue::Lang;

/// Name of the file that is written by default.
const NAME: &str = "minivet-baseline.json";

#[derive(Debug, Args)]
pub(super) struct BaselineArgs {
    #[command(flatten)]
    target: Target,
    /// Where the baseline goes; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = NAME)]
    output: PathBuf,
}

pub(super) fn run(session: &Session, args: &BaselineArgs) -> Exit {
    let Some(mut options) = options(session, &args.target) else { return Exit::Usage };
    // What an older baseline hides is known as well.
    options.baseline = Some(std::sync::Arc::default());
    let outcome = {
        let _progress = output::Progress::start(session.say("正在检查…", "vetting…"));
        engine::vet(&args.target.paths, &session.policy, &options)
    };
    let exit = failures(session, &outcome.failures);
    if exit != Exit::Clean {
        return exit;
    }
    let baseline = Baseline::of(&outcome.packages);
    if args.output.as_os_str() == "-" {
        return output::print(&baseline.render());
    }
    let written = output::write(&baseline.render(), Some(&args.output));
    if written != Exit::Clean || session.style.quiet {
        return written;
    }
    let file = args.output.display();
    output::print(&match session.lang() {
        Lang::Zh => format!("已写入 {file}：{} 个已知问题\n", baseline.len()),
        Lang::En => format!("wrote {file}: {} known findings\n", baseline.len()),
    })
}
