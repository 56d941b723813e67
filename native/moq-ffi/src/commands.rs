//! What callers ask of the I/O thread, in the order of their calls.

use crate::copies::{Copied, Copies, Source};
use crate::options::{
    DiscoverOptions, FetchOptions, PublishOptions, StatusOptions, SubscribeOptions,
};
use crate::publication::Publication;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Work for the I/O thread. What is large is boxed: updates are most of it, and each should touch little memory.
pub enum Command {
    Publish {
        handle: u64,
        options: Box<PublishOptions>,
        shared: Arc<Publication>,
    },
    Update {
        handle: u64,
        keyframe: bool,
        bytes: Copied,
    },
    End {
        handle: u64,
        flush: Duration,
    },
    Subscribe {
        handle: u64,
        options: Box<SubscribeOptions>,
    },
    Fetch {
        handle: u64,
        options: Box<FetchOptions>,
    },
    Discover {
        handle: u64,
        options: Box<DiscoverOptions>,
    },
    Announce {
        handle: u64,
        namespace: Vec<String>,
    },
    Status {
        handle: u64,
        options: Box<StatusOptions>,
    },
    Priority {
        handle: u64,
        priority: u8,
    },
    Resume {
        handle: u64,
    },
    /// Answers `TOKEN_WANTED`: the token, or why there is none.
    Token {
        attempt: u64,
        token: Box<Result<Bytes, String>>,
    },
    Cancel {
        handle: u64,
    },
    Close {
        flush: Duration,
    },
}

const _: () = assert!(size_of::<Command>() <= 40);

/// Commands with the bytes of their updates. One side fills it while the other runs what it took.
#[derive(Default)]
pub struct Commands {
    list: VecDeque<Command>,
    copies: Copies,
}

impl Commands {
    pub fn push(&mut self, command: Command) {
        self.list.push_back(command);
    }

    /// Queues one update with a copy of its bytes.
    pub fn push_update(&mut self, handle: u64, keyframe: bool, source: Source<'_>) {
        let bytes = self.copies.copy(source);
        self.list.push_back(Command::Update {
            handle,
            keyframe,
            bytes,
        });
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Takes everything; `into` is empty and gives its memory back.
    pub fn take(&mut self, into: &mut Taken) {
        std::mem::swap(&mut self.list, &mut into.list);
        self.copies.take(&mut into.pieces);
    }
}

/// What was taken: commands, and the pieces that their updates lie in.
#[derive(Default)]
pub struct Taken {
    pub list: VecDeque<Command>,
    pub pieces: Vec<Bytes>,
}
