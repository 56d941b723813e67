//! What the relay's core needs of the I/O thread, so that tests can drive it without one.

use bytes::Bytes;
use moqt::transport::{DatagramError, Dir, StreamClosed, StreamId, Transport, TransportStats};
use moqt_net::{ConnId, Context};
use std::time::Instant;

/// Connections and the clock.
pub(crate) trait Io {
    /// The time at which this batch of work began.
    fn now(&self) -> Instant;
    /// A live connection's transport.
    fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport>;
}

impl Io for Context<'_> {
    fn now(&self) -> Instant {
        Context::now(self)
    }

    fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport> {
        Context::transport(self, conn)
    }
}

/// The transport of a connection that is gone: takes nothing, gives nothing.
pub(crate) struct Gone;

impl Transport for Gone {
    fn open(&mut self, _: Dir) -> Option<StreamId> {
        None
    }
    fn write(&mut self, _: StreamId, _: &mut Bytes) -> Result<(), StreamClosed> {
        Err(StreamClosed)
    }
    fn finish(&mut self, _: StreamId) {}
    fn reset(&mut self, _: StreamId, _: u64) {}
    fn stop(&mut self, _: StreamId, _: u64) {}
    fn set_priority(&mut self, _: StreamId, _: i32) {}
    fn pause(&mut self, _: StreamId, _: bool) {}
    fn send_datagram(&mut self, _: Bytes) -> Result<(), DatagramError> {
        Err(DatagramError::Unsupported)
    }
    fn max_datagram_size(&self) -> Option<usize> {
        None
    }
    fn close(&mut self, _: u64, _: &str) {}
    fn stats(&self) -> TransportStats {
        TransportStats::default()
    }
}

/// Passes everything on and remembers the first stream that was opened: a session's control stream.
pub(crate) struct FirstStream<'a> {
    pub(crate) inner: &'a mut dyn Transport,
    pub(crate) opened: Option<StreamId>,
}

impl Transport for FirstStream<'_> {
    fn open(&mut self, dir: Dir) -> Option<StreamId> {
        let stream = self.inner.open(dir);
        self.opened = self.opened.or(stream);
        stream
    }
    fn write(&mut self, id: StreamId, data: &mut Bytes) -> Result<(), StreamClosed> {
        self.inner.write(id, data)
    }
    fn finish(&mut self, id: StreamId) {
        self.inner.finish(id);
    }
    fn reset(&mut self, id: StreamId, code: u64) {
        self.inner.reset(id, code);
    }
    fn stop(&mut self, id: StreamId, code: u64) {
        self.inner.stop(id, code);
    }
    fn set_priority(&mut self, id: StreamId, priority: i32) {
        self.inner.set_priority(id, priority);
    }
    fn pause(&mut self, id: StreamId, paused: bool) {
        self.inner.pause(id, paused);
    }
    fn send_datagram(&mut self, data: Bytes) -> Result<(), DatagramError> {
        self.inner.send_datagram(data)
    }
    fn max_datagram_size(&self) -> Option<usize> {
        self.inner.max_datagram_size()
    }
    fn close(&mut self, code: u64, reason: &str) {
        self.inner.close(code, reason);
    }
    fn stats(&self) -> TransportStats {
        self.inner.stats()
    }
}
