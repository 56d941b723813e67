//! One heap for all deadlines of the relay.

use moqt_net::ConnId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// What a deadline is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Timer {
    /// A session's own time-outs.
    Peer(ConnId),
    /// A subscriber's delivery time-outs (track, slot).
    Subscriber(u64, usize),
    /// A track's waiting subscribers, linger and grace.
    Track(u64),
    /// A fetch's fill time-out.
    Fetch(u64),
    /// Requests of a session that came too fast are refused.
    Refusals(ConnId),
    /// A session has waited for its rate of fetches.
    Fetches(ConnId),
    /// Fetches go on in the next turn.
    Turn,
    /// The end of the drain time.
    Drain,
}

/// Deadlines. Entries are never removed early: who is called finds out whether it is due, so a
/// deadline that moves later costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    /// Adds a deadline.
    pub(crate) fn add(&mut self, at: Instant, timer: Timer) {
        self.heap.push(Reverse((at, timer)));
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the deadlines that have come. What is added meanwhile, even for a time that is past,
    /// waits for the next turn: nothing here can keep the relay from its connections.
    pub(crate) fn take_due(&mut self, now: Instant, due: &mut Vec<Timer>) {
        while self.next().is_some_and(|at| at <= now) {
            due.extend(self.heap.pop().map(|Reverse((_, timer))| timer));
        }
    }
}

/// Remembers the deadline that is in the heap for one thing, so that each thing has few entries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scheduled(Option<Instant>);

impl Scheduled {
    /// Wants `timer` at `at` at the latest.
    pub(crate) fn want(&mut self, timers: &mut Timers, at: Option<Instant>, timer: Timer) {
        let Some(at) = at else { return };
        if self.0.is_none_or(|scheduled| at < scheduled) {
            self.0 = Some(at);
            timers.add(at, timer);
        }
    }

    /// The heap has given it back.
    pub(crate) fn fired(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn gives_deadlines_in_order_and_merges_repeats() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut timers, mut scheduled) = (Timers::default(), Scheduled::default());
        timers.add(at(30), Timer::Drain);
        scheduled.want(&mut timers, Some(at(20)), Timer::Track(1));
        scheduled.want(&mut timers, Some(at(25)), Timer::Track(1));
        scheduled.want(&mut timers, None, Timer::Track(1));
        scheduled.want(&mut timers, Some(at(10)), Timer::Track(1));
        assert_eq!(timers.next(), Some(at(10)));
        let mut due = Vec::new();
        timers.take_due(at(5), &mut due);
        assert_eq!(due, []);
        timers.take_due(at(40), &mut due);
        assert_eq!(due, [Timer::Track(1), Timer::Track(1), Timer::Drain]);
        scheduled.fired();
        scheduled.want(&mut timers, Some(at(10)), Timer::Track(1));
        assert_eq!(timers.next(), Some(at(10)));
    }
}
