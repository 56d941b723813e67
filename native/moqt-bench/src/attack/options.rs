//! The command line of `moqt-bench attack`.

use super::kind::Kind;
use crate::options::{number, seconds};
use lexopt::prelude::{Long, Short, ValueExt};
use moqt_net::{parse_sha256, Trust};
use std::time::Duration;

pub const HELP: &str = "\
moqt-bench attack: a hostile client, bounded in count and time, and what the relay does about it

Usage: moqt-bench attack --kind KIND --url URL [OPTIONS]

  --url URL           moqt://host:port (raw QUIC) or https://host:port/path (WebTransport)
  --sha256 HEX        accept the certificate with this hash; may be repeated
  --insecure          accept any certificate
  --token TEXT        sent with SETUP
  --connections N     open at once; one that the relay closes is opened again   [default: 4]
  --attempts N        connections opened in all                                 [default: 100000]
  --rate N            actions a second, all connections together; 0: as many as the relay takes
                                                                                [default: 0]
  --seconds SECONDS   then it leaves                                            [default: 5]
  --track NS/NAME     an existing track: slow-read subscribes to it, fetch asks for it
                                                                                [default: attack/track]

An action of each kind:
  streams             a data stream with an object of a track that nobody subscribed to
  datagrams           a datagram of such a track
  unknown-streams     a stream whose type the draft does not know
  subscribe           SUBSCRIBE to one more track that may come some day (rendezvous)
  fetch               FETCH of everything of --track
  namespaces          PUBLISH_NAMESPACE of one more namespace
  announcements       PUBLISH_NAMESPACE and its withdrawal, again and again
  prefixes            SUBSCRIBE_NAMESPACE of one more prefix
  tracks              PUBLISH of one more track
  huge-lengths        a message, property or object whose declared length is out of all proportion
  partial-objects     64 KiB of one more object that never ends, on a track of its own
  slow-read           one more subscription or fetch of --track, of which nothing is read
  half-open           nothing: a connection without SETUP
  trickle             one more request stream, or one more byte of a request that never ends
  garbage             random bytes on a new stream and in a datagram
  reconnect           a session that is opened and closed
  handshakes          an Initial packet from one of 256 ports that says nothing more; every fourth
                      is garbage
  mixed               each connection does another one of these (without handshakes)

Output: JSON, one object a line on stdout.
  {\"event\":\"attacking\"}  the first connection is up, or the first packet is out
  {\"event\":\"result\", ...}
      kind, seconds
      connections         tried, opened, refused (never became ready), closed_by_relay (by code),
                          last_reason (of the relay), open_at_end
      actions             carried out
      blocked             not possible then: no more streams, flow control, a full queue
      requests            accepted, refused (by code)
      streams_refused     STOP_SENDING and resets of the relay, by code
      packets             handshakes: sent, and answered with retry, version_negotiation, other
      packets_sent, packets_received, bytes_sent, bytes_received
      cpu_us, rss_bytes   of the attacker
Exit status 1 with a message on stderr when not even one connection could be made.
";

#[derive(Clone, Debug)]
pub struct AttackOptions {
    pub kind: Kind,
    pub url: String,
    pub trust: Trust,
    pub token: Option<String>,
    pub connections: usize,
    pub attempts: u64,
    pub rate: f64,
    pub seconds: Duration,
    pub namespace: Vec<String>,
    pub name: String,
}

/// `None`: help was asked for.
pub fn parse(parser: &mut lexopt::Parser) -> Result<Option<AttackOptions>, String> {
    let mut kind = None;
    let mut options = AttackOptions {
        kind: Kind::Streams,
        url: String::new(),
        trust: Trust::default(),
        token: None,
        connections: 4,
        attempts: 100_000,
        rate: 0.0,
        seconds: Duration::from_secs(5),
        namespace: vec!["attack".into()],
        name: "track".into(),
    };
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let option = match arg {
            Short('h') => return Ok(None),
            Long("help") => return Ok(None),
            Long("insecure") => {
                options.trust.insecure = true;
                continue;
            }
            Long(name) => name.to_owned(),
            other => return Err(other.unexpected().to_string()),
        };
        let value = parser
            .value()
            .and_then(ValueExt::string)
            .map_err(|e| format!("--{option}: {e}"))?;
        match option.as_str() {
            "kind" => {
                kind = Some(Kind::from_name(&value).ok_or_else(|| {
                    format!("--kind: {value:?} is none; see moqt-bench attack --help")
                })?);
            }
            "url" => options.url = value,
            "sha256" => {
                let pin = parse_sha256(&value).map_err(|e| e.to_string())?;
                options.trust.pins.push(pin);
            }
            "token" => options.token = Some(value),
            "connections" => options.connections = number(&option, &value, 1, 10_000)? as usize,
            "attempts" => options.attempts = number(&option, &value, 1, 10_000_000)?,
            "rate" => options.rate = seconds(&option, &value, 1e7)?,
            "seconds" => {
                options.seconds = Duration::from_secs_f64(seconds(&option, &value, 86_400.0)?);
            }
            "track" => {
                let mut fields: Vec<String> = value.split('/').map(str::to_owned).collect();
                options.name = fields.pop().unwrap_or_default();
                options.namespace = fields;
            }
            other => {
                return Err(format!(
                    "unknown option --{other}; see moqt-bench attack --help"
                ))
            }
        }
    }
    options.kind = kind.ok_or("--kind is needed; see moqt-bench attack --help")?;
    if options.url.is_empty() {
        return Err("--url is needed; see moqt-bench attack --help".into());
    }
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<AttackOptions>, String> {
        parse(&mut lexopt::Parser::from_args(args))
    }

    #[test]
    fn options_are_read_and_mistakes_named() {
        let options = parsed(&[
            "--kind",
            "trickle",
            "--url",
            "moqt://h:1",
            "--rate",
            "50",
            "--track",
            "a/b/c",
        ]);
        let options = options.unwrap().unwrap();
        assert_eq!((options.kind, options.rate), (Kind::Trickle, 50.0));
        assert_eq!((options.namespace.len(), options.name.as_str()), (2, "c"));
        assert!(parsed(&["--help"]).unwrap().is_none());
        for (args, part) in [
            (&["--url", "x"][..], "--kind"),
            (&["--kind", "kindness"], "kindness"),
            (&["--kind", "streams"], "--url"),
            (&["--connections", "0"], "--connections"),
            (&["--what", "0"], "--what"),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_help_names_every_kind() {
        for (_, name) in Kind::ALL {
            assert!(HELP.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}
