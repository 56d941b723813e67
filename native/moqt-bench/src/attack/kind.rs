//! What an attacker can do.

/// One way to be a nuisance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Streams,
    Datagrams,
    UnknownStreams,
    Subscribe,
    Fetch,
    Namespaces,
    Announcements,
    Prefixes,
    Tracks,
    HugeLengths,
    PartialObjects,
    SlowRead,
    HalfOpen,
    Trickle,
    Garbage,
    Reconnect,
    Handshakes,
    Mixed,
}

impl Kind {
    /// Every kind with its name on the command line.
    pub const ALL: &[(Kind, &str)] = &[
        (Kind::Streams, "streams"),
        (Kind::Datagrams, "datagrams"),
        (Kind::UnknownStreams, "unknown-streams"),
        (Kind::Subscribe, "subscribe"),
        (Kind::Fetch, "fetch"),
        (Kind::Namespaces, "namespaces"),
        (Kind::Announcements, "announcements"),
        (Kind::Prefixes, "prefixes"),
        (Kind::Tracks, "tracks"),
        (Kind::HugeLengths, "huge-lengths"),
        (Kind::PartialObjects, "partial-objects"),
        (Kind::SlowRead, "slow-read"),
        (Kind::HalfOpen, "half-open"),
        (Kind::Trickle, "trickle"),
        (Kind::Garbage, "garbage"),
        (Kind::Reconnect, "reconnect"),
        (Kind::Handshakes, "handshakes"),
        (Kind::Mixed, "mixed"),
    ];

    pub fn from_name(name: &str) -> Option<Kind> {
        let (kind, _) = Kind::ALL.iter().find(|(_, known)| *known == name)?;
        Some(*kind)
    }

    pub fn name(self) -> &'static str {
        let found = Kind::ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or("", |(_, name)| name)
    }

    /// What the connection with this number does: its own, or with `mixed` one of all those that
    /// need a connection.
    pub fn of_connection(self, number: usize) -> Kind {
        if self != Kind::Mixed {
            return self;
        }
        let connected = Kind::ALL.len() - 2;
        Kind::ALL
            .get(number % connected)
            .map_or(Kind::Streams, |(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn names_are_found_and_mixed_takes_every_connected_kind() {
        for (kind, name) in Kind::ALL {
            assert_eq!(Kind::from_name(name), Some(*kind));
            assert_eq!(kind.name(), *name);
        }
        let count = Kind::ALL.len() - 2;
        let mixed: Vec<Kind> = (0..count).map(|n| Kind::Mixed.of_connection(n)).collect();
        assert!(!mixed.contains(&Kind::Mixed) && !mixed.contains(&Kind::Handshakes));
        assert!(mixed.contains(&Kind::Reconnect) && mixed.contains(&Kind::Streams));
        assert_eq!(Kind::Fetch.of_connection(3), Kind::Fetch);
    }
}
