//! The options of the command.

use crate::config::{CertificateSource, HttpListen, RelayConfig, DEFAULT_PORT};
use crate::static_tokens::StaticTokens;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use log::LevelFilter;
use moqt_net::ClientTrust;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The options that `moq-game relay` of the Node package takes as well: its tests compare the texts.
const SHARED: &str = include_str!("options.txt");

/// What `--help` prints.
pub(super) fn help() -> String {
    format!(
        "\
moq-game-relay: a MoQ Transport (draft-18) relay for games

Usage: moq-game-relay [OPTIONS]

{SHARED}
  --log LEVEL            off, error, warn, info, debug, trace [default: info]
  -h, --help             this text
  -V, --version          the version
"
    )
}

/// What the command is asked to do.
#[derive(Debug)]
pub(super) enum Action {
    Run(Box<Arguments>),
    Help,
    Version,
}

/// How the command runs.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) config: RelayConfig,
    pub(super) drain: Duration,
    pub(super) log: LevelFilter,
    pub(super) tokens: Option<PathBuf>,
}

/// Reads the command line. An error is one line with a hint.
pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Action, String> {
    let mut config = RelayConfig {
        http: HttpListen::SamePort,
        ..RelayConfig::default()
    };
    let (mut listen, mut exempt) = (Vec::new(), Vec::new());
    let (mut cert, mut key, mut tokens) = (None::<PathBuf>, None::<PathBuf>, None::<PathBuf>);
    let (mut dev, mut names) = (false, Vec::new());
    let (mut authorities, mut optional) = (Vec::new(), false);
    let (mut drain, mut level) = (Duration::from_millis(3_000), LevelFilter::Info);
    while let Some(arg) = parser.next().map_err(|e| hint(&e.to_string()))? {
        let option = match &arg {
            Long(name) => format!("--{name}"),
            Short(letter) => format!("-{letter}"),
            Value(value) => {
                let value = value.to_string_lossy();
                return Err(hint(&format!("unexpected argument {value:?}")));
            }
        };
        match option.as_str() {
            "-h" | "--help" => return Ok(Action::Help),
            "-V" | "--version" => return Ok(Action::Version),
            "--dev-cert" => {
                dev = true;
                continue;
            }
            "--client-cert-optional" => {
                optional = true;
                continue;
            }
            known if OPTIONS.contains(&known) => {}
            unknown => return Err(unknown_option(unknown)),
        }
        let value = parser
            .value()
            .map_err(|_| hint(&format!("{option} needs a value")))?
            .string()
            .map_err(|_| hint(&format!("the value of {option} is not valid UTF-8")))?;
        let limits = &mut config.limits;
        match option.as_str() {
            "--listen" => listen.push(address(&option, &value)?),
            "--http" if value == "off" => config.http = HttpListen::Off,
            "--http" => config.http = HttpListen::At(address(&option, &value)?),
            "--cert" => cert = Some(value.into()),
            "--key" => key = Some(value.into()),
            "--dev-name" => names.push(value),
            "--client-ca" => authorities.push(value.into()),
            "--tokens" => tokens = Some(value.into()),
            "--goaway-uri" => config.goaway_uri = value,
            "--drain" => drain = Duration::from_millis(number(&option, &value)? as u64),
            "--max-sessions" => limits.sessions = number(&option, &value)?,
            "--max-sessions-per-address" => limits.sessions_per_address = number(&option, &value)?,
            "--max-handshakes" => limits.handshakes = number(&option, &value)?,
            "--max-handshakes-per-address" => {
                limits.handshakes_per_address = number(&option, &value)?;
            }
            "--exempt-address" => exempt.push(value.parse().map_err(|_| {
                hint(&format!(
                    "{option} takes an IP address such as 192.0.2.7, not {value:?}"
                ))
            })?),
            "--connects-per-second" => {
                limits.connect_rate.per_second = number(&option, &value)? as u64
            }
            "--connect-burst" => limits.connect_rate.burst = number(&option, &value)? as u64,
            "--connects-per-second-per-address" => {
                limits.connect_rate_per_address.per_second = number(&option, &value)? as u64
            }
            "--connect-burst-per-address" => {
                limits.connect_rate_per_address.burst = number(&option, &value)? as u64
            }
            "--requests-per-second" => {
                limits.request_rate.per_second = number(&option, &value)? as u64
            }
            "--request-burst" => limits.request_rate.burst = number(&option, &value)? as u64,
            "--publishes-per-second" => {
                limits.publish_rate.per_second = number(&option, &value)? as u64
            }
            "--publish-burst" => limits.publish_rate.burst = number(&option, &value)? as u64,
            "--fetch-bytes-per-second" => {
                limits.fetch_bytes_rate.per_second = number(&option, &value)? as u64
            }
            "--fetch-burst" => limits.fetch_bytes_rate.burst = number(&option, &value)? as u64,
            "--max-fetches" => limits.fetches_per_session = number(&option, &value)?,
            "--all-session-bytes" => limits.session_bytes = number(&option, &value)?,
            "--session-bytes" => limits.partial_bytes_per_session = number(&option, &value)?,
            "--max-requests" => limits.requests_per_session = number(&option, &value)?,
            "--max-namespaces" => limits.namespaces = number(&option, &value)?,
            "--max-tracks" => limits.tracks = number(&option, &value)?,
            "--max-subscriptions" => limits.subscriptions = number(&option, &value)?,
            "--max-object-bytes" => limits.object_bytes = number(&option, &value)?,
            "--cache-bytes" => limits.cache_bytes = number(&option, &value)?,
            "--track-cache-bytes" => limits.cache_bytes_per_track = number(&option, &value)?,
            "--queue-bytes" => limits.queue_bytes_per_subscriber = number(&option, &value)?,
            _ => {
                level = value.parse().map_err(|_| {
                    hint(&format!(
                        "--log takes off, error, warn, info, debug or trace, not {value:?}"
                    ))
                })?;
            }
        }
    }
    if !listen.is_empty() {
        config.listen = listen;
    }
    if !exempt.is_empty() {
        config.exempt_addresses = exempt;
    }
    config.certificate = match (cert, key, dev) {
        (Some(_), _, true) | (_, Some(_), true) => {
            return Err(hint("--dev-cert and --cert/--key exclude each other"));
        }
        (Some(certificate), Some(key), false) => CertificateSource::Files { certificate, key },
        (None, None, _) => CertificateSource::Development { names },
        _ => {
            return Err(hint(
                "--cert and --key belong together: give both or neither",
            ))
        }
    };
    if optional && authorities.is_empty() {
        return Err(hint("--client-cert-optional belongs to --client-ca"));
    }
    config.clients = (!authorities.is_empty()).then_some(ClientTrust {
        ca_files: authorities,
        required: !optional,
    });
    config.limits.check().map_err(|e| hint(&e))?;
    if let Some(path) = &tokens {
        config.authorizer = Arc::new(StaticTokens::from_file(path).map_err(|e| e.to_string())?);
    }
    Ok(Action::Run(Box::new(Arguments {
        config,
        drain,
        log: level,
        tokens,
    })))
}

const OPTIONS: &[&str] = &[
    "--listen",
    "--http",
    "--cert",
    "--key",
    "--dev-name",
    "--client-ca",
    "--tokens",
    "--goaway-uri",
    "--drain",
    "--max-sessions",
    "--max-sessions-per-address",
    "--max-handshakes",
    "--max-handshakes-per-address",
    "--exempt-address",
    "--connects-per-second",
    "--connect-burst",
    "--connects-per-second-per-address",
    "--connect-burst-per-address",
    "--requests-per-second",
    "--request-burst",
    "--publishes-per-second",
    "--publish-burst",
    "--fetch-bytes-per-second",
    "--fetch-burst",
    "--max-requests",
    "--max-fetches",
    "--session-bytes",
    "--all-session-bytes",
    "--max-namespaces",
    "--max-tracks",
    "--max-subscriptions",
    "--max-object-bytes",
    "--cache-bytes",
    "--track-cache-bytes",
    "--queue-bytes",
    "--log",
];

fn hint(text: &str) -> String {
    format!("{text} (see moq-game-relay --help)")
}

fn unknown_option(option: &str) -> String {
    // The longest common beginning finds most typing errors.
    let common = |known: &str| {
        known
            .bytes()
            .zip(option.bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let flags = [
        "--dev-cert",
        "--client-cert-optional",
        "--help",
        "--version",
    ];
    let near = OPTIONS
        .iter()
        .chain(&flags)
        .max_by_key(|known| common(known));
    match near.filter(|known| common(known) > 3) {
        Some(near) => hint(&format!("unknown option {option}; did you mean {near}?")),
        None => hint(&format!("unknown option {option}")),
    }
}

fn number(option: &str, value: &str) -> Result<usize, String> {
    value
        .replace('_', "")
        .parse()
        .map_err(|_| hint(&format!("{option} takes a whole number, not {value:?}")))
}

fn address(option: &str, value: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = value.parse() {
        return Ok(address);
    }
    let bare = value
        .strip_prefix('[')
        .and_then(|v| v.strip_suffix(']'))
        .unwrap_or(value);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, DEFAULT_PORT));
    }
    Err(hint(&format!(
        "{option} takes an address such as 127.0.0.1:4443, 0.0.0.0:4443 or [::]:4443, not {value:?}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Arguments, String> {
        match parse(lexopt::Parser::from_args(args))? {
            Action::Run(arguments) => Ok(*arguments),
            other => panic!("not a run: {other:?}"),
        }
    }

    #[test]
    fn defaults_and_options() {
        let plain = run(&[]).expect("no options");
        assert_eq!(
            plain.config.listen,
            [SocketAddr::from(([127, 0, 0, 1], 4443))]
        );
        assert_eq!(plain.config.http, HttpListen::SamePort);
        assert_eq!(
            plain.config.certificate,
            CertificateSource::Development { names: vec![] }
        );
        let full = run(&[
            "--listen",
            "[::]:0",
            "--listen=0.0.0.0",
            "--http",
            "off",
            "--dev-name",
            "lan.example",
            "--max-sessions",
            "10_000",
            "--queue-bytes=1024",
            "--exempt-address=192.0.2.7",
            "--exempt-address",
            "::1",
            "--max-sessions-per-address=7",
            "--log",
            "debug",
            "--drain",
            "5",
        ])
        .expect("good options");
        assert_eq!(full.config.listen.len(), 2);
        assert_eq!(full.config.listen[1].port(), DEFAULT_PORT);
        assert_eq!(full.config.http, HttpListen::Off);
        assert_eq!(full.config.limits.sessions, 10_000);
        assert_eq!(full.config.limits.queue_bytes_per_subscriber, 1024);
        assert_eq!(full.config.limits.sessions_per_address, 7);
        let addresses: [std::net::IpAddr; 2] =
            ["192.0.2.7", "::1"].map(|text| text.parse().expect("an address"));
        assert_eq!(full.config.exempt_addresses, addresses);
        assert_eq!(plain.config.exempt_addresses.len(), 2);
        assert_eq!(
            (full.log, full.drain),
            (LevelFilter::Debug, Duration::from_millis(5))
        );
        assert!(matches!(
            parse(lexopt::Parser::from_args(["-h"])),
            Ok(Action::Help)
        ));
        assert!(matches!(
            parse(lexopt::Parser::from_args(["--version"])),
            Ok(Action::Version)
        ));
    }

    #[test]
    fn every_option_is_in_the_help_text() {
        for option in OPTIONS {
            assert!(help().contains(&format!("  {option} ")), "{option}");
        }
    }

    #[test]
    fn mistakes_are_one_line_with_a_hint() {
        for (args, wanted) in [
            (&["--lisen", "x"][..], "did you mean --listen?"),
            (&["--wrong"], "unknown option --wrong"),
            (&["-x"], "unknown option -x"),
            (&["stray"], "\"stray\""),
            (&["--listen"], "--listen needs a value"),
            (&["--listen", "here"], "127.0.0.1:4443"),
            (&["--max-sessions", "many"], "whole number"),
            (&["--max-sessions", "0"], "at least 1"),
            (&["--exempt-address", "proxy"], "192.0.2.7"),
            (&["--cert", "a.pem"], "belong together"),
            (
                &["--cert", "a.pem", "--key", "b.pem", "--dev-cert"],
                "exclude each other",
            ),
            (&["--log", "loud"], "\"loud\""),
            (&["--tokens", "/nonexistent.json"], "/nonexistent.json"),
        ] {
            let error = run(args).expect_err("a mistake");
            assert!(error.contains(wanted) && !error.contains('\n'), "{error}");
        }
    }
}
