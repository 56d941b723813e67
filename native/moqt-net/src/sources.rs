//! How many connections come from where.

use crate::config::ListenConfig;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ServerCertificate;

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
