//! A run: connect, warm up, measure, report.

use crate::acks;
use crate::control::Steps;
use crate::options::Options;
use crate::publisher::{parts, Publisher};
use crate::report::Totals;
use crate::shared::{Message, Phase, Shared};
use crate::subscriber::Subscriber;
use crate::system::cpu;
use moqt_net::{Remote, Runtime};
use std::io::Write;
use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most connections that are being made at one time.
const CONNECTING: usize = 64;
/// How long the connections may take to report.
const REPORTING: Duration = Duration::from_secs(10);

pub fn run(mut options: Options) -> Result<(), String> {
    let (publishes, subscribers) = parts(&options);
    // Of this process.
    options.connections = subscribers;
    let (sender, messages) = channel();
    let shared = Arc::new(Shared::new(options, sender));
    acks::open(&shared)?;
    let runtime = Runtime::start("moqt-bench").map_err(|e| e.to_string())?;
    let outcome = measure(&shared, &runtime, &messages, publishes, subscribers);
    shared.set_phase(Phase::Over);
    runtime.shutdown().map_err(|e| e.to_string())?;
    outcome
}

fn measure(
    shared: &Arc<Shared>,
    runtime: &Runtime,
    messages: &Receiver<Message>,
    publishes: bool,
    subscribers: usize,
) -> Result<(), String> {
    let options = &shared.options;
    let until = Instant::now() + options.timeout;
    let mut remotes: Vec<Remote> = Vec::with_capacity(subscribers + 1);
    if publishes {
        let remote = runtime.spawn(Box::new(Publisher::new(shared.clone())));
        shared.set_publisher(remote.clone());
        remotes.push(remote);
        wait_for(messages, until, "the publisher", |m| {
            matches!(m, Message::PublisherReady)
        })?;
    }
    let mut started = 0;
    for ready in 0..subscribers {
        while started < subscribers && started < ready + CONNECTING {
            remotes.push(runtime.spawn(Box::new(Subscriber::new(shared.clone()))));
            started += 1;
        }
        wait_for(messages, until, "all subscribers", |m| {
            matches!(m, Message::SubscriberReady)
        })?;
    }
    print(&serde_json::json!({ "event": "ready" }));
    let mut totals = Totals::default();
    let steps = Steps::new(options);
    steps.warm_up(
        || enter(shared, &remotes, Phase::Warming),
        messages,
        &mut totals,
    )?;
    enter(shared, &remotes, Phase::Measuring);
    let (begun, before) = (Instant::now(), cpu());
    steps.measure(messages, &mut totals);
    let (took, spent) = (begun.elapsed(), cpu().since(before));
    enter(shared, &remotes, Phase::Over);
    let end = Instant::now() + REPORTING;
    for _ in &remotes {
        loop {
            match messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Message::Published(published)) => totals.add_published(published),
                Ok(Message::Received(received)) => totals.add_received(&received),
                Ok(_) => continue,
                Err(_) => return Err("the connections did not report in time".into()),
            }
            break;
        }
    }
    print(&totals.to_json(options, &shared.times(), subscribers, took, spent));
    Ok(())
}

fn enter(shared: &Shared, remotes: &[Remote], phase: Phase) {
    shared.set_phase(phase);
    remotes.iter().for_each(Remote::wake);
}

fn wait_for(
    messages: &Receiver<Message>,
    until: Instant,
    whom: &str,
    wanted: impl Fn(&Message) -> bool,
) -> Result<(), String> {
    loop {
        match messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Message::Failed(why)) => return Err(why),
            Ok(message) if wanted(&message) => return Ok(()),
            Ok(_) => {}
            Err(_) => return Err(format!("{whom} did not get ready in time")),
        }
    }
}

pub fn print(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // A reader that is gone wants nothing.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
