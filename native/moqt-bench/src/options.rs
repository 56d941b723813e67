//! The command line.

use lexopt::prelude::{Long, Short, ValueExt};
use moqt::delivery::DeliveryClass;
use moqt_net::{parse_sha256, Trust};
use std::path::PathBuf;
use std::time::Duration;

pub const HELP: &str = "\
moqt-bench: publishes and subscribes through a relay with the Rust client, and measures

Usage: moqt-bench publish   --url URL --track NS/NAME [OPTIONS]
       moqt-bench subscribe --url URL --track NS/NAME [OPTIONS]
       moqt-bench both      --url URL --track NS/NAME [OPTIONS]   one process, one thread
       moqt-bench attack    --kind KIND --url URL [OPTIONS]       see moqt-bench attack --help

  --url URL           moqt://host:port (raw QUIC) or https://host:port/path (WebTransport)
  --sha256 HEX        accept the certificate with this hash; may be repeated
  --insecure          accept any certificate
  --token TEXT        sent with SETUP
  --track NS/NAME     fields of the namespace and the name, separated by slashes; take a new one
                      for each run
  --class CLASS       reliable | latest | deadline | datagram             [default: datagram]
  --deadline MS       of the class deadline                               [default: 200]
  --size BYTES        payload of an update, at least 16                   [default: 100]
  --rate HZ           updates a second; 0: as many as go through          [default: 60]
  --group N           reliable: updates in a group                        [default: 60]
  --keyframe BYTES    size of the first update of a group                 [default: --size]
  --window N          with --rate 0: updates sent and not received yet, as counted by a subscriber
                      in this process (publish opens one for it)          [default: 64]
  --connections N     subscribers, each on a connection of its own        [default: 1]
  --warmup SECONDS    after all subscriptions are ready, not counted      [default: 1]
  --seconds SECONDS   measured                                            [default: 5]
  --count N           publish: ends after N updates instead
  --until-eof         ends when stdin is closed, at the latest after --seconds
  --stdio             steps when told on stdin, a line each: start (publish), measure, stop; then
                      --warmup, --seconds and --count do not matter
  --acks PATH         with --rate 0, in two processes: how far the subscribers are passes through
                      this socket, which publish listens on (Unix; ended by itself)
  --timeout SECONDS   to connect everything                               [default: 60]

The payload begins with the number of the update from 0 (8 bytes, big endian) and the time it was
sent in us of CLOCK_MONOTONIC (8 bytes, big endian), so processes of one machine share the clock.

Output: JSON, one object a line on stdout.
  {\"event\":\"ready\"}   publish: the relay has accepted the namespace; otherwise: all subscriptions
                      are ready. The measurement begins after the warm-up.
  {\"event\":\"result\", ...}
      role, class, size, rate, connections, seconds      as measured
      sent, refused                                      updates of the publisher
      delivered, delivered_per_s, bytes                  objects and payload of all subscribers
      lost                                               numbers left out, over all subscribers
      out_of_order                                       objects with a number that is not above the last
      gaps_reported                                      gaps that the client told of
      first_us                                           first object after subscribing: p50, p99, max
      age_us                                             sent to received: p50, p99, max
      interval_us                                        between two objects of a subscriber: p50, p99, max
      cpu_us, cpu_user_us, cpu_sys_us, rss_bytes         of this process
      packets_sent, packets_received                     UDP datagrams
      bytes_sent, bytes_received                         UDP payload; add 28 a packet for IPv4 and UDP
      closed                                             connections lost while it ran
Exit status 1 with a message on stderr when something could not be connected.
";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Publish,
    Subscribe,
    Both,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub role: Role,
    pub url: String,
    pub trust: Trust,
    pub token: Option<String>,
    pub namespace: Vec<String>,
    pub name: String,
    pub class: DeliveryClass,
    pub deadline: Duration,
    pub size: usize,
    pub rate: f64,
    pub group: u64,
    pub keyframe: Option<usize>,
    pub window: u64,
    pub connections: usize,
    pub warmup: Duration,
    pub seconds: Duration,
    pub count: Option<u64>,
    pub until_eof: bool,
    pub stdio: bool,
    pub acks: Option<PathBuf>,
    pub timeout: Duration,
}

/// `None`: help was asked for.
pub fn parse(mut parser: lexopt::Parser) -> Result<Option<Options>, String> {
    let mut options = Options {
        role: Role::Both,
        url: String::new(),
        trust: Trust::default(),
        token: None,
        namespace: Vec::new(),
        name: String::new(),
        class: DeliveryClass::Datagram,
        deadline: Duration::from_millis(200),
        size: 100,
        rate: 60.0,
        group: 60,
        keyframe: None,
        window: 64,
        connections: 1,
        warmup: Duration::from_secs(1),
        seconds: Duration::from_secs(5),
        count: None,
        until_eof: false,
        stdio: false,
        acks: None,
        timeout: Duration::from_secs(60),
    };
    let mut role = None;
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let option = match arg {
            Short('h') => return Ok(None),
            Long("help") => return Ok(None),
            Long("insecure") => {
                options.trust.insecure = true;
                continue;
            }
            Long("until-eof") => {
                options.until_eof = true;
                continue;
            }
            Long("stdio") => {
                options.stdio = true;
                continue;
            }
            Long(name) => name.to_owned(),
            lexopt::Arg::Value(value) if role.is_none() => {
                role = Some(match value.string().unwrap_or_default().as_str() {
                    "publish" => Role::Publish,
                    "subscribe" => Role::Subscribe,
                    "both" => Role::Both,
                    other => return Err(format!("unknown role {other:?}; see --help")),
                });
                continue;
            }
            other => return Err(other.unexpected().to_string()),
        };
        let value = parser
            .value()
            .and_then(ValueExt::string)
            .map_err(|e| format!("--{option}: {e}"))?;
        set(&mut options, &option, &value)?;
    }
    options.role = role.ok_or("give a role: publish, subscribe or both; see --help")?;
    if options.url.is_empty() || options.namespace.is_empty() {
        return Err("--url and --track NS/NAME are needed; see --help".into());
    }
    Ok(Some(options))
}

fn set(options: &mut Options, option: &str, value: &str) -> Result<(), String> {
    match option {
        "url" => value.clone_into(&mut options.url),
        "sha256" => {
            let pin = parse_sha256(value).map_err(|e| e.to_string())?;
            options.trust.pins.push(pin);
        }
        "token" => options.token = Some(value.to_owned()),
        "track" => {
            let mut fields: Vec<String> = value.split('/').map(str::to_owned).collect();
            options.name = fields.pop().unwrap_or_default();
            options.namespace = fields;
        }
        "class" => {
            options.class = match value {
                "reliable" => DeliveryClass::Reliable,
                "latest" => DeliveryClass::Latest,
                "deadline" => DeliveryClass::Deadline,
                "datagram" => DeliveryClass::Datagram,
                other => return Err(format!("--class: {other:?} is none; see --help")),
            }
        }
        "deadline" => options.deadline = Duration::from_millis(number(option, value, 1, 60_000)?),
        "size" => options.size = number(option, value, 16, 16 << 20)? as usize,
        "rate" => options.rate = seconds(option, value, 1e6)?,
        "group" => options.group = number(option, value, 1, u64::MAX)?,
        "keyframe" => options.keyframe = Some(number(option, value, 16, 16 << 20)? as usize),
        "window" => options.window = number(option, value, 1, 1 << 20)?,
        "connections" => options.connections = number(option, value, 1, 100_000)? as usize,
        "warmup" => options.warmup = Duration::from_secs_f64(seconds(option, value, 1e6)?),
        "seconds" => options.seconds = Duration::from_secs_f64(seconds(option, value, 1e6)?),
        "count" => options.count = Some(number(option, value, 1, u64::MAX)?),
        "acks" => options.acks = Some(value.into()),
        "timeout" => options.timeout = Duration::from_secs_f64(seconds(option, value, 1e6)?),
        other => return Err(format!("unknown option --{other}; see --help")),
    }
    Ok(())
}

pub fn number(option: &str, value: &str, min: u64, max: u64) -> Result<u64, String> {
    value
        .parse()
        .ok()
        .filter(|n| (min..=max).contains(n))
        .ok_or_else(|| format!("--{option}: {value:?} is not a number from {min} to {max}"))
}

pub fn seconds(option: &str, value: &str, max: f64) -> Result<f64, String> {
    value
        .parse()
        .ok()
        .filter(|n| (0.0..=max).contains(n))
        .ok_or_else(|| format!("--{option}: {value:?} is not a number from 0 to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Result<Option<Options>, String> {
        parse(lexopt::Parser::from_args(text.split_whitespace()))
    }

    #[test]
    fn reads_what_the_help_says() {
        let text =
            "publish --url moqt://127.0.0.1:1 --track a/b/c --class latest --rate 0 --window 8";
        let options = args(text).expect("valid").expect("no help");
        assert_eq!(options.role, Role::Publish);
        assert_eq!(options.namespace, ["a", "b"]);
        assert_eq!((options.name.as_str(), options.window), ("c", 8));
        assert_eq!(options.class, DeliveryClass::Latest);
        assert!(args("subscribe --help").expect("valid").is_none());
        for wrong in [
            "publish",
            "dance --url moqt://a --track a/b",
            "publish --url moqt://a --track a/b --size 3",
            "publish --url moqt://a --track a/b --rate fast",
            "publish --url moqt://a --track a/b --colour red",
        ] {
            assert!(args(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_help_names_every_option() {
        for option in [
            "url",
            "sha256",
            "insecure",
            "token",
            "track",
            "class",
            "deadline",
            "size",
            "rate",
            "group",
            "keyframe",
            "window",
            "connections",
            "warmup",
            "seconds",
            "count",
            "until-eof",
            "stdio",
            "acks",
            "timeout",
        ] {
            assert!(HELP.contains(&format!("--{option}")), "{option}");
        }
    }
}
