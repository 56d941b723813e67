//! Classes `latest` and `datagram`: only ever newer updates.

use super::{Arrival, Output};
use crate::wire::location::Location;
use crate::wire::object::ObjectStatus;

#[derive(Debug)]
pub(super) struct NewestOrder {
    unordered: bool,
    last: Option<Location>,
}

impl NewestOrder {
    pub fn new(unordered: bool) -> Self {
        NewestOrder {
            unordered,
            last: None,
        }
    }

    /// Nothing at or before `last` is delivered any more, unless order does not matter.
    pub fn resume(&mut self, last: Location) {
        self.last = Some(last);
    }

    pub fn object(&mut self, arrival: Arrival, out: &mut Output) {
        if arrival.status != ObjectStatus::Normal {
            return;
        }
        let location = Location::new(arrival.object.group, arrival.object.object);
        if !self.unordered && self.last.is_some_and(|last| location <= last) {
            out.stats.stale += 1;
            return;
        }
        self.last = self.last.max(Some(location));
        out.object(arrival.object);
    }
}
