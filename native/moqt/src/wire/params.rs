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

mod kind {
    pub const OBJECT_DELIVERY_TIMEOUT: u64 = 0x02;
    pub const AUTHORIZATION_TOKEN: u64 = 0x03;
    pub const RENDEZVOUS_TIMEOUT: u64 = 0x04;
    pub const SUBGROUP_DELIVERY_TIMEOUT: u64 = 0x06;
    pub const EXPIRES: u64 = 0x08;
    pub const LARGEST_OBJECT: u64 = 0x09;
    pub const FILL_TIMEOUT: u64 = 0x0A;
    pub const FORWARD: u64 = 0x10;
    pub const SUBSCRIBER_PRIORITY: u64 = 0x20;
    pub const SUBSCRIPTION_FILTER: u64 = 0x21;
    pub const GROUP_ORDER: u64 = 0x22;
    pub const NEW_GROUP_REQUEST: u64 = 0x32;
    pub const TRACK_NAMESPACE_PREFIX: u64 = 0x34;
}

impl Scope {
    /// Whether the draft lets a parameter of this type be in this kind of message.
    fn allows(self, key: u64) -> bool {
        use kind::*;
        use RequestKind::*;
        const DELIVERY: [u64; 6] = [
            OBJECT_DELIVERY_TIMEOUT,
            SUBGROUP_DELIVERY_TIMEOUT,
            FORWARD,
            SUBSCRIBER_PRIORITY,
            SUBSCRIPTION_FILTER,
            NEW_GROUP_REQUEST,
        ];
        match self {
            Scope::Request(Subscribe) => {
                DELIVERY.contains(&key)
                    || matches!(key, AUTHORIZATION_TOKEN | RENDEZVOUS_TIMEOUT | GROUP_ORDER)
            }
            Scope::Request(Publish) => {
                matches!(
                    key,
                    AUTHORIZATION_TOKEN | EXPIRES | LARGEST_OBJECT | FORWARD
                )
            }
            Scope::Request(Fetch) => matches!(
                key,
                AUTHORIZATION_TOKEN | FILL_TIMEOUT | SUBSCRIBER_PRIORITY | GROUP_ORDER
            ),
            Scope::Request(SubscribeTracks) => matches!(key, AUTHORIZATION_TOKEN | FORWARD),
            Scope::Request(TrackStatus | PublishNamespace | SubscribeNamespace) => {
                key == AUTHORIZATION_TOKEN
            }
            // TRACK_STATUS is answered "with the same parameters" as SUBSCRIBE, hence EXPIRES.
            Scope::SubscribeOk | Scope::RequestOk(TrackStatus) => {
                matches!(key, EXPIRES | LARGEST_OBJECT)
            }
            Scope::RequestOk(Publish) => {
                DELIVERY.contains(&key) || matches!(key, EXPIRES | GROUP_ORDER)
            }
            Scope::FetchOk | Scope::RequestOk(_) => false,
            Scope::AnyRequestOk => {
                DELIVERY.contains(&key) || matches!(key, EXPIRES | GROUP_ORDER | LARGEST_OBJECT)
            }
            Scope::Update(Subscribe | Publish) => {
                DELIVERY.contains(&key) || key == AUTHORIZATION_TOKEN
            }
            Scope::Update(SubscribeNamespace) => {
                matches!(key, AUTHORIZATION_TOKEN | TRACK_NAMESPACE_PREFIX)
            }
            Scope::Update(SubscribeTracks) => {
                matches!(key, AUTHORIZATION_TOKEN | TRACK_NAMESPACE_PREFIX | FORWARD)
            }
            Scope::Update(Fetch) => matches!(
                key,
                AUTHORIZATION_TOKEN
                    | SUBSCRIBER_PRIORITY
                    | OBJECT_DELIVERY_TIMEOUT
                    | SUBGROUP_DELIVERY_TIMEOUT
            ),
            Scope::Update(_) => key == AUTHORIZATION_TOKEN,
            Scope::AnyUpdate => {
                DELIVERY.contains(&key)
                    || matches!(key, AUTHORIZATION_TOKEN | TRACK_NAMESPACE_PREFIX)
            }
            Scope::UpdateOk(Subscribe | Publish) => matches!(key, EXPIRES | LARGEST_OBJECT),
            Scope::UpdateOk(_) => false,
        }
    }
}

impl SubscriptionFilter {
    /// Decodes the value of a SUBSCRIPTION_FILTER parameter.
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let filter = match r.varint()? {
            1 => SubscriptionFilter::NextGroupStart,
            2 => SubscriptionFilter::LargestObject,
            3 => SubscriptionFilter::AbsoluteStart(Location::decode(r)?),
            4 => {
                let start = Location::decode(r)?;
                let end_group = start
                    .group
                    .checked_add(r.varint()?)
                    .ok_or(WireError::violation("filter ends above group 2^64 - 1"))?;
                SubscriptionFilter::AbsoluteRange { start, end_group }
            }
            _ => return Err(WireError::violation("unknown subscription filter type")),
        };
        if r.is_empty() {
            Ok(filter)
        } else {
            Err(WireError::key_value(
                "subscription filter longer than its fields",
            ))
        }
    }

    fn encode(&self, w: &mut Writer<'_>) {
        match self {
            SubscriptionFilter::NextGroupStart => w.varint(1),
            SubscriptionFilter::LargestObject => w.varint(2),
            SubscriptionFilter::AbsoluteStart(start) => {
                w.varint(3);
                start.encode(w);
            }
            SubscriptionFilter::AbsoluteRange { start, end_group } => {
                w.varint(4);
                start.encode(w);
                w.varint(end_group.saturating_sub(start.group));
            }
        }
    }
}

impl Parameters {
    /// Decodes a count and as many delta-coded parameters. Unknown types, types that the scope
    /// does not allow and repeated ones are violations.
    pub fn decode(r: &mut Reader<'_>, scope: Scope) -> Result<Self, WireError> {
        let count = r.varint()?;
        let mut params = Parameters::default();
        let mut previous = None;
        for _ in 0..count {
            let delta = r.varint()?;
            let key = previous
                .unwrap_or(0u64)
                .checked_add(delta)
                .ok_or(WireError::violation("parameter type above 2^64 - 1"))?;
            if previous == Some(key) && key != kind::AUTHORIZATION_TOKEN {
                return Err(WireError::violation("parameter repeated"));
            }
            previous = Some(key);
            params.decode_value(r, key)?;
            if !scope.allows(key) {
                return Err(WireError::violation(
                    "parameter not allowed in this message",
                ));
            }
        }
        Ok(params)
    }

    fn decode_value(&mut self, r: &mut Reader<'_>, key: u64) -> Result<(), WireError> {
        match key {
            kind::OBJECT_DELIVERY_TIMEOUT => self.object_delivery_timeout = Some(r.varint()?),
            kind::AUTHORIZATION_TOKEN => {
                let value = r.length_prefixed(u64::from(u16::MAX), "token too long")?;
                self.tokens.push(AuthToken::decode(&value, r.coding())?);
            }
            kind::RENDEZVOUS_TIMEOUT => self.rendezvous_timeout = Some(r.varint()?),
            kind::SUBGROUP_DELIVERY_TIMEOUT => self.subgroup_delivery_timeout = Some(r.varint()?),
            kind::EXPIRES => self.expires = Some(r.varint()?),
            kind::LARGEST_OBJECT => self.largest_object = Some(Location::decode(r)?),
            kind::FILL_TIMEOUT => self.fill_timeout = Some(r.varint()?),
            kind::FORWARD => {
                self.forward = Some(match r.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(WireError::violation("forward is neither 0 nor 1")),
                })
            }
            kind::SUBSCRIBER_PRIORITY => self.subscriber_priority = Some(r.u8()?),
            kind::SUBSCRIPTION_FILTER => {
                let value = r.length_prefixed(u64::from(u16::MAX), "filter too long")?;
                let filter = SubscriptionFilter::decode(&mut Reader::new(&value, r.coding()));
                self.filter = Some(filter.map_err(|e| match e {
                    WireError::Truncated { .. } => {
                        WireError::key_value("subscription filter ends too early")
                    }
                    other => other,
                })?);
            }
            kind::GROUP_ORDER => {
                self.group_order = Some(GroupOrder::from_value(u64::from(r.u8()?))?)
            }
            kind::NEW_GROUP_REQUEST => self.new_group_request = Some(r.varint()?),
            kind::TRACK_NAMESPACE_PREFIX => self.namespace_prefix = Some(Namespace::decode(r)?),
            _ => return Err(WireError::violation("unknown message parameter")),
        }
        Ok(())
    }

    /// Writes the count and the parameters in ascending order.
    pub fn encode(&self, w: &mut Writer<'_>) {
        let keys: Vec<u64> = self.present().collect();
        w.varint(keys.len() as u64);
        let (mut previous, mut tokens) = (0, self.tokens.iter());
        for key in keys {
            w.varint(key - previous);
            previous = key;
            self.encode_value(w, key, &mut tokens);
        }
    }

    fn encode_value<'a>(
        &self,
        w: &mut Writer<'_>,
        key: u64,
        tokens: &mut impl Iterator<Item = &'a AuthToken>,
    ) {
        let varint = match key {
            kind::OBJECT_DELIVERY_TIMEOUT => self.object_delivery_timeout,
            kind::RENDEZVOUS_TIMEOUT => self.rendezvous_timeout,
            kind::SUBGROUP_DELIVERY_TIMEOUT => self.subgroup_delivery_timeout,
            kind::EXPIRES => self.expires,
            kind::FILL_TIMEOUT => self.fill_timeout,
            kind::NEW_GROUP_REQUEST => self.new_group_request,
            _ => None,
        };
        if let Some(value) = varint {
            w.varint(value);
        } else if key == kind::AUTHORIZATION_TOKEN {
            if let Some(token) = tokens.next() {
                w.length_prefixed(&token.to_bytes(w.coding()));
            }
        } else if let (kind::LARGEST_OBJECT, Some(location)) = (key, self.largest_object) {
            location.encode(w);
        } else if let (kind::FORWARD, Some(forward)) = (key, self.forward) {
            w.u8(u8::from(forward));
        } else if let (kind::SUBSCRIBER_PRIORITY, Some(priority)) = (key, self.subscriber_priority)
        {
            w.u8(priority);
        } else if let (kind::SUBSCRIPTION_FILTER, Some(filter)) = (key, &self.filter) {
            let mut value = BytesMut::new();
            filter.encode(&mut Writer::new(&mut value, w.coding()));
            w.length_prefixed(&value);
        } else if let (kind::GROUP_ORDER, Some(order)) = (key, self.group_order) {
            w.u8(order.value());
        } else if let (kind::TRACK_NAMESPACE_PREFIX, Some(prefix)) = (key, &self.namespace_prefix) {
            prefix.encode(w);
        }
    }

    /// The types of the parameters that are present, ascending; tokens as often as there are.
    fn present(&self) -> impl Iterator<Item = u64> + '_ {
        let one = |present: bool, key: u64| present.then_some(key);
        [one(
            self.object_delivery_timeout.is_some(),
            kind::OBJECT_DELIVERY_TIMEOUT,
        )]
        .into_iter()
        .flatten()
        .chain(self.tokens.iter().map(|_| kind::AUTHORIZATION_TOKEN))
        .chain(
            [
                one(self.rendezvous_timeout.is_some(), kind::RENDEZVOUS_TIMEOUT),
                one(
                    self.subgroup_delivery_timeout.is_some(),
                    kind::SUBGROUP_DELIVERY_TIMEOUT,
                ),
                one(self.expires.is_some(), kind::EXPIRES),
                one(self.largest_object.is_some(), kind::LARGEST_OBJECT),
                one(self.fill_timeout.is_some(), kind::FILL_TIMEOUT),
                one(self.forward.is_some(), kind::FORWARD),
                one(
                    self.subscriber_priority.is_some(),
                    kind::SUBSCRIBER_PRIORITY,
                ),
                one(self.filter.is_some(), kind::SUBSCRIPTION_FILTER),
                one(self.group_order.is_some(), kind::GROUP_ORDER),
                one(self.new_group_request.is_some(), kind::NEW_GROUP_REQUEST),
                one(
                    self.namespace_prefix.is_some(),
                    kind::TRACK_NAMESPACE_PREFIX,
                ),
            ]
            .into_iter()
            .flatten(),
        )
    }

    /// A violation if a parameter is present that the scope does not allow.
    pub fn check(&self, scope: Scope) -> Result<(), WireError> {
        if self.present().all(|key| scope.allows(key)) {
            Ok(())
        } else {
            Err(WireError::violation(
                "parameter not allowed in this message",
            ))
        }
    }
}
