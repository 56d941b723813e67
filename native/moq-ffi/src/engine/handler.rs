//! The engine as the I/O thread calls it.

use super::Engine;
use crate::error::{Error, MOQ_ERROR_CONNECTION_FAILED};
use moqt::client::{ClientError, ErrorCode};
use moqt::transport::{CloseReason, Gone, TransportEvent};
use moqt_net::{ConnId, ConnInfo, Context, Handler};
use std::time::Instant;

impl Handler for Engine {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.start(cx);
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, info: ConnInfo) {
        let now = cx.now();
        let Some(line) = self.line(conn) else { return };
        line.kind = Some(info.kind);
        let (link, address) = (line.link, line.address.clone());
        if let (Some(client), Some(transport)) = (&mut self.client, cx.transport(conn)) {
            client.attach(now, link, &address, transport);
        }
        self.deliver(cx);
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        let now = cx.now();
        let Some(at) = self.lines.iter().position(|line| line.conn == conn) else {
            return;
        };
        let (link, stood) = (self.lines[at].link, self.lines[at].kind.is_some());
        if matches!(event, TransportEvent::Closed(_)) {
            self.lines.swap_remove(at);
        }
        let Some(client) = &mut self.client else {
            return;
        };
        // Many of these come at a time: their records are handed over together, which takes one
        // lock and wakes the caller once.
        let objects = matches!(
            event,
            TransportEvent::Datagram(_) | TransportEvent::Data { .. }
        );
        if !stood && event == TransportEvent::Closed(CloseReason::TimedOut) {
            let message = format!(
                "the relay at {} did not answer within {} ms; check address and port, and that UDP is not blocked",
                self.options.url, self.options.connect_timeout_ms
            );
            let error = ClientError::new(ErrorCode::Timeout, message);
            client.connect_failed(now, link, error);
        } else {
            match cx.transport(conn) {
                Some(transport) => client.handle(now, link, transport, event),
                None => client.handle(now, link, &mut Gone, event),
            }
        }
        match objects {
            true => self.unsettled = true,
            false => self.deliver(cx),
        }
    }

    fn on_settled(&mut self, cx: &mut Context<'_>) {
        if self.unsettled {
            self.deliver(cx);
        }
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) {
        self.run_commands(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let client = self.client.as_ref()?;
        // The statistics settle a moment after the last event.
        let snapshot = self.snapshot_at.filter(|_| self.dirty);
        [
            client.poll_timeout(),
            self.closing,
            snapshot,
            self.deadlines.next(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if let Some(mut client) = self.client.take() {
            client.on_timeout(now, self.transport(&client, cx));
            self.end_overdue(&mut client, now);
            self.client = Some(client);
        }
        self.deliver(cx);
    }

    fn on_stop(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if let Some(mut client) = self.client.take() {
            client.close(now, self.transport(&client, cx), None);
            self.client = Some(client);
        }
        if !self.shared.is_closed() {
            // Nobody asked for it: the relay whose thread this is has stopped.
            let text = "the relay of this memory URL has stopped, and its clients with it";
            self.end_all(Some(&Error::new(MOQ_ERROR_CONNECTION_FAILED, text)));
        }
        self.deliver(cx);
    }
}
