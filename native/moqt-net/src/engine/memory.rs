//! In-process connections between two handlers of one thread.

use super::{Core, Link};
use crate::config::{ConnectError, MOQT_18};
use crate::handler::{ConnInfo, TransportKind};
use crate::link::LinkEvent;
use moqt::memory::{pair, MemoryConfig, MemoryTransport};
use moqt::transport::{Transport, TransportEvent};

/// One side of a pair.
pub(crate) struct MemoryLink {
    pub transport: MemoryTransport,
    /// The other side's connection.
    pub peer: u64,
    /// Told first.
    info: Option<ConnInfo>,
    closed: bool,
}

impl MemoryLink {
    pub fn is_ready(&self) -> bool {
        self.info.is_none() && !self.closed
    }

    pub fn next_event(&mut self) -> Option<LinkEvent> {
        if let Some(info) = self.info.take() {
            return Some(LinkEvent::Connected(info));
        }
        if self.closed {
            return None;
        }
        let event = self.transport.poll_event()?;
        self.closed = matches!(event, TransportEvent::Closed(_));
        Some(LinkEvent::Transport(event))
    }
}

impl Core {
    pub fn connect_memory(
        &mut self,
        handler: u64,
        peer: u64,
        path: &str,
    ) -> Result<u64, ConnectError> {
        if self.handlers.get(&peer).is_none_or(|h| h.leaving) {
            return Err(ConnectError::NoPeer);
        }
        let (near, far) = pair(MemoryConfig {
            // As large as any that comes in a packet of at most 1,452 bytes: it goes on as it is.
            max_datagram: Some(1_452),
            ..MemoryConfig::default()
        });
        let info = |incoming| ConnInfo {
            kind: TransportKind::Memory,
            protocol: MOQT_18.to_owned(),
            path: path.to_owned(),
            authority: "memory".to_owned(),
            remote: None,
            incoming,
        };
        let link = |transport, incoming| {
            let info = Some(info(incoming));
            Link::Memory(MemoryLink {
                transport,
                peer: 0,
                info,
                closed: false,
            })
        };
        let near = self.new_conn(handler, link(near, false));
        let far = self.new_conn(peer, link(far, true));
        for (id, other) in [(near, far), (far, near)] {
            if let Some(Link::Memory(link)) = self.conns.get_mut(id).map(|c| &mut c.link) {
                link.peer = other;
            }
        }
        Ok(near)
    }

    pub(super) fn close_memory(&mut self, id: u64, code: u64, reason: &str) {
        if let Some(Link::Memory(link)) = self.conns.get_mut(id).map(|c| &mut c.link) {
            link.transport.close(code, reason);
            let peer = link.peer;
            self.mark_rx(id);
            self.mark_rx(peer);
        }
    }
}
