//! What a session asks for: requests and publications, and waiting for the answers.

use super::super::publish::Fate;
use super::{is_answer, lock, Phase, Route, Session, To, LOOK};
use crate::commands::Command;
use crate::error::*;
use crate::handles;
use crate::options::{DiscoverOptions, PublishOptions};
use crate::publication::Publication;
use crate::record::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Session {
    /// Opens a request whose records go to `to`.
    pub fn request(
        &self,
        to: To,
        awaited: bool,
        queue_bytes: usize,
        command: impl FnOnce(u64) -> Command,
    ) -> Result<u64> {
        // Its records wait until it is known here.
        let mut routes = lock(&self.routes);
        let handle = self.shared.open_request(queue_bytes, 0, command)?;
        routes.insert(
            handle,
            Route {
                to,
                awaited,
                answer: None,
            },
        );
        Ok(handle)
    }

    /// Opens a publication, whose end goes to `fate`.
    pub fn publication(
        &self,
        options: PublishOptions,
        fate: &Arc<Fate>,
    ) -> Result<Arc<Publication>> {
        let mut routes = lock(&self.routes);
        let handle = self.shared.open_publication(options)?;
        let route = Route {
            to: To::Publisher(fate.clone()),
            awaited: false,
            answer: None,
        };
        routes.insert(handle, route);
        handles::publication(handle)
    }

    /// Waits for the answer to a request, for the connect timeout. A request that fails is closed.
    pub fn wait(&self, handle: u64, what: &str) -> Result<()> {
        let until = Instant::now() + self.timeout;
        loop {
            while let Some(record) = self.shared.queue.take_next(handle, is_answer) {
                self.answer(&record);
            }
            if let Some(answer) = self.take_answer(handle) {
                return answer;
            }
            let state = lock(&self.state);
            let error = match () {
                () if state.phase == Phase::Over || state.leaving || state.dropped => Error::new(
                    MOQ_ERROR_NOT_CONNECTED,
                    format!("{what}: the client was disconnected meanwhile"),
                ),
                () if Instant::now() >= until => Error::new(
                    MOQ_ERROR_TIMEOUT,
                    format!(
                        "{what}: the relay did not answer within {} ms; moq_client_configure changes that time (connectTimeout)",
                        self.timeout.as_millis()
                    ),
                ),
                () => {
                    drop(self.changed.wait_timeout(state, LOOK));
                    continue;
                }
            };
            drop(state);
            self.close(handle);
            return Err(error);
        }
    }

    fn take_answer(&self, handle: u64) -> Option<Result<()>> {
        let mut routes = lock(&self.routes);
        let route = routes.get_mut(&handle)?;
        let answer = route.answer.take()?;
        match answer {
            Ok(()) => route.awaited = false,
            Err(_) => drop(routes.remove(&handle)),
        }
        Some(answer)
    }

    /// Closes a request: nothing more is told of it.
    pub fn close(&self, handle: u64) {
        lock(&self.routes).remove(&handle);
        self.shared.close_child(handle);
    }

    /// Looks whether the end of a publication is known already, and hands it out.
    pub fn settle(&self, publication: &Publication) {
        let end = |kind| kind == MOQ_RECORD_END;
        if let Some(record) = self.shared.queue.take_next(publication.handle, end) {
            self.answer(&record);
        }
    }

    /// Ends a publication whose owner is gone; what it accepted is still sent.
    pub fn end_publication(&self, publication: &Publication) {
        match lock(&self.routes).get_mut(&publication.handle) {
            Some(route) => route.to = To::Nobody,
            None => return,
        }
        if publication.set_ended() {
            self.shared.command(Command::End {
                handle: publication.handle,
                flush: Duration::ZERO,
            });
        }
    }

    /// Whether the namespace is announced already.
    pub fn is_announced(&self, namespace: &[String]) -> bool {
        lock(&self.announced).contains_key(namespace)
    }

    pub fn set_announced(&self, namespace: Vec<String>, handle: u64) {
        let mut announced = lock(&self.announced);
        // It may have ended meanwhile.
        if lock(&self.routes).contains_key(&handle) {
            announced.insert(namespace, handle);
        }
    }

    /// Asks for every namespace that is announced, in place of what was asked before.
    pub fn watch_announces(&self) -> Result<()> {
        self.unwatch_announces();
        let options = Box::new(DiscoverOptions {
            prefix: Vec::new(),
            timeout_ms: 0,
        });
        self.request(To::Announces, false, 0, |handle| Command::Discover {
            handle,
            options,
        })?;
        Ok(())
    }

    pub fn unwatch_announces(&self) {
        let watching: Vec<u64> = lock(&self.routes)
            .iter()
            .filter(|(_, route)| matches!(route.to, To::Announces))
            .map(|(handle, _)| *handle)
            .collect();
        for handle in watching {
            self.close(handle);
        }
    }
}
