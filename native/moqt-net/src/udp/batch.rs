//! Small packets to many peers, kept until a whole batch leaves in one system call.

use quinn_proto::Transmit;

/// Most packets of a batch; the kernel takes up to 1,024.
pub(super) const MAX_PACKETS: usize = 64;
/// Larger transmits gain nothing from waiting: they are sent as they are.
const MAX_BYTES: usize = 2_048;

/// One packet and where its bytes are.
struct Packet {
    transmit: Transmit,
    start: usize,
}

/// Packets in the order in which they are to leave.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    packets: Vec<Packet>,
}

impl Batch {
    /// Whether this transmit may wait: one packet of usual size.
    pub fn takes(transmit: &Transmit) -> bool {
        let single = transmit.segment_size.is_none_or(|s| s >= transmit.size);
        single && transmit.size <= MAX_BYTES
    }

    pub fn push(&mut self, transmit: Transmit, contents: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(contents);
        self.packets.push(Packet { transmit, start });
    }

    pub fn len(&self) -> usize {
        self.packets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// A packet by its place.
    pub fn get(&self, index: usize) -> Option<(&Transmit, &[u8])> {
        let packet = self.packets.get(index)?;
        let end = packet.start + packet.transmit.size;
        Some((&packet.transmit, self.bytes.get(packet.start..end)?))
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
    }
}

/// Sends the packets from `first` on; gives how many the socket took, at least one.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn send(
    socket: &mio::net::UdpSocket,
    batch: &Batch,
    first: usize,
) -> std::io::Result<usize> {
    use std::os::fd::AsRawFd;
    linux::send(socket.as_raw_fd(), batch, first)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use super::{Batch, MAX_PACKETS};
    use std::io;
    use std::mem::{size_of, zeroed, MaybeUninit};
    use std::net::IpAddr;
    use std::os::fd::RawFd;

    /// Room for ECN and an IPv6 source address.
    const CONTROL: usize = 80;

    /// Control messages begin at the alignment of their header.
    #[repr(C, align(8))]
    #[derive(Clone, Copy)]
    struct Control([u8; CONTROL]);

    pub fn send(socket: RawFd, batch: &Batch, first: usize) -> io::Result<usize> {
        // Written only as far as there are packets: most batches are small.
        let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MAX_PACKETS];
        let mut slices = [const { MaybeUninit::<libc::iovec>::uninit() }; MAX_PACKETS];
        let mut controls = [const { MaybeUninit::<Control>::uninit() }; MAX_PACKETS];
        let mut addresses = [const { MaybeUninit::<socket2::SockAddr>::uninit() }; MAX_PACKETS];
        let mut count = 0;
        let parts = headers.iter_mut().zip(&mut slices);
        let parts = parts.zip(&mut controls).zip(&mut addresses);
        for (((header, slice), control), address) in parts {
            let Some((transmit, contents)) = batch.get(first + count) else {
                break;
            };
            let address = address.write(transmit.destination.into());
            let slice = slice.write(libc::iovec {
                iov_base: contents.as_ptr().cast_mut().cast(),
                iov_len: contents.len(),
            });
            let control = control.write(Control([0; CONTROL]));
            // SAFETY: all zeros is a value of this plain structure, with null pointers and no
            // lengths.
            let header = &mut header.write(unsafe { zeroed() }).msg_hdr;
            header.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_namelen = address.len();
            header.msg_iov = slice;
            header.msg_iovlen = 1;
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL as _;
            let ip = transmit.destination.ip().to_canonical();
            let ecn = transmit.ecn.map_or(0, |e| e as libc::c_int);
            let mut used = match ip {
                IpAddr::V4(_) => put(header, 0, libc::IPPROTO_IP, libc::IP_TOS, ecn),
                IpAddr::V6(_) => put(header, 0, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, ecn),
            };
            match transmit.src_ip {
                None => {}
                Some(IpAddr::V4(ip)) => {
                    let info = libc::in_pktinfo {
                        ipi_ifindex: 0,
                        ipi_spec_dst: libc::in_addr {
                            s_addr: u32::from_ne_bytes(ip.octets()),
                        },
                        ipi_addr: libc::in_addr { s_addr: 0 },
                    };
                    used = put(header, used, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
                }
                Some(IpAddr::V6(ip)) => {
                    let info = libc::in6_pktinfo {
                        ipi6_ifindex: 0,
                        ipi6_addr: libc::in6_addr {
                            s6_addr: ip.octets(),
                        },
                    };
                    used = put(header, used, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
                }
            }
            header.msg_controllen = used as _;
            count += 1;
        }
        // SAFETY: the first `count` headers are written and point to an address, a slice of the
        // batch and a control buffer that live until the call returns; the kernel looks at no
        // others and writes `msg_len` only.
        let sent = unsafe { libc::sendmmsg(socket, headers.as_mut_ptr().cast(), count as _, 0) };
        match usize::try_from(sent) {
            Ok(sent) => Ok(sent),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Appends a control message at `used` bytes; gives the bytes used then. Both kinds that are
    /// sent fit in [`CONTROL`]: 24 bytes for ECN and 40 for the larger address.
    fn put<T>(
        header: &mut libc::msghdr,
        used: usize,
        level: libc::c_int,
        kind: libc::c_int,
        value: T,
    ) -> usize {
        let length = size_of::<T>() as libc::c_uint;
        // SAFETY: `msg_control` points to CONTROL zeroed bytes, aligned for a header, and `used`
        // is a multiple of that alignment; the message lies within them, see above. The data is
        // written unaligned.
        unsafe {
            let space = libc::CMSG_SPACE(length) as usize;
            debug_assert!(used + space <= CONTROL);
            let message = header.msg_control.cast::<u8>().add(used);
            let message = message.cast::<libc::cmsghdr>();
            (*message).cmsg_level = level;
            (*message).cmsg_type = kind;
            (*message).cmsg_len = libc::CMSG_LEN(length) as _;
            libc::CMSG_DATA(message).cast::<T>().write_unaligned(value);
            used + space
        }
    }
}
