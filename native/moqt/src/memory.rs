//! Two connected transports without sockets.
//!
//! Deterministic: nothing happens but in calls, and events come in the order of their causes. Used
//! by tests, and by connections within one process (both ends on one thread).

use crate::hash::IntMap;
use crate::transport::{
    CloseReason, DatagramError, Dir, StreamClosed, StreamId, Transport, TransportEvent,
    TransportStats,
};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Bounds of an in-memory connection, the same for both ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryConfig {
    /// Bytes that one stream holds between writer and reader.
    pub stream_window: usize,
    /// Live bidirectional streams that one end may have opened.
    pub bi_streams: usize,
    /// Live unidirectional streams that one end may have opened.
    pub uni_streams: usize,
    /// Largest datagram in bytes; `None`: no datagrams.
    pub max_datagram: Option<usize>,
    /// Datagrams that wait for one end.
    pub datagram_queue: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        MemoryConfig {
            stream_window: 256 * 1024,
            bi_streams: 1_024,
            uni_streams: 1_024,
            max_datagram: Some(1_200),
            datagram_queue: 256,
        }
    }
}

/// One end of an in-memory connection. Dropping it closes the connection with code 0.
pub struct MemoryTransport {
    side: usize,
    shared: Rc<RefCell<Shared>>,
}

/// Connects two ends.
pub fn pair(config: MemoryConfig) -> (MemoryTransport, MemoryTransport) {
    let shared = Shared {
        config,
        streams: IntMap::default(),
        ends: [End::default(), End::default()],
        closed: false,
    };
    let shared = Rc::new(RefCell::new(shared));
    (
        MemoryTransport {
            side: 0,
            shared: shared.clone(),
        },
        MemoryTransport { side: 1, shared },
    )
}

struct Shared {
    config: MemoryConfig,
    streams: IntMap<StreamId, Stream>,
    ends: [End; 2],
    closed: bool,
}

/// What one end waits for or has to hear.
#[derive(Default)]
struct End {
    queue: VecDeque<Pending>,
    /// Streams opened ever, and live now, by direction (bi, uni).
    opened: [u64; 2],
    live: [usize; 2],
    wants_stream: [bool; 2],
    datagrams: usize,
    wants_datagrams: bool,
    stats: TransportStats,
}

enum Pending {
    Event(TransportEvent),
    /// The stream has data, or its end, for this end.
    Readable(StreamId),
}

struct Stream {
    opener: usize,
    dir: Dir,
    /// By sending side.
    halves: [Half; 2],
}

/// One direction of a stream.
#[derive(Default)]
struct Half {
    chunks: VecDeque<Bytes>,
    queued: usize,
    announced: bool,
    scheduled: bool,
    paused: bool,
    blocked: bool,
    fin: bool,
    /// The reader wants no more.
    stopped: bool,
    /// Nothing more comes: the end was read, or the half was reset, or never existed.
    done: bool,
}

const fn index(dir: Dir) -> usize {
    match dir {
        Dir::Bi => 0,
        Dir::Uni => 1,
    }
}

impl Shared {
    fn push(&mut self, side: usize, event: TransportEvent) {
        self.ends[side].queue.push_back(Pending::Event(event));
    }

    /// Makes the reader of what `sender` sends look at the stream.
    fn schedule(&mut self, id: StreamId, sender: usize) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let half = &mut stream.halves[sender];
        if !half.scheduled && !half.paused && !half.stopped && !half.done {
            half.scheduled = true;
            self.ends[1 - sender].queue.push_back(Pending::Readable(id));
        }
    }

    /// Returns the opener's credit when both directions are over.
    fn release(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        if !stream.halves.iter().all(|half| half.done) {
            return;
        }
        let (opener, dir) = (stream.opener, stream.dir);
        self.streams.remove(&id);
        let end = &mut self.ends[opener];
        end.live[index(dir)] -= 1;
        if std::mem::take(&mut end.wants_stream[index(dir)]) {
            self.push(opener, TransportEvent::StreamsAvailable { dir });
        }
    }

    /// The next thing to read on a stream, for `reader`.
    fn read(&mut self, id: StreamId, reader: usize) -> Option<TransportEvent> {
        let sender = 1 - reader;
        let stream = self.streams.get_mut(&id)?;
        let dir = stream.dir;
        let half = &mut stream.halves[sender];
        half.scheduled = false;
        if half.paused || half.stopped || half.done {
            return None;
        }
        let data = half.chunks.pop_front();
        let end = half.fin && half.chunks.is_empty();
        if data.is_none() && !end && half.announced {
            return None;
        }
        half.announced = true;
        let data = data.unwrap_or_default();
        half.queued -= data.len();
        let writable = std::mem::take(&mut half.blocked);
        half.done = end;
        let more = !half.chunks.is_empty();
        self.ends[reader].stats.bytes_received += data.len() as u64;
        if end {
            self.push(sender, TransportEvent::Acked { id });
            self.release(id);
        } else {
            if writable {
                self.push(sender, TransportEvent::Writable { id });
            }
            if more {
                self.schedule(id, sender);
            }
        }
        Some(TransportEvent::Data {
            id,
            dir,
            data,
            fin: end,
        })
    }
}

impl MemoryTransport {
    /// The next event of this end.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        let mut shared = self.shared.borrow_mut();
        loop {
            match shared.ends[self.side].queue.pop_front()? {
                Pending::Event(event) => {
                    if matches!(event, TransportEvent::Datagram(_)) {
                        shared.ends[self.side].datagrams -= 1;
                        let peer = 1 - self.side;
                        if std::mem::take(&mut shared.ends[peer].wants_datagrams) {
                            shared.push(peer, TransportEvent::DatagramsAvailable);
                        }
                    }
                    return Some(event);
                }
                Pending::Readable(id) => {
                    if let Some(event) = shared.read(id, self.side) {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// Whether [`MemoryTransport::poll_event`] may have something.
    pub fn has_events(&self) -> bool {
        !self.shared.borrow().ends[self.side].queue.is_empty()
    }

    fn shut(&mut self, reason: CloseReason, peer_reason: CloseReason) {
        let mut shared = self.shared.borrow_mut();
        if std::mem::replace(&mut shared.closed, true) {
            return;
        }
        shared.streams.clear();
        shared.ends[self.side].queue.clear();
        shared.push(self.side, TransportEvent::Closed(reason));
        // What the peer has not read yet is lost, as with a closed QUIC connection.
        shared.ends[1 - self.side].queue.clear();
        shared.push(1 - self.side, TransportEvent::Closed(peer_reason));
    }

    /// Ends the connection for both ends as if nothing was heard any more (for tests).
    pub fn break_connection(&mut self) {
        self.shut(CloseReason::TimedOut, CloseReason::TimedOut);
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.close(0, "");
    }
}

impl Transport for MemoryTransport {
    fn open(&mut self, dir: Dir) -> Option<StreamId> {
        let mut shared = self.shared.borrow_mut();
        if shared.closed {
            return None;
        }
        let limit = match dir {
            Dir::Bi => shared.config.bi_streams,
            Dir::Uni => shared.config.uni_streams,
        };
        let end = &mut shared.ends[self.side];
        if end.live[index(dir)] >= limit {
            end.wants_stream[index(dir)] = true;
            return None;
        }
        end.live[index(dir)] += 1;
        let number = end.opened[index(dir)];
        end.opened[index(dir)] += 1;
        // Numbered as QUIC does: two low bits for direction and opener.
        let id = StreamId(number << 2 | (index(dir) as u64) << 1 | self.side as u64);
        let mut halves = [Half::default(), Half::default()];
        halves[1 - self.side].announced = true;
        halves[1 - self.side].done = dir == Dir::Uni;
        shared.streams.insert(
            id,
            Stream {
                opener: self.side,
                dir,
                halves,
            },
        );
        Some(id)
    }

    fn write(&mut self, id: StreamId, data: &mut Bytes) -> Result<(), StreamClosed> {
        let mut shared = self.shared.borrow_mut();
        let window = shared.config.stream_window;
        let half = &mut shared.streams.get_mut(&id).ok_or(StreamClosed)?.halves[self.side];
        if half.fin || half.done || half.stopped {
            return Err(StreamClosed);
        }
        let take = data.len().min(window.saturating_sub(half.queued));
        half.blocked = take < data.len();
        if take > 0 {
            half.queued += take;
            half.chunks.push_back(data.split_to(take));
            shared.ends[self.side].stats.bytes_sent += take as u64;
            shared.schedule(id, self.side);
        }
        Ok(())
    }

    fn finish(&mut self, id: StreamId) {
        let mut shared = self.shared.borrow_mut();
        let Some(stream) = shared.streams.get_mut(&id) else {
            return;
        };
        let half = &mut stream.halves[self.side];
        if half.fin || half.done {
            return;
        }
        half.fin = true;
        if half.stopped {
            half.done = true;
            shared.release(id);
        } else {
            shared.schedule(id, self.side);
        }
    }

    fn reset(&mut self, id: StreamId, code: u64) {
        let mut shared = self.shared.borrow_mut();
        let Some(stream) = shared.streams.get_mut(&id) else {
            return;
        };
        let dir = stream.dir;
        let half = &mut stream.halves[self.side];
        if std::mem::replace(&mut half.done, true) {
            return;
        }
        half.chunks.clear();
        let (announced, stopped) = (std::mem::replace(&mut half.announced, true), half.stopped);
        if !stopped {
            let peer = 1 - self.side;
            if !announced {
                let data = Bytes::new();
                shared.push(
                    peer,
                    TransportEvent::Data {
                        id,
                        dir,
                        data,
                        fin: false,
                    },
                );
            }
            shared.push(peer, TransportEvent::Reset { id, code });
        }
        shared.release(id);
    }

    fn stop(&mut self, id: StreamId, code: u64) {
        let mut shared = self.shared.borrow_mut();
        let sender = 1 - self.side;
        let Some(stream) = shared.streams.get_mut(&id) else {
            return;
        };
        let half = &mut stream.halves[sender];
        if half.done || std::mem::replace(&mut half.stopped, true) {
            return;
        }
        half.chunks.clear();
        half.done = half.fin;
        shared.push(sender, TransportEvent::Stopped { id, code });
        shared.release(id);
    }

    fn set_priority(&mut self, _id: StreamId, _priority: i32) {
        // Readers see streams in the order of their writes; nothing here is ever congested.
    }

    fn pause(&mut self, id: StreamId, paused: bool) {
        let mut shared = self.shared.borrow_mut();
        let sender = 1 - self.side;
        let Some(stream) = shared.streams.get_mut(&id) else {
            return;
        };
        let half = &mut stream.halves[sender];
        half.paused = paused;
        if !paused && (half.fin || !half.chunks.is_empty()) {
            shared.schedule(id, sender);
        }
    }

    fn send_datagram(&mut self, data: Bytes) -> Result<(), DatagramError> {
        let mut shared = self.shared.borrow_mut();
        if shared.closed {
            return Err(DatagramError::Unsupported);
        }
        let limit = shared
            .config
            .max_datagram
            .ok_or(DatagramError::Unsupported)?;
        if data.len() > limit {
            return Err(DatagramError::TooLarge { limit });
        }
        let peer = 1 - self.side;
        if shared.ends[peer].datagrams >= shared.config.datagram_queue {
            shared.ends[self.side].wants_datagrams = true;
            return Err(DatagramError::Blocked);
        }
        shared.ends[peer].datagrams += 1;
        shared.ends[self.side].stats.bytes_sent += data.len() as u64;
        shared.push(peer, TransportEvent::Datagram(data));
        Ok(())
    }

    fn max_datagram_size(&self) -> Option<usize> {
        let shared = self.shared.borrow();
        shared.config.max_datagram.filter(|_| !shared.closed)
    }

    fn close(&mut self, code: u64, reason: &str) {
        let reason = reason.to_owned();
        self.shut(CloseReason::Local, CloseReason::Peer { code, reason });
    }

    fn stats(&self) -> TransportStats {
        self.shared.borrow().ends[self.side].stats
    }
}
