//! The four delivery classes, sending and receiving sides: state machines with time injected.

pub mod class;
pub mod inbound;
pub mod info;
pub mod object;
pub mod outlet;
pub mod priority;
pub mod receiver;
pub mod sender;

pub use class::DeliveryClass;
pub use inbound::{Gap, GapReason, InObject};
pub use info::TrackInfo;
pub use object::{OutObject, SharedObject};
pub use outlet::{Outlet, StreamOwners, StreamSignal};
pub use receiver::{Delivery, FetchEnd, Receiver, ReceiverConfig, ReceiverStats, TrackFault};
pub use sender::{Sender, SenderConfig, SenderLimits, SenderStats, SubgroupEnd};
