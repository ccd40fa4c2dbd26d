//! `minivet flows` and `minivet inventory`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Session, Target, failures, options, output};
use crate::engine;
use crate::report::{self, Report, Shape};

#[derive(Debug, Args)]
pub(super) struct FlowsArgs {
    #[command(flatten)]
    target: Target,
    /// Form of the list
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: FlowsFormat,
    /// Where it goes, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show personal information and secrets as they are
    #[arg(long)]
    unmasked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FlowsFormat {
    Table,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct InventoryArgs {
    #[command(flatten)]
    target: Target,
    /// Form of the inventory
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    format: InventoryFormat,
    /// Where it goes, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InventoryFormat {
    Markdown,
    Html,
    Json,
}

fn gather(session: &Session, target: &Target, unmasked: bool) -> Result<(Report, Exit), Exit> {
    let mut options = options(session, target).ok_or(Exit::Usage)?;
    options.no_rules = true;
    let outcome = {
        let _progress = output::Progress::start(session.say("正在分析…", "analysing…"));
        engine::vet(&target.paths, &session.policy, &options)
    };
    let exit = failures(session, &outcome.failures);
    let shape = Shape { lang: session.lang(), unmasked, flows: true, coverage: false, lines: false };
    Ok((report::build(&outcome, &session.policy, shape), exit))
}

pub(super) fn flows(session: &Session, args: &FlowsArgs) -> Exit {
    let (report, exit) = match gather(session, &args.target, args.unmasked) {
        Ok(gathered) => gathered,
        Err(exit) => return exit,
    };
    let text = match args.format {
        FlowsFormat::Json => report::json(&report),
        FlowsFormat::Table => report::flows(&report, session.style),
    };
    exit.max(output::write(&text, args.output.as_deref()))
}

pub(super) fn inventory(session: &Session, args: &InventoryArgs) -> Exit {
    let (report, exit) = match gather(session, &args.target, false) {
        Ok(gathered) => gathered,
        Err(exit) => return exit,
    };
    let text = match args.format {
        InventoryFormat::Json => report::json(&report),
        InventoryFormat::Markdown => report::inventory_markdown(&report, session.style),
        InventoryFormat::Html => report::inventory_html(&report, session.style),
    };
    exit.max(output::write(&text, args.output.as_deref()))
}
