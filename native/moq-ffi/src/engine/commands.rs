//! What callers ask of a client, run on its session.

use super::deadlines::Until;
use super::{records, Engine, Track};
use crate::commands::Command;
use crate::error::Error;
use crate::record::{Record, MOQ_RECORD_WRITABLE};
use bytes::Bytes;
use moqt::client::{Client, Handle, LinkId, SendError};
use moqt_net::Context;
use std::collections::VecDeque;
use std::time::Instant;

impl Engine {
    pub(super) fn run_commands(&mut self, cx: &mut Context<'_>) {
        let mut taken = std::mem::take(&mut self.commands);
        self.shared.take_commands(&mut taken);
        let Some(mut client) = self.client.take() else {
            return;
        };
        for command in taken.list.drain(..) {
            self.run(&mut client, cx.now(), command, &taken.pieces);
        }
        taken.pieces.clear();
        self.commands = taken;
        self.client = Some(client);
        self.deliver(cx);
    }

    /// `pieces` hold the bytes of updates.
    fn run(&mut self, client: &mut Client, now: Instant, command: Command, pieces: &[Bytes]) {
        match command {
            Command::Update {
                handle,
                keyframe,
                bytes,
            } => {
                let Some(track) = self.publications.get_mut(&handle) else {
                    return;
                };
                track.waiting.push_back((keyframe, bytes.of(pieces)));
                if track.waiting.len() == 1 {
                    self.send_waiting(client, now, handle);
                }
            }
            Command::Publish {
                handle,
                options,
                shared,
            } => {
                let opened = records::track_name(&options.track)
                    .and_then(|name| Ok(client.publish(name, records::publish_options(&options))?));
                let track = Track {
                    shared,
                    waiting: VecDeque::new(),
                    end: None,
                };
                self.publications.insert(handle, track);
                self.deadlines
                    .set(now, handle, Until::Ready, options.timeout_ms);
                self.opened(handle, opened);
            }
            Command::End { handle, flush } => {
                if let Some(track) = self.publications.get_mut(&handle) {
                    track.end = Some(flush);
                    self.send_waiting(client, now, handle);
                }
            }
            Command::Subscribe { handle, options } => {
                let opened = records::track_name(&options.track).and_then(|name| {
                    Ok(client.subscribe(name, records::subscribe_options(&options))?)
                });
                self.deadlines
                    .set(now, handle, Until::Ready, options.timeout_ms);
                self.opened(handle, opened);
            }
            Command::Fetch { handle, options } => {
                let opened = records::track_name(&options.track)
                    .and_then(|name| Ok(client.fetch(name, records::fetch_options(&options))?));
                self.deadlines
                    .set(now, handle, Until::End, options.timeout_ms);
                self.opened(handle, opened);
            }
            Command::Discover { handle, options } => {
                let opened = records::namespace(&options.prefix)
                    .and_then(|prefix| Ok(client.discover(prefix)?));
                self.deadlines
                    .set(now, handle, Until::Ready, options.timeout_ms);
                self.opened(handle, opened);
            }
            Command::Announce { handle, namespace } => {
                let opened = records::namespace(&namespace)
                    .and_then(|namespace| Ok(client.announce(namespace)?));
                self.opened(handle, opened);
            }
            Command::Status { handle, options } => {
                let opened =
                    records::track_name(&options.track).and_then(|name| Ok(client.status(name)?));
                self.deadlines
                    .set(now, handle, Until::End, options.timeout_ms);
                self.opened(handle, opened);
            }
            Command::Priority { handle, priority } => {
                if let Some(theirs) = self.theirs.get(&handle) {
                    client.update_priority(*theirs, priority);
                }
            }
            Command::Resume { handle } => {
                if let Some(theirs) = self.theirs.get(&handle) {
                    client.set_reading(*theirs, true);
                }
            }
            Command::Token { attempt, token } => {
                // One that comes too late belongs to nothing.
                client.supply_token(now, LinkId(attempt), *token);
            }
            Command::Cancel { handle } => self.cancel(client, now, handle),
            Command::Close { flush } => {
                let until = now + flush;
                self.closing = Some(self.closing.map_or(until, |before| before.min(until)));
            }
        }
    }

    fn opened(&mut self, handle: u64, opened: Result<Handle, Error>) {
        match opened {
            Ok(theirs) => {
                self.ours.insert(theirs, handle);
                self.theirs.insert(handle, theirs);
            }
            Err(error) => {
                self.forget(handle);
                self.records.push(records::end(handle, Some(&error)));
            }
        }
    }

    pub(super) fn cancel(&mut self, client: &mut Client, now: Instant, handle: u64) {
        if let Some(theirs) = self.theirs.get(&handle) {
            // Of a publication, what the session has no room for is lost; the rest is still sent.
            client.cancel(now, *theirs);
        }
        self.forget(handle);
    }

    pub(super) fn forget(&mut self, handle: u64) {
        self.deadlines.forget(handle);
        if let Some(theirs) = self.theirs.remove(&handle) {
            self.ours.remove(&theirs);
        }
        if let Some(track) = self.publications.remove(&handle) {
            track.shared.set_ended();
        }
    }

    /// Hands updates to the session until it has no room, and the end behind the last.
    pub(super) fn send_waiting(&mut self, client: &mut Client, now: Instant, handle: u64) {
        let (Some(track), Some(&theirs)) =
            (self.publications.get_mut(&handle), self.theirs.get(&handle))
        else {
            return;
        };
        while let Some((keyframe, bytes)) = track.waiting.front() {
            let (size, bytes) = (bytes.len(), bytes.clone());
            let sent = match keyframe {
                true => client.keyframe(now, theirs, bytes),
                false => client.send(now, theirs, bytes),
            };
            match sent {
                Ok(()) | Err(SendError::Closed) => {}
                Err(SendError::WouldBlock) => return,
                Err(SendError::TooLarge { limit }) => {
                    // Only when the path shrank after the update was accepted.
                    log::warn!(
                        "an update of {size} bytes of {} was dropped: the connection carries {limit} bytes now",
                        track.shared.name
                    );
                    track.shared.set_limit(limit);
                    track.shared.dropped();
                }
            }
            track.waiting.pop_front();
            if track.shared.taken(size) {
                self.records.push(Record::new(MOQ_RECORD_WRITABLE, handle));
            }
        }
        if let Some(flush) = track.end.take() {
            client.end(now, theirs, Some(flush).filter(|flush| !flush.is_zero()));
        }
    }
}
