//! draft-ietf-moq-transport-18.

mod control;
mod control_out;
mod data;
mod fetch;

use super::error::WireError;
use super::message::Message;
use super::object::{
    Datagram, FetchItem, FetchState, ObjectDatagram, StreamHeader, SubgroupHeader, SubgroupObject,
    SubgroupState,
};
use super::profile::{Capabilities, Draft, Profile};
use super::varint::VarintCoding;
use bytes::{Bytes, BytesMut};

/// The draft-18 profile.
pub static DRAFT_18: Draft18 = Draft18;

/// How draft-18 is written.
pub struct Draft18;

const CODING: VarintCoding = VarintCoding::LeadingOnes;

impl Profile for Draft18 {
    fn draft(&self) -> Draft {
        Draft::Draft18
    }

    fn varint(&self) -> VarintCoding {
        CODING
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

    fn decode_message(&self, data: &Bytes) -> Result<(Message, usize), WireError> {
        control::decode(data)
    }

    fn encode_message(&self, message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
        control_out::encode(message, out)
    }

    fn decode_stream_header(&self, data: &Bytes) -> Result<(StreamHeader, usize), WireError> {
        data::decode_stream_header(data)
    }

    fn encode_subgroup_header(&self, header: &SubgroupHeader, out: &mut BytesMut) {
        data::encode_subgroup_header(header, out);
    }

    fn encode_fetch_header(&self, request_id: u64, out: &mut BytesMut) {
        data::encode_fetch_header(request_id, out);
    }

    fn decode_subgroup_object(
        &self,
        state: &mut SubgroupState,
        data: &Bytes,
        max_size: usize,
    ) -> Result<(SubgroupObject, usize), WireError> {
        data::decode_subgroup_object(state, data, max_size)
    }

    fn encode_subgroup_object(
        &self,
        state: &mut SubgroupState,
        object: &SubgroupObject,
        out: &mut BytesMut,
    ) -> Result<(), WireError> {
        data::encode_subgroup_object(state, object, out)
    }

    fn decode_fetch_item(
        &self,
        state: &mut FetchState,
        data: &Bytes,
        max_size: usize,
    ) -> Result<(FetchItem, usize), WireError> {
        fetch::decode(state, data, max_size)
    }

    fn encode_fetch_item(
        &self,
        state: &mut FetchState,
        item: &FetchItem,
        out: &mut BytesMut,
    ) -> Result<(), WireError> {
        fetch::encode(state, item, out)
    }

    fn decode_datagram(&self, data: &Bytes) -> Result<Datagram, WireError> {
        data::decode_datagram(data).map_err(WireError::at_end)
    }

    fn encode_datagram(
        &self,
        datagram: &ObjectDatagram,
        out: &mut BytesMut,
    ) -> Result<(), WireError> {
        data::encode_datagram(datagram, out)
    }

    fn encode_padding(&self, datagram: bool, out: &mut BytesMut) {
        data::encode_padding(datagram, out);
    }
}
