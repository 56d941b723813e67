//! The table behind the pointers: each is a number that was never used before and leads to no
//! memory, so a pointer that is stale or made up is an error and no crash.

use super::client::Client;
use super::publish::Publisher;
use super::subscribe::Subscriber;
use super::types::{MoqClient, MoqPublisher, MoqSubscriber};
use crate::error::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Pointers are multiples of this, as callers expect of pointers.
const STEP: usize = 16;

#[derive(Clone)]
enum Object {
    Client(Arc<Client>),
    Publisher(Arc<Publisher>),
    Subscriber(Arc<Subscriber>),
}

static TABLE: LazyLock<RwLock<HashMap<usize, Object>>> = LazyLock::new(RwLock::default);
static NEXT: AtomicUsize = AtomicUsize::new(1);

fn insert(object: Object) -> usize {
    let address = NEXT.fetch_add(1, Ordering::Relaxed) * STEP;
    TABLE
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(address, object);
    address
}

fn find(what: &str, address: usize) -> Result<Object> {
    if address == 0 {
        return Err(Error::invalid(format!(
            "the {what} is NULL; moq_last_error told why when it was not given"
        )));
    }
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    table.get(&address).cloned().ok_or_else(|| {
        let given = address % STEP == 0 && address / STEP < NEXT.load(Ordering::Relaxed);
        match given {
            true => Error::new(MOQ_ERROR_CLOSED, format!("the {what} was destroyed before")),
            false => Error::invalid(format!("the {what} is no pointer that this library gave")),
        }
    })
}

fn wrong(what: &str) -> Error {
    Error::invalid(format!(
        "the pointer given as {what} stands for something else"
    ))
}

fn take(address: usize) -> Option<Object> {
    TABLE
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&address)
}

/// All clients that exist.
pub fn clients() -> Vec<Arc<Client>> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let client = |object: &Object| match object {
        Object::Client(client) => Some(client.clone()),
        _ => None,
    };
    table.values().filter_map(client).collect()
}

macro_rules! kind {
    ($kind:ident, $pointer:ty, $of:ty, $what:literal, $new:ident, $get:ident, $remove:ident) => {
        /// A pointer for a new object.
        pub fn $new(object: Arc<$of>) -> *mut $pointer {
            std::ptr::without_provenance_mut(insert(Object::$kind(object)))
        }

        /// What a pointer stands for.
        pub fn $get(pointer: *const $pointer) -> Result<Arc<$of>> {
            match find($what, pointer.addr())? {
                Object::$kind(object) => Ok(object),
                _ => Err(wrong($what)),
            }
        }

        /// Forgets a pointer and gives what it stood for.
        pub fn $remove(pointer: *const $pointer) -> Result<Arc<$of>> {
            let object = $get(pointer)?;
            // Of two threads that destroy it, one has taken it.
            match take(pointer.addr()) {
                Some(_) => Ok(object),
                None => $get(pointer),
            }
        }
    };
}

kind!(
    Client,
    MoqClient,
    Client,
    "client",
    new_client,
    client,
    remove_client
);
kind!(
    Publisher,
    MoqPublisher,
    Publisher,
    "publisher",
    new_publisher,
    publisher,
    remove_publisher
);
kind!(
    Subscriber,
    MoqSubscriber,
    Subscriber,
    "subscriber",
    new_subscriber,
    subscriber,
    remove_subscriber
);
