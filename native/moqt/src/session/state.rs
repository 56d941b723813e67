//! What a session keeps for each stream and request.

use super::buffer::{Assembler, Charge, Meter, OutBuf};
use super::types::RequestId;
use crate::transport::StreamId;
use crate::wire::{
    FetchState, FullTrackName, GroupOrder, Location, Namespace, Parameters, RequestKind,
    SubgroupHeader, SubgroupState, Token,
};
use bytes::Bytes;
use std::collections::{HashSet, VecDeque};
use std::time::Instant;

/// A stream that the session knows.
pub(super) enum StreamEntry {
    /// The control stream that we opened.
    LocalControl(OutBuf),
    /// The control stream that the peer opened.
    PeerControl(Assembler),
    /// The peer's bidirectional stream before its first message is whole.
    /// `held`: it waits for SETUP, paused, with its end if that was there.
    NewRequest {
        input: Assembler,
        held: Option<Fin>,
        deadline: Instant,
    },
    /// A request stream of either side.
    Request(RequestId),
    /// A request stream whose request is over: what is pending goes out, what comes in is thrown
    /// away, until both directions end or the deadline passes.
    Closing {
        out: OutBuf,
        sent: bool,
        received: bool,
        deadline: Instant,
    },
    /// A data stream of the peer.
    Incoming(Incoming),
    /// A data stream of ours.
    Outgoing(Outgoing),
}

/// Whether the end of a stream was seen while its data is held back.
pub(super) type Fin = bool;

/// A data stream of the peer.
pub(super) struct Incoming {
    pub stage: Stage,
    pub input: Assembler,
}

pub(super) enum Stage {
    /// The header is not whole.
    Typing { deadline: Instant },
    /// It waits for SETUP, paused; what came is in the assembler.
    Early(Fin),
    /// The header names an alias that is not known yet. Paused; what came after the header is in
    /// the assembler.
    Held {
        header: SubgroupHeader,
        fin: Fin,
        deadline: Instant,
    },
    /// Objects of a subscription.
    Subgroup {
        request: RequestId,
        state: SubgroupState,
    },
    /// Objects of a fetch.
    Fetch {
        request: RequestId,
        state: FetchState,
    },
    /// Thrown away.
    Padding,
}

impl Stage {
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Stage::Subgroup { request, .. } | Stage::Fetch { request, .. } => Some(*request),
            _ => None,
        }
    }
}

/// A data stream of ours.
pub(super) struct Outgoing {
    pub request: RequestId,
    /// The header, until the first object or the end takes it along.
    pub header: Option<Bytes>,
    pub out: OutBuf,
    pub coder: Coder,
    pub finished: bool,
}

pub(super) enum Coder {
    Subgroup(SubgroupState),
    Fetch(FetchState),
}

/// How far a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Not answered.
    Pending,
    /// Answered with success.
    Accepted,
    /// PUBLISH_DONE came: late streams up to this number are waited for.
    Draining { expected: u64 },
}

/// A live request of either side.
pub(super) struct RequestState {
    pub stream: StreamId,
    pub kind: RequestKind,
    pub ours: bool,
    /// What a request of the peer counts for.
    pub size: Option<Charge>,
    pub phase: Phase,
    pub input: Assembler,
    pub out: OutBuf,
    /// An answer came before SETUP and is held, with its end if that was there.
    pub held: Option<Fin>,
    /// The peer's direction has ended.
    pub received_fin: bool,
    /// The peer does not read our direction any more, with its code.
    pub stopped: Option<u64>,
    /// Our updates without an answer.
    pub updates_out: usize,
    /// The peer's updates told to the owner and without an answer.
    pub updates_in: usize,
    /// The peer's updates that came before the request was answered.
    pub updates_held: VecDeque<(Parameters, Vec<Token>, Charge)>,
    pub goaway_sent: bool,
    pub goaway_received: bool,
    /// The track of SUBSCRIBE and PUBLISH.
    pub track: Option<FullTrackName>,
    pub alias: Option<u64>,
    /// Response time, or the end of draining.
    pub deadline: Option<Instant>,
    /// Data streams: opened by us, or seen from the peer.
    pub streams: u64,
    /// Data streams of the peer that are open.
    pub live: usize,
    /// FETCH: the order and start that were asked for, its data stream, and whether that is over.
    pub order: GroupOrder,
    pub start: Option<Location>,
    pub data_stream: Option<StreamId>,
    pub data_done: bool,
    /// SUBSCRIBE_NAMESPACE: suffixes that exist.
    pub namespaces: HashSet<Namespace>,
}

impl RequestState {
    /// `backlog` counts what the peer does not read.
    pub fn new(stream: StreamId, kind: RequestKind, ours: bool, backlog: &Meter) -> Self {
        RequestState {
            stream,
            kind,
            ours,
            size: None,
            phase: Phase::Pending,
            input: Assembler::default(),
            out: OutBuf::metered(backlog),
            held: None,
            received_fin: false,
            stopped: None,
            updates_out: 0,
            updates_in: 0,
            updates_held: VecDeque::new(),
            goaway_sent: false,
            goaway_received: false,
            track: None,
            alias: None,
            deadline: None,
            streams: 0,
            live: 0,
            order: GroupOrder::Ascending,
            start: None,
            data_stream: None,
            data_done: false,
            namespaces: HashSet::new(),
        }
    }

    /// Whether this side sends the objects of the request.
    pub fn we_publish(&self) -> bool {
        match self.kind {
            RequestKind::Publish => self.ours,
            RequestKind::Subscribe | RequestKind::Fetch => !self.ours,
            _ => false,
        }
    }

    /// Whether this side receives objects of a subscription.
    pub fn we_subscribe(&self) -> bool {
        match self.kind {
            RequestKind::Publish => !self.ours,
            RequestKind::Subscribe => self.ours,
            _ => false,
        }
    }

    /// Whether all streams that PUBLISH_DONE announced have come and ended.
    pub fn is_drained(&self) -> bool {
        match self.phase {
            Phase::Draining { expected } => self.live == 0 && self.streams >= expected,
            _ => false,
        }
    }
}
