//! How many connections come from where, and how fast.

use crate::config::ListenConfig;
use crate::endpoint::Excess;
use moqt::bucket::Bucket;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

/// Where a connection comes from: an IPv4 address, or the /64 network that one IPv6 user has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Source(IpAddr);

impl Source {
    /// `None` for addresses that the configuration exempts.
    pub fn of(address: IpAddr, config: &ListenConfig) -> Option<Source> {
        let address = address.to_canonical();
        if config.exempt_addresses.contains(&address) {
            return None;
        }
        Some(Source(match address {
            IpAddr::V6(ip) => {
                let network = u128::from(ip) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
            v4 => v4,
        }))
    }
}

/// Connections of one source, those that are not ready yet included.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Count {
    pub connections: usize,
    pub handshakes: usize,
}

/// Connections by source; as many entries as sources with a connection.
#[derive(Default)]
pub(crate) struct Sources(HashMap<Source, Count>);

impl Sources {
    pub fn count(&self, source: Option<Source>) -> Count {
        source
            .and_then(|source| self.0.get(&source))
            .copied()
            .unwrap_or_default()
    }

    pub fn begin(&mut self, source: Option<Source>) {
        if let Some(source) = source {
            let count = self.0.entry(source).or_default();
            count.connections += 1;
            count.handshakes += 1;
        }
    }

    pub fn ready(&mut self, source: Option<Source>) {
        if let Some(count) = source.and_then(|source| self.0.get_mut(&source)) {
            count.handshakes = count.handshakes.saturating_sub(1);
        }
    }

    /// A connection is over; `ready` if it had been.
    pub fn end(&mut self, source: Option<Source>, ready: bool) {
        let Some(source) = source else { return };
        let Some(count) = self.0.get_mut(&source) else {
            return;
        };
        count.connections = count.connections.saturating_sub(1);
        if !ready {
            count.handshakes = count.handshakes.saturating_sub(1);
        }
        if count.connections == 0 {
            self.0.remove(&source);
        }
    }
}

/// Most sources whose rate is watched at once; those that come beyond it, while none is at rest,
/// count for the rate of all alone.
const MAX_WATCHED: usize = 65_536;

/// How fast connections come, in all and by source. A source is forgotten once it is at rest.
#[derive(Default)]
pub(crate) struct Connects {
    all: Bucket,
    sources: HashMap<Source, Bucket>,
    /// How many sources there may be before those at rest are looked for.
    sweep_at: usize,
}

impl Connects {
    /// Whether half of what is allowed has come.
    pub fn is_low(&self, config: &ListenConfig, source: Option<Source>, now: Instant) -> bool {
        let one = source.and_then(|source| self.sources.get(&source));
        self.all.is_low(config.connect_rate, now)
            || one.is_some_and(|one| one.is_low(config.connect_rate_per_address, now))
    }

    /// Counts a new connection, or says which rate forbids it.
    pub fn take(
        &mut self,
        config: &ListenConfig,
        source: Option<Source>,
        now: Instant,
    ) -> Result<(), Excess> {
        let rate = config.connect_rate_per_address;
        if let Some(one) = source.filter(|_| rate.per_second > 0) {
            self.sweep(now);
            if self.sources.len() < MAX_WATCHED || self.sources.contains_key(&one) {
                let bucket = self.sources.entry(one).or_default();
                bucket
                    .take(rate, now, 1)
                    .map_err(|_| Excess::RatePerAddress)?;
            }
        }
        self.all
            .take(config.connect_rate, now, 1)
            .map_err(|_| Excess::Rate)
    }

    /// Forgets sources at rest, each time there are twice as many.
    fn sweep(&mut self, now: Instant) {
        const FEW: usize = 1_024;
        if self.sources.len() >= self.sweep_at.max(FEW) {
            self.sources.retain(|_, bucket| !bucket.is_full(now));
            self.sweep_at = (2 * self.sources.len()).min(MAX_WATCHED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ServerCertificate;
    use moqt::bucket::Rate;
    use std::time::Duration;

    #[test]
    fn an_ipv6_user_is_a_network_and_exempt_addresses_are_nobody() {
        let certificate = ServerCertificate::development(&[]).unwrap();
        let mut config = ListenConfig::new(([127, 0, 0, 1], 0).into(), certificate);
        let of = |config: &ListenConfig, text: &str| Source::of(text.parse().unwrap(), config);
        assert_eq!(of(&config, "2001:db8::1"), of(&config, "2001:db8::ffff:2"));
        assert_ne!(of(&config, "2001:db8::1"), of(&config, "2001:db8:0:1::1"));
        assert_ne!(of(&config, "192.0.2.1"), of(&config, "192.0.2.2"));
        assert_eq!(of(&config, "192.0.2.1"), of(&config, "::ffff:192.0.2.1"));
        config.exempt_addresses = vec!["192.0.2.1".parse().unwrap()];
        assert_eq!(of(&config, "192.0.2.1"), None);
        assert_eq!(of(&config, "::ffff:192.0.2.1"), None);
    }

    #[test]
    fn each_source_has_its_rate_and_all_have_one() {
        let certificate = ServerCertificate::development(&[]).unwrap();
        let mut config = ListenConfig::new(([127, 0, 0, 1], 0).into(), certificate);
        config.connect_rate = Rate {
            per_second: 1,
            burst: 5,
        };
        config.connect_rate_per_address = Rate {
            per_second: 10,
            burst: 2,
        };
        let one = |n: u8| Some(Source(IpAddr::from([192, 0, 2, n])));
        let start = Instant::now();
        let mut connects = Connects::default();
        let mut take =
            |source, ms| connects.take(&config, source, start + Duration::from_millis(ms));
        assert_eq!((take(one(1), 0), take(one(1), 0)), (Ok(()), Ok(())));
        assert_eq!(take(one(1), 0), Err(Excess::RatePerAddress));
        assert_eq!(take(one(2), 0), Ok(()));
        assert_eq!(take(one(1), 100), Ok(()));
        assert_eq!(take(None, 100), Ok(()), "exempt from the rate of a source");
        assert_eq!(take(None, 100), Err(Excess::Rate));
        assert!(connects.is_low(&config, None, start));
        assert!(!connects.is_low(&config, None, start + Duration::from_secs(60)));
        // Sources at rest go when there are many.
        config.connect_rate = Rate::UNLIMITED;
        for n in 0..3_000_u32 {
            let source = Some(Source(IpAddr::from((n + 1).to_be_bytes())));
            let now = start + Duration::from_secs(u64::from(n));
            assert_eq!(connects.take(&config, source, now), Ok(()));
        }
        assert!(
            connects.sources.len() <= 1_100,
            "{}",
            connects.sources.len()
        );
    }

    #[test]
    fn nothing_is_kept_of_a_source_that_is_gone() {
        let mut sources = Sources::default();
        let one = Some(Source("192.0.2.1".parse().unwrap()));
        sources.begin(one);
        sources.begin(one);
        sources.ready(one);
        let count = sources.count(one);
        assert_eq!((count.connections, count.handshakes), (2, 1));
        sources.end(one, true);
        sources.end(one, false);
        assert_eq!(sources.count(one).connections, 0);
        assert!(sources.0.is_empty());
        sources.begin(None);
        assert!(sources.0.is_empty());
    }
}
