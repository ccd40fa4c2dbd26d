//! The language server: what a reviewer will see, as the developer types.
//!
//! The main thread owns the documents and answers; a worker owns the packages and vets them. Each edit makes a new
//! generation; a snapshot of an older one is never used for an answer. Conversions to and from the protocol stand in
//! [`to_proto`] and [`from_proto`] and nowhere else.

mod client;
mod documents;
mod edits;
mod from_proto;
mod pages;
mod requests;
mod schema;
mod server;
mod settings;
mod snapshot;
mod to_proto;
mod transport;
mod worker;

pub use schema::schema;
pub use server::serve;
pub use settings::Settings;

use crate::engine::FactsStore;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Settings that hold until the client says otherwise.
    pub settings: Settings,
    /// Where facts are kept; by default in memory, one store a folder.
    pub facts: FactsStore,
}

/// Serves on standard input and output; whether the client said goodbye as the protocol wants it.
///
/// # Errors
/// When standard output is gone.
pub fn stdio(options: ServerOptions) -> std::io::Result<bool> {
    serve_on(std::io::BufReader::new(std::io::stdin()), std::io::stdout(), options)
}

/// Serves on a pair of streams, as [`stdio`] does.
///
/// # Errors
/// When nothing more can be written.
pub fn serve_on(
    input: impl std::io::BufRead + Send + 'static,
    output: impl std::io::Write + Send + 'static,
    options: ServerOptions,
) -> std::io::Result<bool> {
    let (connection, writer) = transport::connect(input, output)?;
    let orderly = serve(connection, options);
    match writer.join() {
        Ok(result) => result.map(|()| orderly),
        Err(_) => Ok(false),
    }
}
