//! draft-ietf-moq-transport-18.

use super::error::WireError;
use super::message::Message;
use super::object::*;
use super::profile::{Capabilities, Draft, Profile};
use super::varint::VarintCoding;
use bytes::{Bytes, BytesMut};

/// The draft-18 profile.
pub static DRAFT_18: Draft18 = Draft18;

/// How draft-18 is written.
pub struct Draft18;

const PENDING: WireError = WireError::violation("not written yet");

impl Profile for Draft18 {
    fn draft(&self) -> Draft {
        Draft::Draft18
    }
    fn varint(&self) -> VarintCoding {
        VarintCoding::LeadingOnes
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            joining_fetch: true,
            updates: true,
            publish: true,
            namespace_discovery: true,
            track_discovery: true,
            request_streams: true,
        }
    }
    fn decode_message(&self, _: &Bytes) -> Result<(Message, usize), WireError> {
        Err(PENDING)
    }
    fn encode_message(&self, _: &Message, _: &mut BytesMut) -> Result<(), WireError> {
        Err(PENDING)
    }
    fn decode_stream_header(&self, _: &Bytes) -> Result<(StreamHeader, usize), WireError> {
        Err(PENDING)
    }
    fn encode_subgroup_header(&self, _: &SubgroupHeader, _: &mut BytesMut) {}
    fn encode_fetch_header(&self, _: u64, _: &mut BytesMut) {}
    fn decode_subgroup_object(
        &self,
        _: &mut SubgroupState,
        _: &Bytes,
        _: usize,
    ) -> Result<(SubgroupObject, usize), WireError> {
        Err(PENDING)
    }
    fn encode_subgroup_object(
        &self,
        _: &mut SubgroupState,
        _: &SubgroupObject,
        _: &mut BytesMut,
    ) -> Result<(), WireError> {
        Err(PENDING)
    }
    fn decode_fetch_item(
        &self,
        _: &mut FetchState,
        _: &Bytes,
        _: usize,
    ) -> Result<(FetchItem, usize), WireError> {
        Err(PENDING)
    }
    fn encode_fetch_item(
        &self,
        _: &mut FetchState,
        _: &FetchItem,
        _: &mut BytesMut,
    ) -> Result<(), WireError> {
        Err(PENDING)
    }
    fn decode_datagram(&self, _: &Bytes) -> Result<Datagram, WireError> {
        Err(PENDING)
    }
    fn encode_datagram(&self, _: &ObjectDatagram, _: &mut BytesMut) {}
    fn encode_padding(&self, _: bool, _: &mut BytesMut) {}
}
