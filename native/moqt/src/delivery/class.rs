//! The delivery class of a track: what happens when the network cannot keep up.

use std::fmt;
use std::time::Duration;

/// What happens when the network cannot keep up. One word per track; it travels as Track Property
/// [`TRACK_CLASS`](super::info::TRACK_CLASS).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum DeliveryClass {
    /// Every object once, in order, across groups. Congestion pushes back to the sender.
    #[default]
    Reliable,
    /// Only ever newer updates; the last one arrives. Each update is a group of one object.
    Latest,
    /// In order and whole; what is older than the deadline is reset, counted and not delivered.
    Deadline,
    /// Only ever newer updates, in one datagram each; the oldest waiting ones are dropped.
    Datagram,
}

impl DeliveryClass {
    /// All classes.
    pub const ALL: [DeliveryClass; 4] = [
        DeliveryClass::Reliable,
        DeliveryClass::Latest,
        DeliveryClass::Deadline,
        DeliveryClass::Datagram,
    ];

    /// The value of the Track Property: 1 to 4.
    pub const fn value(self) -> u64 {
        match self {
            DeliveryClass::Reliable => 1,
            DeliveryClass::Latest => 2,
            DeliveryClass::Deadline => 3,
            DeliveryClass::Datagram => 4,
        }
    }

    /// From the value of the Track Property. `None` for values of later versions: the track is
    /// then read as the subscriber asks.
    pub const fn from_value(value: u64) -> Option<Self> {
        match value {
            1 => Some(DeliveryClass::Reliable),
            2 => Some(DeliveryClass::Latest),
            3 => Some(DeliveryClass::Deadline),
            4 => Some(DeliveryClass::Datagram),
            _ => None,
        }
    }

    /// The name in options and statistics.
    pub const fn name(self) -> &'static str {
        match self {
            DeliveryClass::Reliable => "reliable",
            DeliveryClass::Latest => "latest",
            DeliveryClass::Deadline => "deadline",
            DeliveryClass::Datagram => "datagram",
        }
    }

    /// From the name in options.
    pub fn from_name(name: &str) -> Option<Self> {
        DeliveryClass::ALL
            .into_iter()
            .find(|class| class.name() == name)
    }
}

impl fmt::Display for DeliveryClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Age after which an update of a `deadline` track is worthless, when the publisher names none.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(200);
