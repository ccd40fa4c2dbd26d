//! The command line program.

fn main() -> std::process::ExitCode {
    minivet::cli::run()
}
