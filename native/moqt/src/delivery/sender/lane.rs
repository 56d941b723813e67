//! One subgroup on its way out.

use super::super::object::{OutObject, SharedObject};
use crate::transport::StreamId;
use crate::wire::object::{SubgroupHeader, SubgroupId};
use std::collections::VecDeque;
use std::time::Instant;

/// How far a lane is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LaneState {
    /// No stream yet.
    Waiting,
    /// Its stream takes objects.
    Open(StreamId),
    /// Its stream is finished and not yet acknowledged.
    Finished(StreamId),
    /// It was reset or stopped: later objects of the subgroup are not sent.
    Dead,
}

/// One subgroup on its way out: at most one stream.
#[derive(Debug)]
pub(super) struct Lane {
    pub group: u64,
    pub subgroup: u64,
    pub state: LaneState,
    /// The first waiting object, apart from `rest` so that one-object groups allocate nothing.
    head: Option<SharedObject>,
    rest: VecDeque<SharedObject>,
    /// Object ID before the next on the stream.
    pub previous: Option<u64>,
    /// Queue cost of what waits.
    pub waiting_cost: usize,
    /// Queue cost of what was written.
    pub written_cost: usize,
    /// The stream is blocked.
    pub blocked: bool,
    /// It is finished and the connection has taken all of it.
    pub flowed: bool,
    /// Nothing follows: finish after the last waiting object.
    pub fin: bool,
    /// The subgroup was cut upstream: reset with this code after the last waiting object.
    pub cut: Option<u64>,
    /// When its first object came.
    pub since: Instant,
    /// When its end became known.
    pub ended: Option<Instant>,
    /// Its stream's header goes ahead of the first object, or instead of one.
    pub announced: bool,
    with_properties: bool,
    pub priority: Option<u8>,
    /// END_OF_GROUP and FIRST_OBJECT of an announced lane's header.
    end_of_group: bool,
    first_object: bool,
    /// Queue cost of the object that the stream has not taken all of.
    pub flushing: usize,
}

impl Lane {
    pub fn new(object: &OutObject) -> Self {
        Lane {
            with_properties: object.carries_properties(),
            priority: object.priority,
            ..Lane::empty(object.group, object.subgroup, object.received)
        }
    }

    /// A lane whose stream is opened before its first object is here.
    pub fn announced(header: &SubgroupHeader, subgroup: u64, now: Instant) -> Self {
        Lane {
            announced: true,
            with_properties: header.has_properties,
            priority: header.priority,
            end_of_group: header.end_of_group,
            first_object: header.first_object,
            ..Lane::empty(header.group, subgroup, now)
        }
    }

    /// A lane without objects, whose stream says that its group is over.
    pub fn end_marker(group: u64, subgroup: u64, now: Instant) -> Self {
        Lane {
            fin: true,
            ended: Some(now),
            announced: true,
            end_of_group: true,
            ..Lane::empty(group, subgroup, now)
        }
    }

    fn empty(group: u64, subgroup: u64, since: Instant) -> Self {
        Lane {
            group,
            subgroup,
            state: LaneState::Waiting,
            head: None,
            rest: VecDeque::new(),
            previous: None,
            waiting_cost: 0,
            written_cost: 0,
            blocked: false,
            flowed: false,
            fin: false,
            cut: None,
            since,
            ended: None,
            announced: false,
            with_properties: false,
            priority: None,
            end_of_group: false,
            first_object: false,
            flushing: 0,
        }
    }

    pub fn push(&mut self, object: SharedObject) {
        self.waiting_cost += object.cost();
        if self.head.is_none() {
            self.head = Some(object);
        } else {
            self.rest.push_back(object);
        }
    }

    pub fn front(&self) -> Option<&SharedObject> {
        self.head.as_ref()
    }

    pub fn pop(&mut self) -> Option<SharedObject> {
        let object = self.head.take()?;
        self.head = self.rest.pop_front();
        self.waiting_cost -= object.cost();
        Some(object)
    }

    /// Objects waiting.
    pub fn waiting(&self) -> usize {
        usize::from(self.head.is_some()) + self.rest.len()
    }

    /// Queue cost of its largest object that the connection has not taken all of.
    pub fn largest(&self) -> usize {
        let waiting = self.head.iter().chain(&self.rest).map(SharedObject::cost);
        waiting.chain([self.flushing]).max().unwrap_or(0)
    }

    /// Drops what waits; gives the number of objects and their cost.
    pub fn clear(&mut self) -> (usize, usize) {
        let dropped = (self.waiting(), self.waiting_cost);
        self.head = None;
        self.rest = VecDeque::new();
        self.waiting_cost = 0;
        dropped
    }

    /// Whether pumping can do anything for it.
    pub fn is_active(&self) -> bool {
        matches!(self.state, LaneState::Waiting | LaneState::Open(_))
    }

    pub fn stream(&self) -> Option<StreamId> {
        match self.state {
            LaneState::Open(stream) | LaneState::Finished(stream) => Some(stream),
            LaneState::Waiting | LaneState::Dead => None,
        }
    }

    pub fn has_properties(&self) -> bool {
        self.with_properties
    }

    /// The header of an announced stream; other streams' headers come with their first object.
    pub fn header(&self, alias: u64) -> SubgroupHeader {
        SubgroupHeader {
            track_alias: alias,
            group: self.group,
            subgroup: SubgroupId::of(self.subgroup),
            priority: self.priority,
            has_properties: self.with_properties,
            end_of_group: self.end_of_group,
            first_object: self.first_object,
        }
    }
}
