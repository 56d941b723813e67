//! Message parameters (draft-18 "Message Parameters"): typed, with the messages each may be in.

use super::cursor::{Reader, Writer};
use super::error::WireError;
use super::location::{GroupOrder, Location};
use super::message::RequestKind;
use super::name::Namespace;
use super::token::AuthToken;
use bytes::BytesMut;

/// Which objects of a track a subscription passes (draft-18 "Subscription Filters").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SubscriptionFilter {
    /// From the start of the group after the largest (0x1).
    NextGroupStart,
    /// From the object after the largest (0x2).
    LargestObject,
    /// From a location on (0x3).
    AbsoluteStart(Location),
    /// From a location to the end of a group, inclusive (0x4).
    AbsoluteRange {
        /// First location.
        start: Location,
        /// Last group, not below the first.
        end_group: u64,
    },
}

/// Message parameters. An absent one has the draft's default, or leaves a value unchanged in an
/// update.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Parameters {
    /// OBJECT_DELIVERY_TIMEOUT (0x02) in milliseconds.
    pub object_delivery_timeout: Option<u64>,
    /// AUTHORIZATION_TOKEN (0x03), the only one that repeats.
    pub tokens: Vec<AuthToken>,
    /// RENDEZVOUS_TIMEOUT (0x04) in milliseconds.
    pub rendezvous_timeout: Option<u64>,
    /// SUBGROUP_DELIVERY_TIMEOUT (0x06) in milliseconds.
    pub subgroup_delivery_timeout: Option<u64>,
    /// EXPIRES (0x08) in milliseconds; 0: never, or unknown.
    pub expires: Option<u64>,
    /// LARGEST_OBJECT (0x09).
    pub largest_object: Option<Location>,
    /// FILL_TIMEOUT (0x0A) in milliseconds.
    pub fill_timeout: Option<u64>,
    /// FORWARD (0x10); absent means true, except in updates.
    pub forward: Option<bool>,
    /// SUBSCRIBER_PRIORITY (0x20), lower first; absent means 128, except in updates.
    pub subscriber_priority: Option<u8>,
    /// SUBSCRIPTION_FILTER (0x21).
    pub filter: Option<SubscriptionFilter>,
    /// GROUP_ORDER (0x22).
    pub group_order: Option<GroupOrder>,
    /// NEW_GROUP_REQUEST (0x32): largest group known plus one.
    pub new_group_request: Option<u64>,
    /// TRACK_NAMESPACE_PREFIX (0x34).
    pub namespace_prefix: Option<Namespace>,
}

/// The kind of message that parameters are in; it decides which are legal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// A request.
    Request(RequestKind),
    /// SUBSCRIBE_OK.
    SubscribeOk,
    /// FETCH_OK.
    FetchOk,
    /// REQUEST_OK in answer to a request of this kind.
    RequestOk(RequestKind),
    /// REQUEST_OK before the session has matched it with a request.
    AnyRequestOk,
    /// REQUEST_UPDATE for a request of this kind.
    Update(RequestKind),
    /// REQUEST_UPDATE before the session has matched it with a request.
    AnyUpdate,
    /// REQUEST_OK in answer to an update of a request of this kind.
    UpdateOk(RequestKind),
}
