//! The command line of `moq-game-relay`.

mod args;
mod logger;
mod stop;

use crate::config::RelayConfig;
use crate::relay::{Relay, RelayHandle};
use args::{Action, Arguments};
use std::io::Write;
use std::process::ExitCode;
use stop::StopRequests;

/// What the fuzz targets in `native/fuzz` reach of this room.
pub mod fuzzing {
    /// Arguments, one a line: read, or one line that says what is wrong.
    pub fn arguments(text: &str) {
        // Files are not read: that is for the target of token files.
        let lines = text.lines().filter(|line| !line.contains("tokens"));
        if let Err(error) = super::args::parse(lexopt::Parser::from_args(lines)) {
            assert!(error.contains("--help"), "{error}");
        }
    }
}

/// Runs the command; the process ends with what it gives.
pub fn main() -> ExitCode {
    let arguments = match args::parse(lexopt::Parser::from_env()) {
        Ok(Action::Run(arguments)) => *arguments,
        Ok(Action::Help) => {
            say(&args::help());
            return ExitCode::SUCCESS;
        }
        Ok(Action::Version) => {
            say(concat!("moq-game-relay ", env!("CARGO_PKG_VERSION"), "\n"));
            return ExitCode::SUCCESS;
        }
        Err(text) => return fail(&text, 2),
    };
    logger::start(arguments.log);
    // Before anything else: a signal during the start must not kill the process half-way.
    let requests = match StopRequests::watch() {
        Ok(requests) => requests,
        Err(e) => return fail(&format!("cannot watch for signals: {e}"), 1),
    };
    let relay = match Relay::start(arguments.config.clone()) {
        Ok(relay) => relay,
        Err(e) => return fail(&e.to_string(), 1),
    };
    say(&banner(
        &relay,
        &arguments.config,
        arguments.tokens.is_some(),
    ));
    run(&relay, &arguments, requests)
}

/// Writes to standard output. Whoever started the relay may have stopped reading: that is no reason
/// to end.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn fail(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "moq-game-relay: {text}");
    ExitCode::from(code)
}

fn run(relay: &RelayHandle, arguments: &Arguments, mut requests: StopRequests) -> ExitCode {
    if let Some(name) = requests.next() {
        say(&format!(
            "{name}: shutting down (up to {} ms for clients to leave)\n",
            arguments.drain.as_millis()
        ));
        // A second one ends the process at once.
        std::thread::spawn(move || {
            if requests.next().is_some() {
                std::process::exit(130);
            }
        });
    }
    match relay.shutdown(arguments.drain) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e.to_string(), 1),
    }
}

fn banner(relay: &RelayHandle, config: &RelayConfig, tokens: bool) -> String {
    use crate::config::CertificateSource;
    use std::fmt::Write as _;
    let mut text = format!("moq-game-relay {} is ready\n", env!("CARGO_PKG_VERSION"));
    for url in relay.urls() {
        let _ = writeln!(text, "  url          {url}");
    }
    let _ = writeln!(text, "  sha-256      {}", relay.certificate_sha256());
    let kind = match &config.certificate {
        CertificateSource::Development { .. } => "development (self-signed, less than 14 days)",
        CertificateSource::Files { .. } => "from files",
    };
    let _ = writeln!(text, "  certificate  {kind}");
    if let Some(address) = relay.http_address() {
        let _ = writeln!(
            text,
            "  http         http://{address}/  (certificate.sha256, stats, metrics)"
        );
    }
    let admission = if tokens {
        "by token"
    } else {
        "open to everyone"
    };
    let _ = writeln!(text, "  admission    {admission}");
    text
}
