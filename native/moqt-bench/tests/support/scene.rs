//! A relay with bystanders, and an attacker.

use moqt_relay::{Relay, RelayConfig, RelayHandle, RelayStats};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections of those who are there from the start: a publisher and a subscriber for each class.
pub const BYSTANDERS: usize = 2 * CLASSES.len();

const CLASSES: [&str; 3] = ["reliable", "latest", "datagram"];
const LIMIT: Duration = Duration::from_secs(30);
/// What the process may grow by besides what sessions hold: allocator, statistics, bystanders.
const SLACK: u64 = 48 << 20;

/// One at a time: memory is measured for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

pub struct Scene {
    relay: RelayHandle,
    config: RelayConfig,
    bystanders: Mutex<Vec<Bystander>>,
    before: u64,
    grown: Mutex<u64>,
    _alone: MutexGuard<'static, ()>,
}

struct Bystander {
    class: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

fn bench() -> Command {
    Command::new(env!("CARGO_BIN_EXE_moqt-bench"))
}

fn seconds() -> String {
    std::env::var("MOQ_ATTACK_SECONDS").unwrap_or_else(|_| "1.5".to_owned())
}

/// The sum of an object's counts.
pub fn total(counts: &Value) -> Option<u64> {
    let counts = counts.as_object()?;
    Some(counts.values().filter_map(Value::as_u64).sum())
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.and_then(|k| k.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

impl Scene {
    pub fn new(change: impl FnOnce(&mut RelayConfig)) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut config = RelayConfig {
            listen: vec![([127, 0, 0, 1], 0).into()],
            ..RelayConfig::default()
        };
        change(&mut config);
        let relay = Relay::start(config.clone()).expect("a relay");
        let scene = Scene {
            relay,
            config,
            bystanders: Mutex::default(),
            before: 0,
            grown: Mutex::default(),
            _alone: alone,
        };
        let bystanders = CLASSES.map(|class| scene.bystander(class, "early"));
        Scene {
            bystanders: Mutex::new(bystanders.into()),
            before: resident(),
            ..scene
        }
    }

    fn target(&self) -> [String; 4] {
        let url = self.relay.url().expect("a URL").replace("https:", "moqt:");
        let hash = self.relay.certificate_sha256().to_owned();
        ["--url".into(), url, "--sha256".into(), hash]
    }

    /// Publishes and subscribes through the relay until it is told to stop.
    fn bystander(&self, class: &'static str, name: &str) -> Bystander {
        let track = format!("bystander/{class}/{name}");
        let mut child = bench()
            .arg("both")
            .args(self.target())
            .args(["--track", &track, "--class", class, "--rate", "100"])
            .args(["--warmup", "0", "--seconds", "600", "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("moqt-bench");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut bystander = Bystander {
            class,
            stdin: child.stdin.take(),
            child,
            lines,
        };
        assert_eq!(bystander.line()["event"], "ready", "{class}");
        bystander
    }

    /// The track of the bystander that loses nothing.
    pub fn reliable_track(&self) -> String {
        "bystander/reliable/early".to_owned()
    }

    pub fn stats(&self) -> RelayStats {
        self.relay.stats().expect("statistics")
    }

    /// Waits for something that happens a little later.
    pub fn until(&self, what: &str, reached: impl Fn(&RelayStats) -> bool) {
        let until = Instant::now() + LIMIT;
        while !reached(&self.stats()) {
            assert!(Instant::now() < until, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Most bytes that the process grew by during the attack.
    pub fn growth(&self) -> u64 {
        *self.grown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Attacks, and checks what holds for every attack. Gives what the attacker saw.
    pub fn attack(&self, kind: &str, more: &[&str]) -> Value {
        let mut child = bench()
            .args(["attack", "--kind", kind, "--seconds", &seconds()])
            .args(self.target())
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("moqt-bench");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        // Who comes in the middle of it is served too; one who uses up an address shuts others of
        // the same address out.
        let shared = self.config.exempt_addresses.is_empty();
        let late = (!shared).then(|| self.bystander("reliable", "late"));
        let mut grown = 0;
        let status = loop {
            grown = grown.max(resident().saturating_sub(self.before));
            if let Some(status) = child.try_wait().expect("a child") {
                break status;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut result = String::new();
        lines.read_line(&mut result).expect("a line");
        assert!(status.success(), "the attacker: {line}{result}");
        *self.grown.lock().unwrap_or_else(PoisonError::into_inner) = grown;
        let result: Value = serde_json::from_str(&result).expect("JSON");
        let opened = result["connections"]["open_at_end"].as_u64().unwrap_or(0);
        let connections = argument(more, "--connections").max(4).max(opened);
        let ceiling = connections * self.config.session_ceiling() as u64 + SLACK;
        assert!(grown < ceiling, "{kind}: grew by {grown}, above {ceiling}");
        let mut bystanders = self
            .bystanders
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for bystander in bystanders.drain(..).chain(late) {
            bystander.finish(kind);
        }
        result
    }
}

fn argument(args: &[&str], name: &str) -> u64 {
    let at = args.iter().position(|arg| *arg == name);
    let value = at.and_then(|at| args.get(at + 1));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

impl Bystander {
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}: {line:?}", self.class))
    }

    /// It has missed nothing that its class promises.
    fn finish(mut self, kind: &str) {
        drop(self.stdin.take());
        let result = self.line();
        assert!(self.child.wait().expect("a child").success());
        let count = |name: &str| result[name].as_u64().expect("a count");
        let class = self.class;
        assert_eq!(count("closed"), 0, "{kind}, {class}: {result}");
        assert_eq!(count("out_of_order"), 0, "{kind}, {class}: {result}");
        if class == "reliable" {
            assert_eq!(count("lost"), 0, "{kind}, {class}: {result}");
        }
        // Alive, however busy the machine is.
        assert!(
            count("delivered") * 4 > count("sent") || count("sent") < 20,
            "{kind}, {class}: {result}"
        );
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        // After a failed assertion it may still run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
