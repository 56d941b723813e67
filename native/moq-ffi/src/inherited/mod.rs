//! The functions of this library's predecessor, source and binary compatible, as a thin layer over
//! the rest of the crate.
//!
//! ```text
//! types      what C sees: results, states, callbacks, track descriptions
//! library    init and free
//! client     create, configure, connect, disconnect, destroy
//! announce   announcing namespaces, and hearing of them
//! publish    publishers: one publication for each delivery mode
//! subscribe  subscribers and their callbacks
//! catalog    subscribers of catalogs
//! session    one connection: its thread, which runs the callbacks, and who hears what
//! objects    the table behind the pointers
//! calls      what all exported functions share
//! ```

pub mod announce;
mod calls;
pub mod catalog;
pub mod client;
pub mod library;
mod objects;
pub mod publish;
mod session;
pub mod subscribe;
pub mod types;

/// Ends every connection and joins the threads that run callbacks.
pub(crate) fn shutdown() {
    for client in objects::clients() {
        client.end();
    }
    session::join_left_over();
}
