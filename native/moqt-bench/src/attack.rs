//! A hostile client: real connections that break rules or exhaust what is bounded.

mod bytes;
mod handshakes;
mod hostile;
mod kind;
mod options;
mod tally;

pub use options::{parse, AttackOptions, HELP};

use crate::run::print;
use crate::system::cpu;
use hostile::{Hostile, Outcome};
use kind::Kind;
use moqt::transport::{CloseReason, TransportEvent};
use moqt_net::{ConnId, ConnInfo, ConnectConfig, Context, Handler, LinkConfig, Runtime};
use std::collections::HashMap;
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tally::Tally;

/// How often it acts.
const TICK: Duration = Duration::from_millis(2);
/// Actions of one connection at a time.
const BURST: usize = 64;
/// Connections that are being made at one time.
const CONNECTING: usize = 64;
/// What connecting may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Attacks and prints what came of it.
pub fn run(options: AttackOptions) -> Result<(), String> {
    let (begun, before) = (Instant::now(), cpu());
    let options = Arc::new(options);
    let attacking = || print(&serde_json::json!({ "event": "attacking" }));
    let tally = match options.kind {
        Kind::Handshakes => handshakes::flood(&options, attacking)?,
        _ => connected(&options, attacking)?,
    };
    let reached = tally.opened > 0 || options.kind == Kind::Handshakes;
    print(&tally.to_json(&options, begun.elapsed(), cpu().since(before)));
    match reached {
        true => Ok(()),
        false => Err(format!(
            "no connection could be made: {}",
            tally.last_failure.as_deref().unwrap_or("no answer in time")
        )),
    }
}

fn connected(options: &Arc<AttackOptions>, attacking: impl FnOnce()) -> Result<Tally, String> {
    let runtime = Runtime::start("moqt-bench").map_err(|e| e.to_string())?;
    let (first, opened) = channel();
    let (done, result) = channel();
    let until = Instant::now() + options.seconds;
    runtime.spawn(Box::new(Attacker::new(options.clone(), until, first, done)));
    if opened.recv_timeout(options.seconds + TIMEOUT).is_ok() {
        attacking();
    }
    let left = until.saturating_duration_since(Instant::now()) + TIMEOUT;
    let tally = match result.recv_timeout(left) {
        Ok(tally) => Ok(tally),
        Err(RecvTimeoutError::Timeout) => Err("the attacker did not end in time".to_owned()),
        Err(RecvTimeoutError::Disconnected) => Err("the attacker has died".to_owned()),
    };
    runtime.shutdown().map_err(|e| e.to_string())?;
    tally
}

/// All connections of an attack.
struct Attacker {
    options: Arc<AttackOptions>,
    until: Instant,
    begun: Instant,
    tick: Instant,
    conns: HashMap<ConnId, Option<Hostile>>,
    tally: Tally,
    first: Option<Sender<()>>,
    done: Option<Sender<Tally>>,
}

impl Attacker {
    fn new(
        options: Arc<AttackOptions>,
        until: Instant,
        first: Sender<()>,
        done: Sender<Tally>,
    ) -> Self {
        let now = Instant::now();
        Attacker {
            options,
            until,
            begun: now,
            tick: now,
            conns: HashMap::new(),
            tally: Tally::default(),
            first: Some(first),
            done: Some(done),
        }
    }

    fn open(&mut self, cx: &mut Context<'_>) {
        let mut connecting = self.conns.values().filter(|c| c.is_none()).count();
        while self.conns.len() < self.options.connections
            && self.tally.tried < self.options.attempts
            && connecting < CONNECTING
        {
            let config = ConnectConfig {
                trust: self.options.trust.clone(),
                timeout: TIMEOUT,
                link: self.link(),
                ..ConnectConfig::new(self.options.url.clone())
            };
            self.tally.tried += 1;
            connecting += 1;
            match cx.connect(config) {
                Ok(conn) => drop(self.conns.insert(conn, None)),
                Err(e) => {
                    self.tally.last_failure = Some(e.to_string());
                    self.finish(cx);
                    return;
                }
            }
        }
    }

    /// Who does not read grants little credit.
    fn link(&self) -> LinkConfig {
        match self.options.kind {
            Kind::SlowRead => LinkConfig {
                stream_receive_window: 4 << 10,
                receive_window: 32 << 10,
                datagram_receive_buffer: 4 << 10,
                ..LinkConfig::default()
            },
            _ => LinkConfig::default(),
        }
    }

    /// How many actions are due now.
    fn due(&self, now: Instant) -> u64 {
        match self.options.rate {
            rate if rate > 0.0 => {
                let all = now.saturating_duration_since(self.begun).as_secs_f64() * rate;
                (all as u64).saturating_sub(self.tally.actions)
            }
            _ => u64::MAX,
        }
    }

    fn act(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let mut due = self.due(now);
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        // What is due is shared by all.
        let share = (due / ids.len().max(1) as u64).clamp(1, BURST as u64);
        for id in ids {
            let Some(Some(hostile)) = self.conns.get_mut(&id) else {
                continue;
            };
            for _ in 0..share.min(due) {
                let Some(transport) = cx.transport(id) else {
                    break;
                };
                if !hostile.is_ready() {
                    break;
                }
                match hostile.act(now, transport, &self.options) {
                    Outcome::Done => self.tally.actions += 1,
                    Outcome::Blocked => {
                        self.tally.blocked += 1;
                        break;
                    }
                    Outcome::Leave => {
                        self.tally.actions += 1;
                        transport.close(0, "");
                        break;
                    }
                }
                due = due.saturating_sub(1);
            }
        }
    }

    fn finish(&mut self, cx: &mut Context<'_>) {
        for (id, hostile) in &self.conns {
            if let Some(transport) = cx.transport(*id) {
                self.tally.add_traffic(&transport.stats());
                self.tally.open_at_end += u64::from(hostile.is_some());
                transport.close(0, "");
            }
        }
        if let Some(done) = self.done.take() {
            // The main thread may have given up.
            let _ = done.send(std::mem::take(&mut self.tally));
        }
        cx.remove_self();
    }
}

impl Handler for Attacker {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.open(cx);
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, _: ConnInfo) {
        let number = self.tally.opened;
        self.tally.opened += 1;
        let kind = self.options.kind.of_connection(number as usize);
        let mut hostile = Hostile::new(kind, &self.options, number);
        let now = cx.now();
        if let Some(transport) = cx.transport(conn) {
            hostile.start(now, transport);
        }
        self.conns.insert(conn, Some(hostile));
        if let Some(first) = self.first.take() {
            // The main thread may have given up.
            let _ = first.send(());
        }
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        let now = cx.now();
        let closed = match &event {
            TransportEvent::Closed(reason) => Some(reason.clone()),
            _ => None,
        };
        match self.conns.get_mut(&conn) {
            Some(Some(hostile)) => {
                hostile.event(now, cx.transport(conn), event, &mut self.tally);
            }
            Some(None) => {
                if let Some(reason) = &closed {
                    self.tally.refused += 1;
                    self.tally.last_failure = Some(why(reason));
                }
            }
            None => {}
        }
        if closed.is_some() {
            self.conns.remove(&conn);
        }
    }

    fn on_wake(&mut self, _: &mut Context<'_>) {}

    fn next_timeout(&self) -> Option<Instant> {
        Some(self.tick.min(self.until))
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if now >= self.until || self.done.is_none() {
            return self.finish(cx);
        }
        self.tick = now + TICK;
        self.open(cx);
        self.act(cx);
    }
}

fn why(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Peer { code, reason } => format!("closed with {code:#x} ({reason})"),
        other => format!("{other:?}"),
    }
}
