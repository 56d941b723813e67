//! Datagrams: a bounded ring, the oldest dropped and counted.

use super::{encode, Sender};
use crate::delivery::object::SharedObject;
use crate::delivery::outlet::Outlet;
use crate::session::SessionError;
use std::time::Instant;

impl Sender {
    pub(super) fn push_datagram(&mut self, object: &SharedObject) {
        let limits = self.config.limits;
        self.ring.push_back(object.clone());
        self.ring_cost += object.cost();
        while self.ring.len() > limits.datagrams.max(1) || self.ring_cost > limits.queue_bytes {
            if self.pop_datagram().is_none() {
                break;
            }
            self.stats.datagrams_dropped += 1;
        }
    }

    fn pop_datagram(&mut self) -> Option<SharedObject> {
        let object = self.ring.pop_front()?;
        self.ring_cost -= object.cost();
        Some(object)
    }

    pub(super) fn pump_ring(&mut self, now: Instant, out: &mut Outlet<'_>) {
        if self.ring.is_empty() {
            return;
        }
        // Both timeouts act alike on datagrams: the smaller counts.
        let limit = Self::smaller(self.object_timeout(), self.subgroup_timeout());
        let profile = out.session.profile();
        while let Some(object) = self.ring.front() {
            if limit.is_some_and(|limit| now.duration_since(object.received) > limit) {
                self.pop_datagram();
                self.stats.expired += 1;
                continue;
            }
            let bytes = encode::datagram(profile, object, self.config.alias);
            if bytes.is_empty() {
                self.pop_datagram();
                self.stats.datagrams_dropped += 1;
                continue;
            }
            match out.session.send_datagram_bytes(out.transport, bytes) {
                Ok(()) => {
                    self.stats.datagrams += 1;
                    self.stats.bytes += object.payload.len() as u64;
                }
                Err(SessionError::Blocked) => return,
                Err(SessionError::TooLarge { .. }) => self.stats.datagrams_too_large += 1,
                Err(_) => self.stats.datagrams_dropped += 1,
            }
            self.pop_datagram();
        }
    }
}
