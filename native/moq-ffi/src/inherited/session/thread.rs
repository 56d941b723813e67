//! The thread of a session: takes what was received and hands it out, to callbacks and to who waits.

use super::super::calls::set_runs_callbacks;
use super::super::types::*;
use super::{lock, Phase, Session, To, ROOM};
use crate::error::*;
use crate::record::*;
use moqt_net::border::{self, Border};
use std::ffi::CString;
use std::sync::PoisonError;

impl Session {
    /// The thread.
    pub(super) fn run(&self) {
        set_runs_callbacks();
        if let Err(panic) = border::catch(Border::Callbacks, || self.work()) {
            self.ended(Some(Error::new(
                MOQ_ERROR_INTERNAL,
                format!(
                    "a defect in moq-ffi ended this client, please report it: {}",
                    border::text(&panic)
                ),
            )));
        }
        self.shared.gate.set(None);
        self.shared.close_now();
        // Subscribers hold the session, and it them.
        drop(std::mem::take(&mut *lock(&self.routes)));
        self.changed.notify_all();
    }

    /// Hands out what was received until the connection is over.
    fn work(&self) {
        self.tell(MOQ_STATE_CONNECTING);
        let mut records = Vec::new();
        while !lock(&self.state).dropped {
            border::cross(Border::Callbacks.name());
            self.shared.take_records(&mut records, ROOM);
            if !records.is_empty() {
                let over = self.hand_out(&records);
                records.clear();
                if over {
                    break;
                }
                continue;
            }
            let mut state = lock(&self.state);
            while !state.woken && !state.dropped {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.woken = false;
        }
    }

    /// Hands records out, those of one handle in one go. True when the client has ended.
    fn hand_out(&self, records: &[Record]) -> bool {
        for run in records.chunk_by(|a, b| {
            a.handle == b.handle && (a.kind == MOQ_RECORD_OBJECT) == (b.kind == MOQ_RECORD_OBJECT)
        }) {
            let Some(first) = run.first() else { continue };
            if lock(&self.state).dropped {
                return true;
            }
            if first.handle == self.shared.handle {
                for record in run {
                    if self.client_record(record) {
                        return true;
                    }
                }
            } else if first.kind == MOQ_RECORD_OBJECT {
                let leaving = self.is_leaving();
                if let (Some(To::Subscriber(subscriber)), false) = (self.to(first.handle), leaving)
                {
                    subscriber.objects(run);
                }
            } else {
                run.iter().for_each(|record| self.child_record(record));
            }
        }
        false
    }

    fn is_leaving(&self) -> bool {
        lock(&self.state).leaving
    }

    fn to(&self, handle: u64) -> Option<To> {
        lock(&self.routes)
            .get(&handle)
            .map(|route| route.to.clone())
    }

    fn client_record(&self, record: &Record) -> bool {
        match record.kind {
            MOQ_RECORD_STATE if record.code == MOQ_CLIENT_OPEN as u32 => {
                lock(&self.state).phase = Phase::Open;
                self.tell_first(MOQ_STATE_CONNECTED);
                false
            }
            MOQ_RECORD_STATE if record.code == MOQ_CLIENT_RECONNECTING as u32 => {
                lock(&self.state).phase = Phase::Lost;
                log::warn!("the connection was lost and is being made again");
                self.tell(MOQ_STATE_DISCONNECTED);
                self.tell(MOQ_STATE_CONNECTING);
                false
            }
            MOQ_RECORD_END => {
                self.ended(record.error());
                true
            }
            _ => false,
        }
    }

    fn ended(&self, error: Option<Error>) {
        let before = {
            let mut state = lock(&self.state);
            state.error = error.filter(|_| !state.leaving);
            std::mem::replace(&mut state.phase, Phase::Over)
        };
        let failed = lock(&self.state).error.clone();
        if let Some(error) = &failed {
            log::warn!("the connection is over: {error}");
        }
        match (before, failed) {
            (Phase::Connecting | Phase::Lost, Some(_)) => self.tell_first(MOQ_STATE_FAILED),
            _ => self.tell_first(MOQ_STATE_DISCONNECTED),
        }
    }

    fn tell(&self, state: MoqConnectionState) {
        // SAFETY: the caller of moq_connect gave a function that takes these.
        self.callback
            .call(|call| unsafe { (call.function)(call.user_data, state) });
    }

    /// Tells the outcome that [`Session::wait_connected`] waits for.
    fn tell_first(&self, state: MoqConnectionState) {
        self.tell(state);
        lock(&self.state).told = true;
        self.changed.notify_all();
    }

    /// A record other than an object, of a request or publication.
    fn child_record(&self, record: &Record) {
        match record.kind {
            MOQ_RECORD_READY | MOQ_RECORD_END => self.answer(record),
            MOQ_RECORD_GAP => {
                if let Some(To::Subscriber(subscriber)) = self.to(record.handle) {
                    subscriber.gap(record);
                }
            }
            MOQ_RECORD_NAMESPACE if record.flags & MOQ_FLAG_REMOVED == 0 => {
                let leaving = self.is_leaving();
                if let (Some(To::Announces), false) = (self.to(record.handle), leaving) {
                    self.tell_announced(record);
                }
            }
            _ => {}
        }
    }

    /// `READY` or `END` of a request or publication.
    pub(super) fn answer(&self, record: &Record) {
        let ended = record.kind == MOQ_RECORD_END;
        let error = record.error();
        let to = {
            let mut routes = lock(&self.routes);
            let Some(route) = routes.get_mut(&record.handle) else {
                return;
            };
            let to = route.to.clone();
            if !ended {
                route.answer = Some(Ok(()));
            } else if route.awaited {
                let ended = || Error::new(MOQ_ERROR_CLOSED, "it ended before it began");
                route.answer = Some(Err(error.clone().unwrap_or_else(ended)));
            } else {
                routes.remove(&record.handle);
            }
            to
        };
        match (&to, ended) {
            (To::Subscriber(subscriber), false) => subscriber.accepted(record),
            (To::Subscriber(subscriber), true) => subscriber.ended(record.handle, error.as_ref()),
            (To::Publisher(fate), true) => fate.ended(self, error.as_ref()),
            (To::Announcement(namespace), true) => {
                lock(&self.announced).remove(namespace);
                if let Some(error) = error {
                    log::warn!("the announcement of {} ended: {error}", namespace.join("/"));
                }
            }
            (To::Announces, true) => {
                if let Some(error) = error {
                    log::warn!("namespaces are not told any more: {error}");
                }
            }
            _ => {}
        }
        if ended {
            self.shared.close_child(record.handle);
        }
        self.changed.notify_all();
    }

    fn tell_announced(&self, record: &Record) {
        let fields: Vec<String> = serde_json::from_slice(&record.payload).unwrap_or_default();
        let Ok(namespace) = CString::new(fields.join("/")) else {
            log::warn!("a namespace with a NUL in it was announced, which C cannot be told");
            return;
        };
        self.announces.tell(&namespace);
    }
}
