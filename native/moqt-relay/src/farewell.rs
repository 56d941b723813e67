//! A tolerance: peers that drop their session at once.
//!
//! Some implementations end by dropping everything they hold. Their control streams are then
//! finished, reset or stopped some bytes ahead of objects and of a PUBLISH_DONE that they had sent
//! before, often in the same packet. The draft wants the session closed for that; it is, but a
//! moment later, so that nothing that the peer had sent before is lost.

use bytes::Bytes;
use moqt::transport::{Dir, StreamId, TransportEvent};
use std::time::{Duration, Instant};

/// How long the close is put off.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// SETUP's type, 0x2F00, begins with this byte.
const SETUP_BYTE: u8 = 0xAF;

/// What is known of a session's control streams and of their ends.
#[derive(Debug, Default)]
pub(crate) struct Farewell {
    /// The control stream that we opened.
    pub(crate) ours: Option<StreamId>,
    theirs: Option<StreamId>,
    held: Vec<TransportEvent>,
    until: Option<Instant>,
    said: bool,
}

impl Farewell {
    /// Looks at an event on its way to the session: what would end the session because a control
    /// stream ends is held back. Gives what is to be passed on now.
    pub(crate) fn filter(&mut self, now: Instant, event: TransportEvent) -> Option<TransportEvent> {
        let held = match &event {
            TransportEvent::Stopped { id, .. } if self.ours == Some(*id) => true,
            TransportEvent::Reset { id, .. } if self.theirs == Some(*id) => true,
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
        if !held {
            return Some(event);
        }
        self.until.get_or_insert(now + PAUSE);
        match event {
            TransportEvent::Data { id, dir, data, .. } => {
                self.held.push(TransportEvent::Data {
                    id,
                    dir,
                    data: Bytes::new(),
                    fin: true,
                });
                Some(TransportEvent::Data {
                    id,
                    dir,
                    data,
                    fin: false,
                })
            }
            other => {
                self.held.push(other);
                None
            }
        }
    }

    /// When what is held back is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// What was held back, once it is due.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<TransportEvent> {
        if self.until.is_none_or(|until| until > now) {
            return Vec::new();
        }
        self.until = None;
        self.said = true;
        std::mem::take(&mut self.held)
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
    fn ends_of_control_streams_wait_and_nothing_else_does() {
        let now = Instant::now();
        let mut farewell = Farewell {
            ours: Some(StreamId(3)),
            ..Farewell::default()
        };
        let setup = data(2, &[0xAF, 0, 0, 0], false);
        assert_eq!(farewell.filter(now, setup.clone()), Some(setup));
        let other = data(6, &[0x10, 1], true);
        assert_eq!(farewell.filter(now, other.clone()), Some(other));
        assert_eq!(farewell.deadline(), None);
        let stop = TransportEvent::Stopped {
            id: StreamId(3),
            code: 0,
        };
        assert_eq!(farewell.filter(now, stop.clone()), None);
        assert_eq!(
            farewell.filter(now, data(2, b"x", true)),
            Some(data(2, b"x", false))
        );
        let elsewhere = TransportEvent::Stopped {
            id: StreamId(7),
            code: 0,
        };
        assert_eq!(farewell.filter(now, elsewhere.clone()), Some(elsewhere));
        assert!(farewell.due(now).is_empty() && !farewell.is_said());
        assert_eq!(farewell.due(now + PAUSE), [stop, data(2, b"", true)]);
        assert!(farewell.is_said() && farewell.due(now + PAUSE).is_empty());
    }
}
