//! What comes before its time: streams and datagrams before SETUP, or of an alias not known yet.

use super::state::{Stage, StreamEntry};
use super::types::{RequestId, SessionEvent};
use super::Session;
use crate::transport::{Dir, StreamId, Transport};
use crate::wire::{stream_codes, SubgroupHeader};
use bytes::Bytes;
use std::time::Instant;

impl Session {
    pub(super) fn hold_early(
        &mut self,
        t: &mut dyn Transport,
        id: StreamId,
        data: Bytes,
        fin: bool,
    ) {
        if self.early.len() >= self.config.limits.max_early_streams {
            self.stats.streams_refused += 1;
            return self.refuse_incoming(t, id, stream_codes::EXCESSIVE_LOAD);
        }
        t.pause(id, true);
        self.early.push_back(id);
        if let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&id) {
            incoming.input.hold(&self.partial, &data);
            incoming.stage = Stage::Early(fin);
        }
        self.refuse_if_crammed(t, id);
    }

    pub(super) fn hold_unknown(
        &mut self,
        t: &mut dyn Transport,
        id: StreamId,
        header: SubgroupHeader,
        data: Bytes,
        fin: bool,
    ) {
        if self.retired_in.contains(&header.track_alias) {
            self.stats.streams_unknown += 1;
            return self.refuse_incoming(t, id, stream_codes::CANCELLED);
        }
        if self.held.len() >= self.config.limits.max_held_streams {
            self.stats.streams_refused += 1;
            return self.refuse_incoming(t, id, stream_codes::EXCESSIVE_LOAD);
        }
        t.pause(id, true);
        self.held.push(id);
        let deadline = self.after(self.config.limits.hold_timeout);
        if let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&id) {
            incoming.input.hold(&self.partial, &data);
            incoming.stage = Stage::Held {
                header,
                fin,
                deadline,
            };
        }
        self.refuse_if_crammed(t, id);
    }

    /// SETUP is there: what waited for it goes on, in order.
    pub(super) fn release_early(&mut self, t: &mut dyn Transport) {
        let now = self.now.unwrap_or_else(Instant::now);
        while let Some(id) = self.early.pop_front() {
            let (dir, fin) = match self.streams.get_mut(&id) {
                Some(StreamEntry::NewRequest { held, .. }) => (Dir::Bi, held.take()),
                Some(StreamEntry::Request(request)) => (
                    Dir::Bi,
                    self.requests
                        .get_mut(request)
                        .and_then(|state| state.held.take()),
                ),
                Some(StreamEntry::Incoming(incoming)) => match incoming.stage {
                    Stage::Early(fin) => {
                        let deadline = now + self.config.limits.setup_timeout;
                        incoming.stage = Stage::Typing { deadline };
                        (Dir::Uni, Some(fin))
                    }
                    _ => continue,
                },
                _ => continue,
            };
            t.pause(id, false);
            self.on_data(now, t, id, dir, Bytes::new(), fin.unwrap_or(false));
            if self.closed {
                return;
            }
        }
        while let Some(data) = self.early_datagrams.pop_front() {
            self.on_datagram(now, t, data);
            if self.closed {
                return;
            }
        }
    }

    /// An alias has a subscription now: what waited for it goes on.
    pub(super) fn establish_alias(&mut self, t: &mut dyn Transport, id: RequestId, alias: u64) {
        self.aliases_in.insert(alias, id);
        self.retired_in.retain(|retired| *retired != alias);
        if let Some(state) = self.requests.get_mut(&id) {
            state.alias = Some(alias);
        }
        for stream in std::mem::take(&mut self.held) {
            let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&stream) else {
                continue;
            };
            match incoming.stage {
                Stage::Held { header, fin, .. } if header.track_alias == alias => {
                    t.pause(stream, false);
                    self.begin_subgroup(t, stream, id, header, Bytes::new(), fin);
                }
                Stage::Held { .. } => self.held.push(stream),
                _ => {}
            }
            if self.closed {
                return;
            }
        }
        for (deadline, datagram) in std::mem::take(&mut self.held_datagrams) {
            if datagram.track_alias == alias {
                self.events.push_back(SessionEvent::Datagram {
                    request: id,
                    datagram,
                });
            } else {
                self.held_datagrams.push_back((deadline, datagram));
            }
        }
    }
}
