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
