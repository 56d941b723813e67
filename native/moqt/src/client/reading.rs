//! From feeds to readers, and from readers to the application.

use super::reader::{Reader, Source};
use super::resumption::location_of;
use super::shared::Shared;
use super::subscriber::Subscriber;
use super::types::{ClientEvent, Handle};
use crate::delivery::DeliveryClass;
use std::time::Instant;

impl Subscriber {
    /// Whether the application takes objects of this reader now.
    pub fn set_reading(&mut self, handle: Handle, reading: bool) {
        if let Some(reader) = self.readers.get_mut(&handle) {
            reader.reading = reading;
            self.turns.list(reader);
        }
    }

    /// The next object, gap or end of a reader.
    pub fn poll(&mut self, now: Instant, shared: &mut Shared) -> Option<ClientEvent> {
        while let Some(handle) = self.turns.front() {
            let Some(reader) = self.readers.get_mut(&handle) else {
                self.turns.took(false);
                continue;
            };
            let was_full = reader.is_full();
            let event = reader.poll(now);
            let more = reader.is_readable();
            if !more {
                reader.listed = false;
            }
            let relieved = was_full || reader.has_room();
            let source = reader.source;
            self.turns.took(more);
            if relieved {
                self.relieve(now, handle, source, shared);
            }
            let Some(event) = event else { continue };
            if matches!(event, ClientEvent::Ended(..)) {
                let reader = self.readers.remove(&handle);
                self.last_ended = reader.map(|reader| (handle, reader.stats()));
            }
            return Some(event);
        }
        None
    }

    /// A reader has taken something: let its source flow again when there is room.
    fn relieve(&mut self, now: Instant, handle: Handle, source: Source, shared: &mut Shared) {
        match source {
            Source::Feed(id) => {
                let Some(feed) = self.feeds.get_mut(&id) else {
                    return;
                };
                let mut readers = feed.readers.iter().filter_map(|h| self.readers.get(h));
                if feed.receiver.is_reader_full() && readers.all(Reader::has_room) {
                    feed.receiver.set_reader_full(false);
                    self.pauses.extend(feed.resume_join());
                    feed.join_moves(now);
                    self.dirty_feeds.push(id);
                    shared.want();
                }
            }
            Source::Fetch => {
                let room = self.readers.get(&handle).is_none_or(Reader::has_room);
                if room && self.fetches.resume(handle) {
                    shared.want();
                }
            }
        }
    }

    /// Moves what a feed's receiver has to its readers.
    pub fn distribute(&mut self, id: u64) {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return;
        };
        let reliable = feed.receiver.class() == DeliveryClass::Reliable;
        while let Some(mut delivery) = feed.receiver.poll() {
            if let Some(gap) = feed.resume(&mut delivery) {
                for handle in &feed.readers {
                    if let Some(reader) = self.readers.get_mut(handle) {
                        reader.gap(gap);
                    }
                }
            }
            if let Some(location) = location_of(&delivery) {
                feed.delivered = feed.delivered.max(Some(location));
            }
            let Some((last, others)) = feed.readers.split_last() else {
                continue;
            };
            for handle in others {
                if let Some(reader) = self.readers.get_mut(handle) {
                    reader.deliver(delivery.clone());
                }
            }
            if let Some(reader) = self.readers.get_mut(last) {
                reader.deliver(delivery);
            }
        }
        let mut full = false;
        for handle in &feed.readers {
            if let Some(reader) = self.readers.get_mut(handle) {
                reader.update_feed(feed.receiver.stats());
                full |= reliable && reader.is_full();
                self.turns.list(reader);
            }
        }
        if full {
            feed.receiver.set_reader_full(true);
            self.pauses.extend(feed.pause_join());
        }
        self.pauses.extend(feed.receiver.take_pauses());
    }
}
