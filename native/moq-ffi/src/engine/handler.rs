//! The engine as the I/O thread calls it.

use super::gone::Gone;
use super::Engine;
use crate::error::{Error, MOQ_ERROR_TIMEOUT};
use moqt::transport::{CloseReason, TransportEvent};
use moqt_net::{ConnId, ConnInfo, Context, Handler};
use std::time::Instant;

impl Handler for Engine {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        if let Err(error) = self.start(cx) {
            self.finish(cx, Some(error));
        }
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, info: ConnInfo) {
        if self.conn != Some(conn) {
            return;
        }
        self.transport = Some(info.kind);
        let now = cx.now();
        if let (Some(client), Some(transport)) = (&mut self.client, cx.transport(conn)) {
            client.attach(now, transport);
        }
        self.deliver(cx);
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        if self.conn != Some(conn) {
            return;
        }
        let now = cx.now();
        if self.transport.is_none() && event == TransportEvent::Closed(CloseReason::TimedOut) {
            let error = Error::new(
                MOQ_ERROR_TIMEOUT,
                format!(
                    "the relay at {} did not answer within {} ms; check address and port, and that UDP is not blocked",
                    self.options.url, self.options.connect_timeout_ms
                ),
            );
            return self.finish(cx, Some(error));
        }
        if let Some(client) = &mut self.client {
            match cx.transport(conn) {
                Some(transport) => client.handle(now, transport, event),
                None => client.handle(now, &mut Gone, event),
            }
        }
        self.deliver(cx);
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) {
        self.run_commands(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let client = self.client.as_ref()?;
        // The statistics settle a moment after the last event.
        let snapshot = self.snapshot_at.filter(|_| self.dirty);
        [client.poll_timeout(), self.closing, snapshot]
            .into_iter()
            .flatten()
            .min()
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let transport = self.conn.and_then(|conn| cx.transport(conn));
        if let (Some(client), Some(transport)) = (&mut self.client, transport) {
            client.on_timeout(now, transport);
        }
        self.deliver(cx);
    }

    fn on_stop(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let transport = self.conn.and_then(|conn| cx.transport(conn));
        if let Some(client) = &mut self.client {
            client.close(now, transport, None);
        }
        self.deliver(cx);
    }
}
