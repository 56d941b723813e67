//! The seam between drafts: everything that differs in how the one message model is written.
//!
//! A [`Profile`] holds a draft's message table, parameter coding, integer form, header flags and
//! capabilities. The session asks the profile and never the draft number, so that a draft is added
//! by adding a profile.

use super::draft18::DRAFT_18;
use super::error::WireError;
use super::message::Message;
use super::object::{
    Datagram, FetchItem, FetchState, ObjectDatagram, StreamHeader, SubgroupHeader, SubgroupObject,
    SubgroupState,
};
use super::varint::VarintCoding;
use bytes::{Bytes, BytesMut};

/// The drafts of MoQ Transport that this library speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Draft {
    /// draft-ietf-moq-transport-18.
    #[default]
    Draft18,
}

impl Draft {
    /// All drafts, preferred first.
    pub const ALL: &'static [Draft] = &[Draft::Draft18];

    /// The draft's number.
    pub const fn number(self) -> u32 {
        match self {
            Draft::Draft18 => 18,
        }
    }

    /// The protocol name in ALPN and WT-Available-Protocols.
    pub const fn alpn(self) -> &'static str {
        match self {
            Draft::Draft18 => "moqt-18",
        }
    }

    /// The draft that a negotiated protocol name stands for.
    pub fn from_alpn(name: &[u8]) -> Option<Draft> {
        Draft::ALL
            .iter()
            .copied()
            .find(|draft| draft.alpn().as_bytes() == name)
    }

    /// How this draft is written.
    pub fn profile(self) -> &'static dyn Profile {
        match self {
            Draft::Draft18 => &DRAFT_18,
        }
    }
}

/// What a draft can do at all; peers may do less.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Relative and absolute joining fetches.
    pub joining_fetch: bool,
    /// REQUEST_UPDATE.
    pub updates: bool,
    /// PUBLISH.
    pub publish: bool,
    /// SUBSCRIBE_NAMESPACE with NAMESPACE answers.
    pub namespace_discovery: bool,
    /// SUBSCRIBE_TRACKS.
    pub track_discovery: bool,
    /// Each request has its own bidirectional stream.
    pub request_streams: bool,
}

/// How one draft writes the message model. Decoders that take a whole message or datagram turn
/// "ends too early" into a violation; decoders of streams report it as
/// [`WireError::Truncated`] and consume nothing then.
pub trait Profile: Send + Sync {
    /// Which draft this is.
    fn draft(&self) -> Draft;
    /// The integer form.
    fn varint(&self) -> VarintCoding;
    /// What the draft can do.
    fn capabilities(&self) -> Capabilities;

    /// Decodes one control message with its type and length from the front of `data`; gives it and
    /// the bytes used.
    fn decode_message(&self, data: &Bytes) -> Result<(Message, usize), WireError>;
    /// Appends one control message with its type and length. Fails, and appends nothing, when the
    /// message is longer than 65,535 bytes or a field is out of its bounds.
    fn encode_message(&self, message: &Message, out: &mut BytesMut) -> Result<(), WireError>;

    /// Decodes the start of a unidirectional stream; gives it and the bytes used.
    fn decode_stream_header(&self, data: &Bytes) -> Result<(StreamHeader, usize), WireError>;
    /// Appends a SUBGROUP_HEADER.
    fn encode_subgroup_header(&self, header: &SubgroupHeader, out: &mut BytesMut);
    /// Appends a FETCH_HEADER.
    fn encode_fetch_header(&self, request_id: u64, out: &mut BytesMut);

    /// Decodes one object of a subgroup stream; gives it and the bytes used. A payload with
    /// properties above `max_size` bytes is [`WireError::TooLarge`].
    fn decode_subgroup_object(
        &self,
        state: &mut SubgroupState,
        data: &Bytes,
        max_size: usize,
    ) -> Result<(SubgroupObject, usize), WireError>;
    /// Appends everything of an object but its payload. The object's id must be above the one
    /// before on the stream, and properties need the header's bit; otherwise this fails and
    /// appends nothing.
    fn encode_subgroup_object(
        &self,
        state: &mut SubgroupState,
        object: &SubgroupObject,
        out: &mut BytesMut,
    ) -> Result<(), WireError>;

    /// Decodes one item of a fetch stream; gives it and the bytes used. A payload with properties
    /// above `max_size` bytes is [`WireError::TooLarge`].
    fn decode_fetch_item(
        &self,
        state: &mut FetchState,
        data: &Bytes,
        max_size: usize,
    ) -> Result<(FetchItem, usize), WireError>;
    /// Appends everything of an item but its payload. Items must follow the state's order;
    /// otherwise this fails and appends nothing.
    fn encode_fetch_item(
        &self,
        state: &mut FetchState,
        item: &FetchItem,
        out: &mut BytesMut,
    ) -> Result<(), WireError>;

    /// Decodes a datagram.
    fn decode_datagram(&self, data: &Bytes) -> Result<Datagram, WireError>;
    /// Appends a datagram, with its payload. Fails, and appends nothing, when an object that is not
    /// `Normal` has a payload, properties or the end-of-group mark.
    fn encode_datagram(
        &self,
        datagram: &ObjectDatagram,
        out: &mut BytesMut,
    ) -> Result<(), WireError>;

    /// Appends the type of a padding stream or datagram; zero bytes may follow.
    fn encode_padding(&self, datagram: bool, out: &mut BytesMut);
}
