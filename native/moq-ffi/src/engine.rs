//! The half of a client that lives on the I/O thread: runs commands on the session and turns its
//! events into records.

mod commands;
mod deadlines;
mod handler;
mod links;
mod records;
mod urls;

use crate::client::ClientShared;
use crate::commands::Taken;
use crate::error::{Error, MOQ_ERROR_CLOSED, MOQ_ERROR_INTERNAL, MOQ_ERROR_LIMIT_EXCEEDED};
use crate::options::ClientOptions;
use crate::publication::Publication;
use crate::queue::Policy;
use crate::record::{Record, MOQ_RECORD_READY};
use crate::stats::Snapshot;
use bytes::Bytes;
use moqt::client::{
    Client, ClientConfig, ClientEvent, ClientState, End, Handle, SubscriptionStats,
};
use moqt::delivery::DeliveryClass;
use moqt::hash::IntMap;
use moqt_net::{border, ClientCertificate, Context, HandlerId};
use std::collections::hash_map::RandomState;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

pub use urls::check as check_url;

/// How old statistics may be.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(20);

/// Where the client connects to.
pub enum Target {
    /// Over sockets.
    Network,
    /// To a relay on this runtime.
    Memory(HandlerId),
}

/// See the module.
pub struct Engine {
    shared: Arc<ClientShared>,
    options: ClientOptions,
    target: Target,
    certificate: Option<ClientCertificate>,
    client: Option<Client>,
    lines: Vec<links::Line>,
    /// Handle of the session to handle of ours, and back.
    ours: IntMap<Handle, u64>,
    theirs: IntMap<u64, Handle>,
    publications: IntMap<u64, Track>,
    commands: Taken,
    /// Time limits of calls.
    deadlines: deadlines::Deadlines,
    records: Vec<Record>,
    /// The graceful close, once everything accepted was handed to the session or this time came.
    closing: Option<Instant>,
    /// When statistics may be renewed, and whether something happened since they were.
    snapshot_at: Option<Instant>,
    dirty: bool,
    /// Objects arrived of which the records are not handed over yet.
    unsettled: bool,
    /// The client's `END` was delivered.
    ended: bool,
}

/// A publication on this side.
struct Track {
    shared: Arc<Publication>,
    /// Updates that the session has no room for, in order, and the end behind them.
    waiting: VecDeque<(bool, Bytes)>,
    end: Option<Duration>,
}

impl Engine {
    pub fn new(
        shared: Arc<ClientShared>,
        options: ClientOptions,
        target: Target,
        certificate: Option<ClientCertificate>,
    ) -> Self {
        Self {
            shared,
            options,
            target,
            certificate,
            client: None,
            lines: Vec::new(),
            ours: IntMap::default(),
            theirs: IntMap::default(),
            publications: IntMap::default(),
            commands: Taken::default(),
            deadlines: deadlines::Deadlines::default(),
            records: Vec::new(),
            closing: None,
            snapshot_at: None,
            dirty: false,
            unsettled: false,
            ended: false,
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        let mut client = Client::new(ClientConfig {
            token: self.options.token.clone().map(Bytes::from),
            ask_token: self.options.ask_token,
            reconnect: self.options.reconnect,
            // Keyed at random: other clients, and this one next time, draw other waits.
            seed: RandomState::new().hash_one(self.shared.handle),
            connect_timeout: Duration::from_millis(self.options.connect_timeout_ms),
            request_timeout: Duration::from_millis(self.options.request_timeout_ms),
            max_object_size: self.options.max_object_size as usize,
            max_publications: crate::client::MAX_HANDLES,
            max_requests: crate::client::MAX_HANDLES,
            ..ClientConfig::default()
        });
        client.connect(cx.now());
        self.client = Some(client);
        self.deliver(cx);
    }

    /// Turns the session's events into records, hands them over, and writes what came of it, until
    /// nothing is left to do.
    fn deliver(&mut self, cx: &mut Context<'_>) {
        self.unsettled = false;
        let now = cx.now();
        let Some(mut client) = self.client.take() else {
            return;
        };
        loop {
            let mut finished = None;
            while let Some(event) = client.poll_event(now) {
                finished = self.event(&mut client, cx, event);
                if finished.is_some() {
                    break;
                }
            }
            if let Some(error) = finished {
                self.client = Some(client);
                return self.finish(cx, error);
            }
            self.hand_over(&mut client, now);
            if self.run_links(&mut client, cx) {
                continue;
            }
            if let Some(until) = self.closing {
                let waiting = self
                    .publications
                    .values()
                    .any(|track| !track.waiting.is_empty());
                if !waiting || now >= until {
                    self.closing = None;
                    let flush = until.saturating_duration_since(now);
                    let transport = self.transport(&client, cx);
                    client.close(now, transport, Some(flush).filter(|flush| !flush.is_zero()));
                    continue;
                }
            }
            if !client.needs_pump() {
                break;
            }
            match self.transport(&client, cx) {
                Some(transport) => client.pump(now, transport),
                None => break,
            }
        }
        self.snapshot(&client, cx, false);
        self.client = Some(client);
    }

    /// Gives the records to the caller's queue; lanes that are full are not read on.
    fn hand_over(&mut self, client: &mut Client, now: Instant) {
        let (pause, overrun) = self.shared.deliver(&mut self.records);
        for theirs in pause.iter().filter_map(|handle| self.theirs.get(handle)) {
            client.set_reading(*theirs, false);
        }
        for handle in &overrun {
            let error = Error::new(
                MOQ_ERROR_LIMIT_EXCEEDED,
                "the peer tells of more than is read; poll more often, or ask for less",
            );
            self.cancel(client, now, *handle);
            self.records.push(records::end(*handle, Some(&error)));
        }
        if !overrun.is_empty() {
            self.shared.deliver(&mut self.records);
        }
    }

    /// One event of the session. Gives the reason when it was the last.
    fn event(
        &mut self,
        client: &mut Client,
        cx: &mut Context<'_>,
        event: ClientEvent,
    ) -> Option<Option<Error>> {
        let ours = |handle: &Handle| self.ours.get(handle).copied();
        match event {
            ClientEvent::Closed(error) => return Some(error.map(Error::from)),
            ClientEvent::State {
                state: ClientState::Closed,
                ..
            } => {}
            ClientEvent::State { state, info, error } => {
                let handle = self.shared.handle;
                let error = error.map(Error::from);
                let limits = self.transport(client, cx).map(|t| t.max_datagram_size());
                let datagrams = limits.flatten().is_some();
                let kind = self.carrier(client).and_then(|line| line.kind);
                self.records.push(records::state(
                    handle,
                    state,
                    info.as_ref(),
                    kind,
                    datagrams,
                    error.as_ref(),
                ));
                self.snapshot(client, cx, true);
            }
            ClientEvent::TokenWanted(attempt) => {
                self.records
                    .push(records::token_wanted(self.shared.handle, attempt));
            }
            ClientEvent::Writable(handle) => {
                if let Some(handle) = ours(&handle) {
                    self.send_waiting(client, cx.now(), handle);
                }
            }
            ClientEvent::SubscriptionReady { handle, class, .. } => {
                if let Some(handle) = ours(&handle) {
                    self.deadlines.answered(handle);
                    if class != DeliveryClass::Reliable {
                        self.shared.queue.set_policy(handle, Policy::DropOldest);
                    }
                    self.records
                        .push(records::subscription_ready(handle, class));
                }
            }
            ClientEvent::Ended(theirs, end) => {
                if let Some(handle) = ours(&theirs) {
                    let published = self.publications.contains_key(&handle);
                    self.keep_counters(client.subscription_stats(theirs), handle);
                    self.forget(handle);
                    let error = match end {
                        End::Ended => None,
                        // The caller ended the track: that is what it wanted.
                        End::Closed if published => None,
                        End::Closed => Some(Error::new(MOQ_ERROR_CLOSED, "it was closed here")),
                        End::Error(error) => Some(error.into()),
                    };
                    self.records.push(records::end(handle, error.as_ref()));
                }
            }
            ClientEvent::PublicationReady(handle) => {
                if let Some(handle) = ours(&handle) {
                    self.deadlines.answered(handle);
                    self.records.push(Record::new(MOQ_RECORD_READY, handle));
                }
            }
            ClientEvent::DiscoveryReady(handle) => {
                if let Some(handle) = ours(&handle) {
                    self.deadlines.answered(handle);
                }
            }
            other => {
                let handle = records::handle_of(&other).and_then(|handle| ours(&handle));
                if let Some(record) = handle.and_then(|handle| records::of_event(handle, other)) {
                    self.records.push(record);
                }
            }
        }
        None
    }

    /// The session is over: every handle gets its `END`, the client last, and the handler goes.
    fn finish(&mut self, cx: &mut Context<'_>, error: Option<Error>) {
        if let Some(client) = self.client.take() {
            self.snapshot(&client, cx, true);
        }
        self.end_all(error.as_ref());
        cx.remove_self();
    }

    fn end_all(&mut self, error: Option<&Error>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.shared.set_closed();
        // Requests that were queued in the last moment end as well.
        let mut commands = std::mem::take(&mut self.commands);
        self.shared.take_commands(&mut commands);
        let late = commands.list.iter().filter_map(records::opening_handle);
        let mut open: Vec<u64> = self.theirs.keys().copied().chain(late).collect();
        open.sort_unstable();
        for handle in open {
            self.forget(handle);
            let closed = Error::new(MOQ_ERROR_CLOSED, "the client was closed");
            self.records
                .push(records::end(handle, Some(error.unwrap_or(&closed))));
        }
        self.set_state(ClientState::Closed);
        self.records.push(records::end(self.shared.handle, error));
        self.shared.deliver(&mut self.records);
    }

    fn set_state(&self, state: ClientState) {
        let mut snapshot = self
            .shared
            .snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        snapshot.state = Some(state);
    }

    /// Renews the statistics that callers read, at most once per interval.
    fn snapshot(&mut self, client: &Client, cx: &mut Context<'_>, at_once: bool) {
        let now = cx.now();
        if !at_once && self.snapshot_at.is_some_and(|at| now < at) {
            self.dirty = true;
            return;
        }
        self.dirty = false;
        self.snapshot_at = Some(now + SNAPSHOT_INTERVAL);
        let transport = self.transport(client, cx);
        if let Some(datagram) = transport.as_ref().and_then(|t| t.max_datagram_size()) {
            for track in self.publications.values() {
                track
                    .shared
                    .set_limit(self.shared.payload_limit(&track.shared.options, datagram));
            }
        }
        let transport = transport.map(|t| t.stats());
        let stats = client.stats();
        let name = |handle: &Handle| self.ours.get(handle).copied().unwrap_or(0);
        let next = Snapshot {
            state: Some(client.state()),
            transport,
            reconnects: stats.reconnects,
            datagrams_dropped: stats.datagrams_dropped,
            subscriptions: stats
                .subscriptions
                .into_iter()
                .map(|(h, track, class, s)| (name(&h), records::display(&track), class, s))
                .collect(),
            publications: stats
                .publications
                .into_iter()
                .map(|(h, track, class, s)| (name(&h), records::display(&track), class, s))
                .collect(),
            ..Snapshot::default()
        };
        let mut snapshot = self
            .shared
            .snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut old = std::mem::replace(&mut *snapshot, next);
        std::mem::swap(&mut snapshot.ended, &mut old.ended);
        drop(snapshot);
        drop(old);
    }

    /// A subscription ended: callers may still ask what was dropped of it.
    fn keep_counters(&self, stats: Option<SubscriptionStats>, handle: u64) {
        if let Some(stats) = stats {
            self.shared
                .snapshot
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .subscription_ended(handle, stats);
        }
    }
}

/// A panic on the I/O thread or a shutdown drops the engine: the caller still hears the end.
impl Drop for Engine {
    fn drop(&mut self) {
        let broken = border::is_discarding();
        let error = if broken {
            Error::new(
                MOQ_ERROR_INTERNAL,
                "a defect in the library ended this client; please report it",
            )
        } else {
            Error::new(
                MOQ_ERROR_CLOSED,
                "the library was shut down, or the relay of this memory URL stopped",
            )
        };
        self.end_all(Some(&error));
        if broken {
            // The panic may have come between a record and the wake for it.
            self.shared.call_waker();
        }
    }
}
