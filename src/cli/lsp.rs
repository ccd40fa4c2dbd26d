//! `minivet lsp`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Common, Exit, lang, output};
use crate::lsp::{ServerOptions, Settings, stdio};

#[derive(Debug, Args)]
pub(super) struct LspArgs {
    /// Taken for the sake of clients that pass it: the server always speaks on standard input and output
    #[arg(long, hide = true)]
    stdio: bool,
    /// This configuration, and not the nearest minivet.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(common: &Common, args: &LspArgs) -> ExitCode {
    let settings = Settings {
        // The client's locale decides when nothing is asked for.
        lang: common.lang.map(|asked| lang(Some(asked)).id().to_owned()),
        rules: common.rules.clone(),
        config: args.config.clone(),
        ..Settings::default()
    };
    match stdio(ServerOptions { settings, ..ServerOptions::default() }) {
        Ok(true) => ExitCode::SUCCESS,
        // As the protocol says for an end without a goodbye.
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            output::error(&error.to_string());
            Exit::Input.into()
        }
    }
}
