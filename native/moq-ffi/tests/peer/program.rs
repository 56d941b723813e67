//! A relay that misbehaves on request, as a program: so that tests in any language put the library as it
//! ships before peers that no honest relay plays. See [`HELP`].

mod breaches;
mod broken_tracks;
mod certificates;
mod garbage;
#[path = "../support/peer.rs"]
mod peer;

use peer::Peer;
use std::io::{Read, Write};
use std::process::ExitCode;

const HELP: &str = "\
scripted_peer SCRIPT [ARGUMENT]

Listens on a free port of 127.0.0.1, prints \"ready PORT SHA256\", plays the script on its newest
connection, and ends when its standard input does.

  track NAME      accepts a subscription, then sends: groups-0-2-1-3, object-cut-by-reset,
                  object-cut-by-fin
  breach NAME     after SETUP (or with it) breaks one rule and prints \"closed CODE\" with what the client
                  closes with, or \"answered\"; names: breach list
  garbage SEED    noise on streams and in datagrams, after SETUP with an even seed, instead of it with an odd
  polite          keeps every rule and offers nothing
  certificates DIR   writes ca.pem, leaf.pem, leaf.key (for 127.0.0.1) and other-ca.pem there, and ends
";

/// Tells the test that started this program.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more: the end of standard input follows.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn start(script: &str, argument: &str) -> Option<Peer> {
    Some(match script {
        "track" => Peer::start(broken_tracks::named(argument)?),
        "breach" => Peer::start(breaches::named(argument)?),
        "garbage" => Peer::start(garbage::Garbage::new(argument.parse().ok()?)),
        "polite" => Peer::start(garbage::Polite::new()),
        _ => return None,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = arguments.get(1).map_or("", String::as_str);
    match arguments.first().map(String::as_str) {
        Some("breach") if argument == "list" => {
            breaches::names().for_each(say);
            return ExitCode::SUCCESS;
        }
        Some("certificates") if !argument.is_empty() => {
            certificates::write(argument.as_ref());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let script = arguments.first().map_or("", String::as_str);
    let Some(peer) = start(script, argument) else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    say(&format!("ready {} {}", peer.port(), peer.hash()));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}
