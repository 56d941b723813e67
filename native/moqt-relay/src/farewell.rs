//! A tolerance: peers that drop what they hold at once.
//!
//! Some implementations end a request, or their session, by dropping all its streams. QUIC then
//! carries STOP_SENDING in front of stream data, so that a request looks cancelled some bytes
//! ahead of the PUBLISH_DONE that had been sent before, and the control streams end ahead of the
//! last objects. Both are acted upon as the draft wants it, but a moment later, so that nothing
//! that the peer had sent before is lost.

use bytes::Bytes;
use moqt::transport::{Dir, StreamId, TransportEvent};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long it is put off.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// SETUP's type, 0x2F00, begins with this byte.
const SETUP_BYTE: u8 = 0xAF;

/// Events that are held; the rest of a session's cancellations passes at once.
const MAX_HELD: usize = 1_024;

/// What is known of a session's control streams, and what is put off.
#[derive(Debug, Default)]
pub(crate) struct Farewell {
    /// The control stream that we opened.
    pub(crate) ours: Option<StreamId>,
    theirs: Option<StreamId>,
    held: VecDeque<(Instant, TransportEvent)>,
    said: bool,
}

impl Farewell {
    /// Looks at an event on its way to the session. What would end a request or the session is
    /// held back; gives what is to be passed on now. `of_data`: the event is about a data stream of
    /// ours.
    pub(crate) fn filter(
        &mut self,
        now: Instant,
        event: TransportEvent,
        of_data: bool,
    ) -> Option<TransportEvent> {
        let held = match &event {
            TransportEvent::Stopped { .. } => !of_data,
            TransportEvent::Reset { id, .. } => self.theirs == Some(*id),
            TransportEvent::Data {
                id,
                dir: Dir::Uni,
                data,
                fin,
            } => {
                if self.theirs.is_none() && data.first() == Some(&SETUP_BYTE) {
                    self.theirs = Some(*id);
                }
                self.theirs == Some(*id) && *fin
            }
            _ => false,
        };
        if !held || self.held.len() >= MAX_HELD {
            return Some(event);
        }
        let due = now + PAUSE;
        match event {
            TransportEvent::Data { id, dir, data, .. } => {
                let end = TransportEvent::Data {
                    id,
                    dir,
                    data: Bytes::new(),
                    fin: true,
                };
                self.held.push_back((due, end));
                Some(TransportEvent::Data {
                    id,
                    dir,
                    data,
                    fin: false,
                })
            }
            other => {
                self.held.push_back((due, other));
                None
            }
        }
    }

    /// When what is held back is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.held.front().map(|(due, _)| *due)
    }

    /// What was held back and is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<TransportEvent> {
        if self.held.front().is_none_or(|(due, _)| *due > now) {
            return None;
        }
        let (_, event) = self.held.pop_front()?;
        self.said |= match &event {
            TransportEvent::Stopped { id, .. } => self.ours == Some(*id),
            _ => true,
        };
        Some(event)
    }

    /// Whether the session ends because the peer dropped it.
    pub(crate) fn is_said(&self) -> bool {
        self.said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(id: u64, bytes: &'static [u8], fin: bool) -> TransportEvent {
        let data = Bytes::from_static(bytes);
        TransportEvent::Data {
            id: StreamId(id),
            dir: Dir::Uni,
            data,
            fin,
        }
    }

    #[test]
    fn ends_of_requests_and_control_streams_wait_and_nothing_else_does() {
        let now = Instant::now();
        let mut farewell = Farewell {
            ours: Some(StreamId(3)),
            ..Farewell::default()
        };
        let setup = data(2, &[0xAF, 0, 0, 0], false);
        assert_eq!(farewell.filter(now, setup.clone(), false), Some(setup));
        let other = data(6, &[0x10, 1], true);
        assert_eq!(farewell.filter(now, other.clone(), false), Some(other));
        let stopped = |id| TransportEvent::Stopped {
            id: StreamId(id),
            code: 0,
        };
        assert_eq!(farewell.filter(now, stopped(7), true), Some(stopped(7)));
        assert_eq!(farewell.deadline(), None);
        assert_eq!(farewell.filter(now, stopped(8), false), None);
        let later = now + PAUSE / 2;
        assert_eq!(farewell.filter(later, stopped(3), false), None);
        let end = data(2, b"x", true);
        assert_eq!(
            farewell.filter(later, end, false),
            Some(data(2, b"x", false))
        );
        assert_eq!(farewell.due(now), None);
        assert_eq!(farewell.due(now + PAUSE), Some(stopped(8)));
        assert!(!farewell.is_said());
        assert_eq!(farewell.due(now + PAUSE), None);
        assert_eq!(farewell.due(later + PAUSE), Some(stopped(3)));
        assert_eq!(farewell.due(later + PAUSE), Some(data(2, b"", true)));
        assert!(farewell.is_said() && farewell.deadline().is_none());
    }
}
