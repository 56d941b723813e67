//! Time limits that callers give single calls: beyond one the handle ends with `TIMEOUT`.

use super::{records, Engine};
use crate::error::{Error, MOQ_ERROR_TIMEOUT};
use moqt::client::Client;
use moqt::hash::IntMap;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Until {
    /// The peer has accepted it.
    Ready,
    /// It is over.
    End,
}

/// The time limits of open handles.
#[derive(Default)]
pub(super) struct Deadlines {
    nearest: BTreeSet<(Instant, u64)>,
    of: IntMap<u64, Deadline>,
}

struct Deadline {
    at: Instant,
    until: Until,
    ms: u64,
}

impl Deadlines {
    /// Sets the limit of a new handle; 0 ms is none.
    pub fn set(&mut self, now: Instant, handle: u64, until: Until, ms: u64) {
        if ms > 0 {
            let at = now + Duration::from_millis(ms);
            self.nearest.insert((at, handle));
            self.of.insert(handle, Deadline { at, until, ms });
        }
    }

    /// The peer has accepted it.
    pub fn answered(&mut self, handle: u64) {
        if self
            .of
            .get(&handle)
            .is_some_and(|d| d.until == Until::Ready)
        {
            self.forget(handle);
        }
    }

    pub fn forget(&mut self, handle: u64) {
        if let Some(deadline) = self.of.remove(&handle) {
            self.nearest.remove(&(deadline.at, handle));
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.nearest.first().map(|(at, _)| *at)
    }

    /// Takes a handle whose time is over.
    fn due(&mut self, now: Instant) -> Option<(u64, Deadline)> {
        let (at, handle) = *self.nearest.first()?;
        if at > now {
            return None;
        }
        self.nearest.pop_first();
        self.of.remove(&handle).map(|deadline| (handle, deadline))
    }
}

impl Engine {
    /// Ends what has taken longer than its caller allows.
    pub(super) fn end_overdue(&mut self, client: &mut Client, now: Instant) {
        while let Some((handle, Deadline { until, ms, .. })) = self.deadlines.due(now) {
            let what = match until {
                Until::Ready => "the peer did not accept it",
                Until::End => "it was not complete",
            };
            let error = Error::new(
                MOQ_ERROR_TIMEOUT,
                format!(
                    "{what} within the {ms} ms of the option \"timeout\"; try again, or allow more"
                ),
            );
            self.cancel(client, now, handle);
            self.records.push(records::end(handle, Some(&error)));
        }
    }
}
