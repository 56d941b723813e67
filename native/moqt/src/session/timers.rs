//! Time: answers, held streams and ends that do not come.

use super::state::{Phase, Stage, StreamEntry};
use super::types::{RequestEnd, RequestId};
use super::Session;
use crate::transport::{StreamId, Transport};
use crate::wire::{session_codes, stream_codes};
use std::time::Instant;

impl Session {
    /// When [`Session::on_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// Lets time pass. Deadlines are few and coarse, so that all are looked at.
    pub fn on_timeout(&mut self, now: Instant, t: &mut dyn Transport) {
        self.now = Some(now);
        if self.closed || self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        self.deadline = None;
        if self.is_due(now, self.setup_deadline) {
            let reason = "SETUP did not come in time";
            return self.close(t, session_codes::CONTROL_MESSAGE_TIMEOUT, reason);
        }
        if self.is_due(now, self.speak_deadline) {
            self.start(now, t);
        }
        let goaway = self.goaway_sent.as_ref().and_then(|goaway| goaway.deadline);
        if self.is_due(now, goaway) {
            if !self.requests.is_empty() {
                let reason = "requests still open after GOAWAY";
                return self.close(t, session_codes::GOAWAY_TIMEOUT, reason);
            }
            if let Some(goaway) = &mut self.goaway_sent {
                goaway.deadline = None;
            }
        }
        self.expire_requests(now, t);
        self.expire_streams(now, t);
        while let Some((deadline, _)) = self.held_datagrams.front() {
            let deadline = *deadline;
            if !self.is_due(now, Some(deadline)) {
                break;
            }
            self.held_datagrams.pop_front();
            self.stats.datagrams_dropped += 1;
        }
    }

    /// Whether a deadline has passed; notes it when not.
    fn is_due(&mut self, now: Instant, deadline: Option<Instant>) -> bool {
        match deadline {
            Some(deadline) if deadline <= now => true,
            Some(deadline) => {
                self.note_deadline(deadline);
                false
            }
            None => false,
        }
    }

    fn expire_requests(&mut self, now: Instant, t: &mut dyn Transport) {
        let timed: Vec<(RequestId, Option<Instant>, bool)> = self
            .requests
            .iter()
            .map(|(id, s)| (*id, s.deadline, matches!(s.phase, Phase::Draining { .. })))
            .collect();
        for (id, deadline, draining) in timed {
            if !self.is_due(now, deadline) {
                continue;
            }
            if draining {
                // No further stream is waited for, but those that are open may still be read.
                if let Some(state) = self.requests.get_mut(&id).filter(|state| state.live > 0) {
                    state.phase = Phase::Draining { expected: 0 };
                    state.deadline = None;
                    continue;
                }
                self.finish_request(t, id, Some(RequestEnd::Done));
            } else if let Some(code) = self.requests.get(&id).and_then(|state| state.stopped) {
                let end = RequestEnd::Cancelled(code);
                self.abort_request(t, id, stream_codes::CANCELLED, Some(end));
            } else {
                self.stats.requests_timed_out += 1;
                self.abort_request(t, id, stream_codes::CANCELLED, Some(RequestEnd::TimedOut));
            }
        }
    }

    fn expire_streams(&mut self, now: Instant, t: &mut dyn Transport) {
        let timed: Vec<(StreamId, Instant)> = self
            .streams
            .iter()
            .filter_map(|(id, entry)| match entry {
                StreamEntry::NewRequest { deadline, .. }
                | StreamEntry::Closing { deadline, .. } => Some((*id, *deadline)),
                StreamEntry::Incoming(incoming) => match &incoming.stage {
                    Stage::Typing { deadline } | Stage::Held { deadline, .. } => {
                        Some((*id, *deadline))
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        for (id, deadline) in timed {
            if self.is_due(now, Some(deadline)) {
                self.expire_stream(t, id);
            }
        }
    }

    fn expire_stream(&mut self, t: &mut dyn Transport, id: StreamId) {
        match self.streams.get(&id) {
            Some(StreamEntry::Incoming(_)) => {
                t.stop(id, stream_codes::CANCELLED);
                self.stats.streams_unknown += 1;
                self.drop_incoming(id);
            }
            Some(StreamEntry::NewRequest { .. }) => {
                self.streams.remove(&id);
                self.early.retain(|early| *early != id);
                t.reset(id, stream_codes::CANCELLED);
                t.stop(id, stream_codes::CANCELLED);
            }
            Some(StreamEntry::Closing { sent, received, .. }) => {
                if !sent {
                    t.reset(id, stream_codes::CANCELLED);
                }
                if !received {
                    t.stop(id, stream_codes::CANCELLED);
                }
                self.streams.remove(&id);
            }
            _ => {}
        }
    }
}
