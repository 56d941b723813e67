//! When the steps of a run come: by the clock, or as told on stdin.

use crate::options::{Options, Role};
use crate::report::Totals;
use crate::shared::Message;
use std::io::BufRead;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// How often stdin is looked at while messages are waited for.
const LOOK: Duration = Duration::from_millis(20);

pub struct Steps<'a> {
    options: &'a Options,
    lines: Option<Receiver<String>>,
}

impl<'a> Steps<'a> {
    pub fn new(options: &'a Options) -> Self {
        let listens = options.stdio || options.until_eof;
        Steps {
            options,
            lines: listens.then(stdin_lines),
        }
    }

    /// Returns when the measurement begins; `start` is called when the publisher may.
    pub fn warm_up(
        &self,
        start: impl FnOnce(),
        messages: &Receiver<Message>,
        totals: &mut Totals,
    ) -> Result<(), String> {
        if self.options.stdio {
            let mut start = Some(start);
            return self.told("measure", messages, totals, |line| {
                if line == "start" {
                    start.take().into_iter().for_each(|start| start());
                }
            });
        }
        start();
        self.pause(messages, self.options.warmup, None, totals);
        Ok(())
    }

    /// Returns when the measurement ends.
    pub fn measure(&self, messages: &Receiver<Message>, totals: &mut Totals) {
        if self.options.stdio {
            // Whoever leaves without a word wants to know what there is.
            let _ = self.told("stop", messages, totals, |_| {});
            return;
        }
        let publishes = self.options.role == Role::Publish;
        let all = publishes.then_some(self.options.count).flatten();
        self.pause(messages, self.options.seconds, all, totals);
    }

    fn told(
        &self,
        wanted: &str,
        messages: &Receiver<Message>,
        totals: &mut Totals,
        mut other: impl FnMut(&str),
    ) -> Result<(), String> {
        loop {
            match messages.recv_timeout(LOOK) {
                Ok(message) => note(&message, totals),
                Err(RecvTimeoutError::Timeout) => {}
                Err(e) => return Err(e.to_string()),
            }
            loop {
                match self.line() {
                    Ok(line) if line == wanted => return Ok(()),
                    Ok(line) => other(&line),
                    Err(TryRecvError::Empty) => break,
                    Err(e) => return Err(format!("stdin ended before {wanted:?}: {e}")),
                }
            }
        }
    }

    /// Lets time pass, until the publisher is done (`count` is given) or stdin is closed.
    fn pause(
        &self,
        messages: &Receiver<Message>,
        time: Duration,
        count: Option<u64>,
        totals: &mut Totals,
    ) {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let slice = left.min(if self.lines.is_some() {
                LOOK
            } else {
                Duration::from_secs(1)
            });
            match messages.recv_timeout(slice) {
                Ok(Message::Sent) if count.is_some() => return,
                Ok(message) => note(&message, totals),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let closed = self.line() == Err(TryRecvError::Disconnected);
            if closed || Instant::now() >= until {
                return;
            }
        }
    }

    fn line(&self) -> Result<String, TryRecvError> {
        match &self.lines {
            Some(lines) => lines.try_recv(),
            None => Err(TryRecvError::Empty),
        }
    }
}

fn note(message: &Message, totals: &mut Totals) {
    if let Message::Failed(why) = message {
        totals.closed += 1;
        eprintln!("moqt-bench: {why}");
    }
}

/// The channel is disconnected when stdin ends.
fn stdin_lines() -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            // Whoever waits may have ended.
            if sender.send(line.trim().to_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}
