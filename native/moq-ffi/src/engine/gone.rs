//! The connection that is no more, for the last event of a session.

use bytes::Bytes;
use moqt::transport::{DatagramError, Dir, StreamClosed, StreamId, Transport, TransportStats};

pub struct Gone;

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
