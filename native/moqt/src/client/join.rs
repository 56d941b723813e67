//! How a reader begins that comes to a feed which others read already.

use super::feed::Feed;
use super::reader::Reader;
use super::shared::Shared;
use super::types::{ClientEvent, Start};
use crate::wire::location::Location;

/// A second reader comes to a feed that runs.
pub(super) fn attach(feed: &Feed, reader: &mut Reader, shared: &mut Shared) {
    reader.accept(feed.receiver.class());
    let (handle, class) = (reader.handle, reader.class);
    let largest = feed.delivered.max(feed.largest);
    shared.event(ClientEvent::SubscriptionReady {
        handle,
        class,
        largest,
    });
    if feed.resumption.is_some() {
        return begin_at(feed, reader);
    }
    match reader.options.start {
        Start::LatestGroup => join_at(feed, reader),
        Start::Next => {
            let next = |at: Location| Location::new(at.group.saturating_add(1), 0);
            reader.from = feed.delivered.map(next);
        }
        Start::Now => {}
    }
}

/// A reader that came while there was no connection, or before it brought anything, begins where it would without the readers
/// before it, for whom the feed brings what they missed.
pub(super) fn begin_at(feed: &Feed, reader: &mut Reader) {
    let Some(largest) = feed.largest else { return };
    let after = Location::new(largest.group, largest.object.saturating_add(1));
    reader.from = Some(match reader.options.start {
        Start::Next => Location::new(largest.group.saturating_add(1), 0),
        Start::Now | Start::LatestGroup => after,
    });
    if reader.starts_at_group() {
        reader.join(Location::new(largest.group, 0), after);
    }
}

/// Asks for the newest group up to what the feed has delivered; the feed brings the rest.
pub(super) fn join_at(feed: &Feed, reader: &mut Reader) {
    if feed.delivered.is_none() && feed.receiver.is_joining() {
        // The feed's own join brings it.
        return;
    }
    let Some(newest) = feed.delivered.or(feed.largest) else {
        return;
    };
    let after = Location::new(newest.group, newest.object.saturating_add(1));
    reader.join(Location::new(newest.group, 0), after);
}
