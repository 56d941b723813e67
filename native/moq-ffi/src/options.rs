//! Options as JSON objects, with the names of the TypeScript interfaces. Unknown and wrong fields
//! are refused with a message that names the field and what is accepted.

mod fields;

use crate::error::{Error, Result};
use fields::Fields;
pub use fields::MAX_TOKEN_BYTES;
use moqt::bucket::Rate;
use moqt::client::Reconnect;
use moqt::delivery::DeliveryClass;
use std::path::PathBuf;

/// Most bytes of an options text.
pub const MAX_OPTIONS_BYTES: usize = 1 << 20;
/// Largest object accepted, in bytes, whatever the options say.
pub const MAX_OBJECT_BYTES: u64 = 64 << 20;

const DELIVERIES: &[(&str, DeliveryClass)] = &[
    ("reliable", DeliveryClass::Reliable),
    ("latest", DeliveryClass::Latest),
    ("deadline", DeliveryClass::Deadline),
    ("datagram", DeliveryClass::Datagram),
];

/// Namespace fields and name of a track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackName {
    pub namespace: Vec<String>,
    pub name: String,
}

impl TrackName {
    /// For people: the namespace joined with `/`, then the name.
    pub fn display(&self) -> String {
        format!("{}/{}", self.namespace.join("/"), self.name)
    }
}

/// Options of `moq_client_open`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientOptions {
    pub url: String,
    pub token: Option<Vec<u8>>,
    /// A token is asked for before each connection.
    pub ask_token: bool,
    /// `None`: a loss closes the client.
    pub reconnect: Option<Reconnect>,
    pub pins: Vec<[u8; 32]>,
    pub ca_files: Vec<PathBuf>,
    pub insecure: bool,
    /// Certificate and key to show a server that asks: PEM text, or the path of a PEM file.
    pub certificate: Option<(String, String)>,
    pub connect_timeout_ms: u64,
    pub request_timeout_ms: u64,
    pub keep_alive_ms: u64,
    pub idle_timeout_ms: u64,
    pub max_object_size: u64,
    /// Publications, subscriptions, fetches, discoveries and status requests that are opened.
    pub request_rate: Rate,
    /// Updates of all publications.
    pub publish_rate: Rate,
}

/// Options of `moq_publication_open`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishOptions {
    pub track: TrackName,
    pub delivery: DeliveryClass,
    pub deadline_ms: u64,
    pub priority: u8,
    pub queue_bytes: usize,
    pub retain_bytes: usize,
    pub max_datagram_size: usize,
    /// Until the peer has accepted it; 0: no limit besides the client's.
    pub timeout_ms: u64,
}

impl PublishOptions {
    /// The session's share of `queue_bytes`; the rest may wait on the way to the I/O thread, so that
    /// both together hold what the caller allowed.
    pub fn session_queue_bytes(&self) -> usize {
        self.queue_bytes.div_ceil(4)
    }
}

/// Where a subscription begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    LatestGroup,
    Next,
    Now,
}

/// Options of `moq_subscription_open`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubscribeOptions {
    pub track: TrackName,
    pub start: Start,
    pub delivery: DeliveryClass,
    pub unordered: bool,
    pub priority: u8,
    pub wait_ms: u64,
    pub max_age_ms: u64,
    pub queue_bytes: usize,
    pub gap_timeout_ms: u64,
    /// Until the peer has accepted it; 0: no limit besides the client's.
    pub timeout_ms: u64,
}

/// Options of `moq_fetch_open`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchOptions {
    pub track: TrackName,
    pub from_group: u64,
    pub to_group: u64,
    pub descending: bool,
    pub priority: u8,
    /// Until its end; 0: no limit.
    pub timeout_ms: u64,
}

/// Options of `moq_discovery_open`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiscoverOptions {
    /// No fields stand for every namespace.
    pub prefix: Vec<String>,
    /// Until the peer has accepted it; 0: no limit besides the client's.
    pub timeout_ms: u64,
}

/// Options of `moq_status_open`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusOptions {
    pub track: TrackName,
    /// Until its end; 0: no limit besides the client's.
    pub timeout_ms: u64,
}

/// Options of `moq_relay_start`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayOptions {
    pub listen: Vec<String>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// PEM files with the authorities of client certificates; empty: clients are not asked for one.
    pub client_ca_files: Vec<PathBuf>,
    pub require_client_certificate: bool,
    pub token_file: Option<PathBuf>,
    /// The content of a token file.
    pub tokens: Option<String>,
    /// Further names in a development certificate.
    pub names: Vec<String>,
    pub http: String,
    pub goaway_uri: String,
    pub limits: Vec<(&'static str, usize)>,
    /// Addresses without a limit per address; empty: the relay's default.
    pub exempt_addresses: Vec<String>,
}

/// Limits of a relay that can be set.
pub const RELAY_LIMITS: [&str; 25] = [
    "sessions",
    "sessionsPerAddress",
    "handshakes",
    "handshakesPerAddress",
    "connectsPerSecond",
    "connectBurst",
    "connectsPerSecondPerAddress",
    "connectBurstPerAddress",
    "requestsPerSecond",
    "requestBurst",
    "publishesPerSecond",
    "publishBurst",
    "fetchBytesPerSecond",
    "fetchBurst",
    "requestsPerSession",
    "fetchesPerSession",
    "sessionBytes",
    "allSessionBytes",
    "namespaces",
    "tracks",
    "subscriptions",
    "objectBytes",
    "cacheBytes",
    "trackCacheBytes",
    "queueBytes",
];

/// Longest time limit of one call, in ms.
const MAX_TIMEOUT: u64 = 86_400_000;
const PRIORITY: std::ops::RangeInclusive<u64> = 0..=255;
/// The highest number that a JavaScript script can hold exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;

pub fn client(text: &[u8]) -> Result<ClientOptions> {
    let mut fields = Fields::parse("client option", text)?;
    let url = fields.required_string("url")?;
    client_of(fields, url, 10_000)
}

/// Options of a client of the inherited functions: those of `moq_client_open` without `url`, which
/// comes with the connection, and without `askToken`, which needs records.
pub fn configure(text: &[u8], connect_timeout_ms: u64) -> Result<ClientOptions> {
    let fields = Fields::parse("client option", text)?;
    let options = client_of(fields, String::new(), connect_timeout_ms)?;
    if options.ask_token {
        return Err(Error::invalid(
            "client option \"askToken\" needs records, which moq_connect has none of; give a \"token\", or use moq_client_open",
        ));
    }
    Ok(options)
}

fn client_of(mut fields: Fields, url: String, connect_timeout_ms: u64) -> Result<ClientOptions> {
    let idle_timeout_ms = fields.integer("idleTimeout", 15_000, 100..=600_000)?;
    let keep_alive_ms = fields.integer("keepAlive", idle_timeout_ms.min(4_000), 0..=600_000)?;
    let options = ClientOptions {
        url,
        token: fields.token("token")?,
        ask_token: fields.bool("askToken", false)?,
        reconnect: fields.reconnect("reconnect")?,
        pins: fields.hashes("serverCertificateHashes")?,
        ca_files: fields.paths("caFile")?,
        insecure: fields.bool("insecure", false)?,
        certificate: certificate(&mut fields)?,
        connect_timeout_ms: fields.integer("connectTimeout", connect_timeout_ms, 1..=300_000)?,
        request_timeout_ms: fields.integer("requestTimeout", 30_000, 1..=600_000)?,
        keep_alive_ms,
        idle_timeout_ms,
        max_object_size: fields.integer("maxObjectSize", 16 << 20, 1..=MAX_OBJECT_BYTES)?,
        request_rate: fields.rate("requestsPerSecond", "requestBurst")?,
        publish_rate: fields.rate("publishesPerSecond", "publishBurst")?,
    };
    fields.finish()?;
    if keep_alive_ms > idle_timeout_ms {
        return Err(Error::invalid(format!(
            "client option \"keepAlive\" is {keep_alive_ms} ms and above \"idleTimeout\" of {idle_timeout_ms} ms: the connection would be lost before the first keep-alive; lower the one or raise the other"
        )));
    }
    if options.ask_token && options.token.is_some() {
        return Err(Error::invalid(
            "client options \"token\" and \"askToken\" exclude each other; give the token in answer to TOKEN_WANTED",
        ));
    }
    Ok(options)
}

/// Certificate and key belong together.
fn certificate(fields: &mut Fields) -> Result<Option<(String, String)>> {
    let certificate = fields.string("clientCertificate", "")?;
    let key = fields.string("clientKey", "")?;
    match (certificate.is_empty(), key.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some((certificate, key))),
        _ => Err(Error::invalid(
            "client options \"clientCertificate\" and \"clientKey\" belong together; give both (PEM text, or the path of a PEM file) or neither",
        )),
    }
}

pub fn publish(text: &[u8]) -> Result<PublishOptions> {
    let mut fields = Fields::parse("publish option", text)?;
    let options = PublishOptions {
        track: fields.track()?,
        delivery: fields.choice("delivery", DeliveryClass::Reliable, DELIVERIES)?,
        deadline_ms: fields.integer("deadline", 200, 1..=60_000)?,
        priority: fields.integer("priority", 128, PRIORITY)? as u8,
        queue_bytes: fields.integer("queueBytes", 1 << 20, 1..=1 << 30)? as usize,
        retain_bytes: fields.integer("retainBytes", 8 << 20, 0..=1 << 30)? as usize,
        max_datagram_size: fields.integer("maxDatagramSize", 1_100, 64..=65_535)? as usize,
        timeout_ms: fields.integer("timeout", 0, 0..=MAX_TIMEOUT)?,
    };
    fields.finish()?;
    Ok(options)
}

pub fn subscribe(text: &[u8]) -> Result<SubscribeOptions> {
    const STARTS: &[(&str, Start)] = &[
        ("latest-group", Start::LatestGroup),
        ("next", Start::Next),
        ("now", Start::Now),
    ];
    let mut fields = Fields::parse("subscribe option", text)?;
    let options = SubscribeOptions {
        track: fields.track()?,
        start: fields.choice("start", Start::LatestGroup, STARTS)?,
        delivery: fields.choice("delivery", DeliveryClass::Reliable, DELIVERIES)?,
        unordered: fields.bool("unordered", false)?,
        priority: fields.integer("priority", 128, PRIORITY)? as u8,
        wait_ms: fields.integer("wait", 0, 0..=86_400_000)?,
        max_age_ms: fields.integer("maxAge", 0, 0..=86_400_000)?,
        queue_bytes: fields.integer("queueBytes", 8 << 20, 1..=1 << 30)? as usize,
        gap_timeout_ms: fields.integer("gapTimeout", 2_000, 0..=600_000)?,
        timeout_ms: fields.integer("timeout", 0, 0..=MAX_TIMEOUT)?,
    };
    fields.finish()?;
    Ok(options)
}

pub fn fetch(text: &[u8]) -> Result<FetchOptions> {
    const ORDERS: &[(&str, bool)] = &[("ascending", false), ("descending", true)];
    let mut fields = Fields::parse("fetch option", text)?;
    let options = FetchOptions {
        track: fields.track()?,
        from_group: fields.required_integer("fromGroup", 0..=MAX_SAFE)?,
        to_group: fields.required_integer("toGroup", 0..=MAX_SAFE)?,
        descending: fields.choice("order", false, ORDERS)?,
        priority: fields.integer("priority", 128, PRIORITY)? as u8,
        timeout_ms: fields.integer("timeout", 0, 0..=MAX_TIMEOUT)?,
    };
    fields.finish()?;
    if options.to_group < options.from_group {
        return Err(Error::invalid(format!(
            "fetch option \"toGroup\" is {} and lies before \"fromGroup\" {}; give the last group, inclusive",
            options.to_group, options.from_group
        )));
    }
    Ok(options)
}

pub fn discover(text: &[u8]) -> Result<DiscoverOptions> {
    let mut fields = Fields::parse("discover option", text)?;
    let options = DiscoverOptions {
        prefix: fields.namespace("prefix", true)?,
        timeout_ms: fields.integer("timeout", 0, 0..=MAX_TIMEOUT)?,
    };
    fields.finish()?;
    Ok(options)
}

/// The namespace to announce.
pub fn announce(text: &[u8]) -> Result<Vec<String>> {
    let mut fields = Fields::parse("announce option", text)?;
    let namespace = fields.namespace("namespace", false)?;
    fields.finish()?;
    Ok(namespace)
}

pub fn status(text: &[u8]) -> Result<StatusOptions> {
    let mut fields = Fields::parse("status option", text)?;
    let options = StatusOptions {
        track: fields.track()?,
        timeout_ms: fields.integer("timeout", 0, 0..=MAX_TIMEOUT)?,
    };
    fields.finish()?;
    Ok(options)
}

/// What can change in a live subscription.
pub fn update(text: &[u8]) -> Result<u8> {
    let mut fields = Fields::parse("update option", text)?;
    let priority = fields.required_integer("priority", PRIORITY)? as u8;
    fields.finish()?;
    Ok(priority)
}

pub fn relay(text: &[u8]) -> Result<RelayOptions> {
    let mut fields = Fields::parse("relay option", text)?;
    let options = RelayOptions {
        listen: fields.one_or_more("listen")?,
        certificate: fields.paths("certificate")?.into_iter().next(),
        key: fields.paths("key")?.into_iter().next(),
        client_ca_files: fields.paths("clientCaFile")?,
        require_client_certificate: fields.bool("requireClientCertificate", true)?,
        token_file: fields.paths("tokenFile")?.into_iter().next(),
        tokens: fields.object("tokens")?,
        names: fields.strings("names")?,
        http: fields.string("http", "off")?,
        goaway_uri: fields.string("goawayUri", "")?,
        limits: fields.limits("limits", &RELAY_LIMITS)?,
        exempt_addresses: fields.strings("exemptAddresses")?,
    };
    fields.finish()?;
    if options.certificate.is_some() != options.key.is_some() {
        return Err(Error::invalid(
            "relay options \"certificate\" and \"key\" belong together; give both PEM files or neither (a development certificate is made then)",
        ));
    }
    Ok(options)
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
