//! The bytes of MoQ Transport: integers, names, properties, control messages, object headers.

pub mod cursor;
pub mod draft18;
pub mod error;
pub mod location;
pub mod message;
pub mod name;
pub mod object;
pub mod params;
pub mod profile;
pub mod properties;
pub mod token;
pub mod varint;

pub use error::{done_codes, request_codes, session_codes, stream_codes, WireError};
pub use location::{GroupOrder, Location};
pub use message::{
    Fetch, FetchOk, FetchRange, Goaway, Message, NamespaceRequest, Publish, PublishDone, Redirect,
    Request, RequestError, RequestKind, RequestOk, Response, Setup, Subscribe, SubscribeOk,
    STREAM_COUNT_UNKNOWN,
};
pub use name::{FullTrackName, NameError, Namespace};
pub use object::{
    Datagram, FetchItem, FetchObject, FetchState, ObjectDatagram, ObjectStatus, StreamHeader,
    SubgroupHeader, SubgroupId, SubgroupObject, SubgroupState,
};
pub use params::{Parameters, Scope, SubscriptionFilter};
pub use profile::{Capabilities, Draft, Profile};
pub use properties::{property, Properties, PropertiesBuilder, PropertyValue};
pub use token::{AuthToken, Token};
pub use varint::VarintCoding;
