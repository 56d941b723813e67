//! The relay with sessions over memory, on a clock that the tests move.

mod delivery;
mod discovery;
mod ending;
mod fetching;
mod garbage;
mod limits;
mod rates;
mod subscribing;
mod world;
