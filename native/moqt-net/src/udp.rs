//! UDP sockets: batched receive, batched and segmented send, and what is done when a socket errs.

mod batch;

use batch::Batch;
use quinn_udp::{RecvMeta, UdpSocketState};
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

/// Asked of the kernel for each socket; it gives what it allows. One tick of a relay with
/// thousands of subscribers has to fit.
const SOCKET_BUFFER: usize = 4 << 20;
/// Datagrams kept while the socket is full; with them no connection is asked for more.
const MAX_BACKLOG: usize = 256;
/// Whether the system sends many packets in one call.
const BATCHES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A packet or a train of packets that the socket did not take yet.
struct Waiting {
    transmit: quinn_proto::Transmit,
    contents: Vec<u8>,
}

/// A non-blocking UDP socket.
pub(crate) struct UdpSocket {
    pub io: mio::net::UdpSocket,
    /// `None` where the platform lacks the socket options that `quinn-udp` wants; plain calls
    /// carry the traffic then.
    state: Option<UdpSocketState>,
    backlog: VecDeque<Waiting>,
    /// Packets of this round, in front of which nothing waits.
    batch: Batch,
    pub errors: u64,
}

impl UdpSocket {
    /// Binds; the error names the address.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let named = |e: io::Error| {
            let hint = match e.kind() {
                io::ErrorKind::AddrInUse => {
                    "; another program uses this port, choose another one \
                                             or 0 for a free one"
                }
                io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
                io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
                _ => "",
            };
            io::Error::new(e.kind(), format!("cannot open UDP {address}: {e}{hint}"))
        };
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None).map_err(named)?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            // One socket for both families where the system can; otherwise IPv6 only.
            let _ = socket.set_only_v6(false);
        }
        socket.set_nonblocking(true).map_err(named)?;
        socket.bind(&address.into()).map_err(named)?;
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let socket = std::net::UdpSocket::from(socket);
        let state = match UdpSocketState::new((&socket).into()) {
            Ok(state) => Some(state),
            Err(e) => {
                log::warn!("UDP {address}: no offload on this platform ({e}); plain sockets used");
                let _ = socket.set_nonblocking(true);
                None
            }
        };
        Ok(UdpSocket {
            io: mio::net::UdpSocket::from_std(socket),
            state,
            backlog: VecDeque::new(),
            batch: Batch::default(),
            errors: 0,
        })
    }

    /// Most packets in one transmit.
    pub fn max_segments(&self) -> usize {
        // Longer trains gain nothing measurable and hold back other connections.
        self.state
            .as_ref()
            .map_or(1, |s| s.max_gso_segments().clamp(1, 16))
    }

    /// Whether the IP layer may fragment what is sent; path MTU discovery needs that it does not.
    pub fn may_fragment(&self) -> bool {
        self.state.as_ref().is_none_or(UdpSocketState::may_fragment)
    }

    /// Whether the socket takes no more now; `flush` after it became writable.
    pub fn is_full(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Sends or keeps one transmit: a single packet leaves with others at the latest when
    /// [`UdpSocket::send_batch`] is called. Errors other than a full socket drop it: QUIC repeats
    /// what matters.
    pub fn send(&mut self, transmit: quinn_proto::Transmit, contents: &[u8]) {
        let contents = contents.get(..transmit.size).unwrap_or(contents);
        if self.backlog.is_empty() && BATCHES && Batch::takes(&transmit) {
            self.batch.push(transmit, contents);
            if self.batch.len() == batch::MAX_PACKETS {
                self.send_batch();
            }
            return;
        }
        self.send_batch();
        self.send_now(transmit, contents);
    }

    fn send_now(&mut self, transmit: quinn_proto::Transmit, contents: &[u8]) {
        if self.backlog.is_empty() {
            match self.try_send(&transmit, contents) {
                Ok(()) => return,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return self.note(&e),
            }
        }
        if self.backlog.len() < MAX_BACKLOG {
            self.backlog.push_back(Waiting {
                transmit,
                contents: contents.to_vec(),
            });
        } else {
            self.errors += 1;
        }
    }

    /// Sends the packets that wait for company.
    pub fn send_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let mut batch = std::mem::take(&mut self.batch);
        let mut first = 0;
        while first < batch.len() {
            // A single packet, and one that the kernel refuses in company, takes the plain way,
            // which knows what platforms lack.
            let sent = match batch.len() - first {
                1 => 0,
                _ => self.try_send_batch(&batch, first),
            };
            first += sent;
            if sent == 0 {
                if let Some((transmit, contents)) = batch.get(first) {
                    let transmit = quinn_proto::Transmit { ..*transmit };
                    self.send_now(transmit, contents);
                }
                first += 1;
            }
        }
        batch.clear();
        self.batch = batch;
    }

    /// Gives how many were sent; 0 when the first could not be.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn try_send_batch(&self, batch: &Batch, first: usize) -> usize {
        if !self.backlog.is_empty() {
            return 0;
        }
        let sent = self.io.try_io(|| batch::send(&self.io, batch, first));
        sent.unwrap_or(0)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn try_send_batch(&self, _: &Batch, _: usize) -> usize {
        0
    }

    /// Sends what waited.
    pub fn flush(&mut self) {
        while let Some(waiting) = self.backlog.pop_front() {
            match self.try_send(&waiting.transmit, &waiting.contents) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.backlog.push_front(waiting);
                    return;
                }
                Err(e) => self.note(&e),
            }
        }
    }

    fn note(&mut self, error: &io::Error) {
        self.errors += 1;
        log::debug!("UDP send: {error}");
    }

    fn try_send(&self, transmit: &quinn_proto::Transmit, contents: &[u8]) -> io::Result<()> {
        let contents = contents.get(..transmit.size).unwrap_or(contents);
        let Some(state) = &self.state else {
            return self.io.send_to(contents, transmit.destination).map(drop);
        };
        let ecn = transmit
            .ecn
            .and_then(|e| quinn_udp::EcnCodepoint::from_bits(e as u8));
        let transmit = quinn_udp::Transmit {
            destination: transmit.destination,
            ecn,
            contents,
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip,
        };
        // Through mio, which re-arms the readiness notification where the platform needs it.
        self.io
            .try_io(|| state.try_send((&self.io).into(), &transmit))
    }

    /// Receives a batch into the buffers; gives how many were filled, 0 when there is none.
    pub fn receive(&mut self, buffers: &mut ReceiveBuffers) -> usize {
        // Errors such as ECONNREFUSED tell of one earlier packet; the next call may succeed.
        for _ in 0..16 {
            match self.try_receive(buffers) {
                Ok(count) => return count,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return 0,
                Err(e) => {
                    self.errors += 1;
                    log::debug!("UDP receive: {e}");
                }
            }
        }
        0
    }

    fn try_receive(&self, buffers: &mut ReceiveBuffers) -> io::Result<usize> {
        buffers.drained = false;
        let (stride, metas) = (buffers.stride, &mut buffers.metas);
        let Some(state) = &self.state else {
            let (len, addr) = self.io.recv_from(&mut buffers.bytes)?;
            if let Some(meta) = metas.first_mut() {
                *meta = RecvMeta {
                    addr,
                    len,
                    stride: len,
                    ..RecvMeta::default()
                };
            }
            return Ok(1);
        };
        let mut chunks = buffers.bytes.chunks_exact_mut(stride);
        let mut slices: [IoSliceMut<'_>; quinn_udp::BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let count = self
            .io
            .try_io(|| state.recv((&self.io).into(), &mut slices, metas))?;
        // A call that could have filled more found no more; the poller tells of what comes later.
        buffers.drained = count < slices.len();
        Ok(count)
    }
}

/// Buffers for one batch, shared by all sockets of a thread.
pub(crate) struct ReceiveBuffers {
    bytes: Vec<u8>,
    stride: usize,
    /// The last call took all that the socket had.
    pub drained: bool,
    pub metas: [RecvMeta; quinn_udp::BATCH_SIZE],
}

impl ReceiveBuffers {
    pub fn new() -> Self {
        // The largest train that the kernel merges.
        let stride = 65_536;
        ReceiveBuffers {
            bytes: vec![0; stride * quinn_udp::BATCH_SIZE],
            stride,
            drained: false,
            metas: [RecvMeta::default(); quinn_udp::BATCH_SIZE],
        }
    }

    /// The bytes of one filled buffer.
    pub fn filled(&self, index: usize) -> Option<(&RecvMeta, &[u8])> {
        let meta = self.metas.get(index)?;
        let start = index * self.stride;
        Some((meta, self.bytes.get(start..start + meta.len)?))
    }
}
