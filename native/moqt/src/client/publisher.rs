//! The publishing half: publications and their namespaces.

use super::announce::Announcements;
use super::error::{ClientError, ErrorCode};
use super::publication::{Life, Publication};
use super::serve::Serving;
use super::shared::{Cx, Shared};
use super::types::{ClientEvent, End, Handle, PublishOptions, SendError};
use crate::delivery::{Outlet, StreamSignal};
use crate::transport::StreamId;
use crate::wire::error::{done_codes, stream_codes};
use crate::wire::message::PublishDone;
use crate::wire::name::FullTrackName;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long what was accepted before `end` is still sent without a flush.
const END_LIMIT: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Publisher {
    pub publications: BTreeMap<Handle, Publication>,
    pub by_track: HashMap<FullTrackName, Handle>,
    pub(super) announcements: Announcements,
    pub serving: Serving,
    /// Publications to pump.
    pub dirty: Vec<Handle>,
    pub timer: Option<Instant>,
}

impl Publisher {
    pub fn publish(
        &mut self,
        track: FullTrackName,
        options: PublishOptions,
        shared: &mut Shared,
    ) -> Result<Handle, ClientError> {
        if self.by_track.contains_key(&track) {
            let message = format!(
                "This client already publishes {track}: use that publication, or end it first."
            );
            return Err(ClientError::new(ErrorCode::Duplicate, message));
        }
        let max = shared.config.max_publications;
        if self.publications.len() >= max {
            let message =
                format!("This client publishes {max} tracks already, its limit: end some.");
            return Err(ClientError::new(ErrorCode::LimitExceeded, message));
        }
        let handle = shared.next_handle();
        self.announce(track.namespace(), handle, shared);
        self.by_track.insert(track.clone(), handle);
        self.publications
            .insert(handle, Publication::new(handle, track, options));
        Ok(handle)
    }

    pub fn send(
        &mut self,
        now: Instant,
        handle: Handle,
        payload: Bytes,
        keyframe: bool,
        shared: &mut Shared,
    ) -> Result<(), SendError> {
        let Some(publication) = self.publications.get_mut(&handle) else {
            return Err(SendError::Closed);
        };
        let max_object = shared.config.max_object_size;
        // A connection without datagrams takes none of any size.
        let max_datagram = match shared.attached {
            true => Some(shared.max_datagram.unwrap_or(0)),
            false => None,
        };
        publication.send(now, payload, keyframe, max_datagram, max_object)?;
        if publication.down.is_some() {
            self.mark(handle);
            shared.dirty = true;
        }
        Ok(())
    }

    fn mark(&mut self, handle: Handle) {
        if self.dirty.last() != Some(&handle) {
            self.dirty.push(handle);
        }
    }

    pub fn end(
        &mut self,
        now: Instant,
        handle: Handle,
        flush: Option<Duration>,
        shared: &mut Shared,
    ) {
        let Some(publication) = self.publications.get_mut(&handle) else {
            return;
        };
        if publication.life != Life::Live {
            return;
        }
        let until = now + flush.unwrap_or(END_LIMIT);
        publication.finish(now, until, flush.is_some());
        self.by_track.remove(&publication.track);
        let namespace = publication.track.namespace().clone();
        if flush.is_none() {
            shared.event(ClientEvent::Ended(handle, End::Closed));
        }
        if publication.down.is_none() {
            self.publications.remove(&handle);
            if flush.is_some() {
                shared.event(ClientEvent::Ended(handle, End::Closed));
            }
        } else {
            self.arm(until);
            self.mark(handle);
        }
        self.unannounce(&namespace, shared);
        shared.dirty = true;
    }

    /// Ends a publication at once, with an error.
    pub(super) fn fail(&mut self, handle: Handle, error: ClientError, shared: &mut Shared) {
        let Some(publication) = self.publications.remove(&handle) else {
            return;
        };
        if publication.life == Life::Live {
            self.by_track.remove(&publication.track);
            self.unannounce(publication.track.namespace(), shared);
            shared.event(ClientEvent::Ended(handle, End::Error(error)));
        }
        if let Some(down) = publication.down {
            shared.cancel(down.request, stream_codes::CANCELLED);
        }
    }

    fn arm(&mut self, at: Instant) {
        self.timer = Some(self.timer.map_or(at, |timer| timer.min(at)));
    }

    /// Sends what waits. `control`: requests too, not only objects.
    pub fn pump(&mut self, cx: &mut Cx<'_>, control: bool) {
        if control {
            self.send_announcements(cx);
        }
        // Before live objects: these must not take the last stream from a fetch that they wait for.
        self.pump_serving(cx);
        let mut dirty = std::mem::take(&mut self.dirty);
        for handle in dirty.drain(..) {
            self.pump_one(handle, cx);
        }
        // Keep the allocation.
        dirty.append(&mut self.dirty);
        self.dirty = dirty;
    }

    /// One publication: its sender, and what follows from how far that is.
    fn pump_one(&mut self, handle: Handle, cx: &mut Cx<'_>) {
        let Some(publication) = self.publications.get_mut(&handle) else {
            return;
        };
        let Some(down) = &mut publication.down else {
            publication.tell_writable(cx.shared);
            return;
        };
        let mut out = Outlet {
            session: &mut *cx.session,
            transport: &mut *cx.t,
            owners: &mut cx.shared.owners,
        };
        down.sender.pump(cx.now, &mut out);
        let timer = down.sender.poll_timeout();
        self.after_pump(handle, cx);
        if let Some(at) = timer {
            self.arm(at);
        }
    }

    fn after_pump(&mut self, handle: Handle, cx: &mut Cx<'_>) {
        let Some(publication) = self.publications.get_mut(&handle) else {
            return;
        };
        publication.tell_writable(cx.shared);
        let Some(down) = &mut publication.down else {
            return;
        };
        let ending = match publication.life {
            Life::Live => None,
            Life::Ending { until, flush } => Some((until, flush)),
        };
        let (status, reason) = if down.sender.is_too_far_behind() {
            (
                done_codes::TOO_FAR_BEHIND,
                "more waits than this publisher keeps",
            )
        } else if down.sender.is_past_end() && down.sender.is_drained() {
            (done_codes::SUBSCRIPTION_ENDED, "")
        } else if let Some((until, flush)) = ending {
            let over = cx.now >= until;
            let through = if flush {
                down.sender.is_acked()
            } else {
                down.sender.is_drained()
            };
            if through || (over && down.sender.is_drained()) {
                (done_codes::TRACK_ENDED, "")
            } else if over {
                (
                    done_codes::TOO_FAR_BEHIND,
                    "the track ended before everything could be sent",
                )
            } else {
                return;
            }
        } else {
            return;
        };
        if status == done_codes::TOO_FAR_BEHIND {
            let mut out = Outlet {
                session: &mut *cx.session,
                transport: &mut *cx.t,
                owners: &mut cx.shared.owners,
            };
            down.sender.close(stream_codes::TOO_FAR_BEHIND, &mut out);
        }
        let done = PublishDone {
            status,
            stream_count: 0,
            reason: reason.into(),
        };
        let request = down.request;
        // The request may be over already: then there is nobody to tell.
        let _ = cx.session.publish_done(cx.t, request, done);
        cx.shared.routes.remove(&request);
        publication.drop_downstream(cx.shared);
        if let Some((_, flush)) = ending {
            self.publications.remove(&handle);
            if flush {
                let end = match status {
                    done_codes::TRACK_ENDED => End::Closed,
                    _ => End::Error(ClientError::new(
                        ErrorCode::Timeout,
                        "Not everything was acknowledged within the flush time: allow more of it.",
                    )),
                };
                cx.shared.event(ClientEvent::Ended(handle, end));
            }
        }
    }

    /// All of them: streams or datagrams are available again.
    pub fn pump_all(&mut self, cx: &mut Cx<'_>) {
        self.dirty.clear();
        self.dirty.extend(self.publications.keys());
        self.pump(cx, false);
    }

    pub fn on_stream(&mut self, signal: StreamSignal, stream: StreamId, cx: &mut Cx<'_>) {
        if self.serving.on_stream(signal, stream, cx) {
            return;
        }
        let Some(key) = cx.shared.owners.get(stream) else {
            return;
        };
        let handle = Handle(key);
        match self
            .publications
            .get_mut(&handle)
            .and_then(|p| p.down.as_mut())
        {
            Some(down) => {
                let mut out = Outlet {
                    session: &mut *cx.session,
                    transport: &mut *cx.t,
                    owners: &mut cx.shared.owners,
                };
                down.sender.on_stream(cx.now, signal, stream, &mut out);
                if let Some(at) = down.sender.poll_timeout() {
                    self.arm(at);
                }
                self.after_pump(handle, cx);
            }
            None => cx.shared.owners.remove(stream),
        }
    }

    pub fn on_timeout(&mut self, cx: &mut Cx<'_>) {
        self.announcements.on_timeout(cx.now, cx.shared);
        if self.timer.is_none_or(|at| at > cx.now) {
            return;
        }
        self.timer = None;
        let handles: Vec<Handle> = self.publications.keys().copied().collect();
        for handle in handles {
            let Some(publication) = self.publications.get_mut(&handle) else {
                continue;
            };
            if let Some(down) = &mut publication.down {
                let mut out = Outlet {
                    session: &mut *cx.session,
                    transport: &mut *cx.t,
                    owners: &mut cx.shared.owners,
                };
                down.sender.on_timeout(cx.now, &mut out);
                if let Some(at) = down.sender.poll_timeout() {
                    self.timer = Some(self.timer.map_or(at, |timer| timer.min(at)));
                }
            }
            if let Life::Ending { until, .. } = publication.life {
                if until > cx.now {
                    self.timer = Some(self.timer.map_or(until, |timer| timer.min(until)));
                }
            }
            self.after_pump(handle, cx);
        }
    }

    /// The client closes with a flush: every publication ends.
    pub fn finish_all(&mut self, now: Instant, flush: Duration, shared: &mut Shared) {
        let handles: Vec<Handle> = self.publications.keys().copied().collect();
        for handle in handles {
            self.end(now, handle, Some(flush), shared);
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let times = [
            self.timer,
            self.serving.next_snapshot(),
            self.announcements.poll_timeout(),
        ];
        times.into_iter().flatten().min()
    }

    /// The connection is gone, and the peer's subscriptions with it: publications wait for the next
    /// one. Those that had ended cannot send their rest any more.
    pub fn detach(&mut self, shared: &mut Shared) {
        self.serving = Serving::default();
        self.dirty.clear();
        self.timer = None;
        self.announcements.detach();
        self.publications.retain(|handle, publication| {
            publication.drop_downstream(shared);
            let Life::Ending { flush, .. } = publication.life else {
                return true;
            };
            if flush {
                let message = "The connection was lost before everything was acknowledged: publish the track again to be sure.";
                let error = ClientError::new(ErrorCode::ConnectionFailed, message);
                shared.event(ClientEvent::Ended(*handle, End::Error(error)));
            }
            false
        });
    }

    /// Whether everything that was accepted is acknowledged by the next hop.
    pub fn is_acked(&self) -> bool {
        let acked = |p: &Publication| p.down.as_ref().is_none_or(|down| down.sender.is_acked());
        self.publications.values().all(acked)
    }

    /// The client closes: all handles end.
    pub fn close_all(&mut self, end: &End, shared: &mut Shared) {
        self.end_announcements(end, shared);
        for (handle, publication) in std::mem::take(&mut self.publications) {
            let flush = matches!(publication.life, Life::Ending { flush: true, .. });
            if publication.life == Life::Live || flush {
                shared.event(ClientEvent::Ended(handle, end.clone()));
            }
        }
        *self = Publisher::default();
    }
}
