//! A server that sends back what it gets: streams (unidirectional ones on a new stream) and
//! datagrams, over raw QUIC and WebTransport. Prints its port and certificate hash, and runs
//! until it is killed or the given number of seconds is over.
//!
//! `cargo run -p moqt-net --example echo -- 0 30`

#[path = "../tests/common/mod.rs"]
mod common;

use common::Echo;
use moqt_net::{ListenConfig, Runtime, ServerCertificate};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().unwrap_or_default().parse().unwrap_or(0);
    let seconds: u64 = arguments
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(3_600);
    let certificate = ServerCertificate::development(&[])?;
    let hash = certificate.sha256_hex();
    let runtime = Runtime::start("echo")?;
    let (sender, address) = std::sync::mpsc::channel();
    runtime.spawn(Box::new(Echo {
        address: Some(sender),
        config: Some(ListenConfig::new(
            ([127, 0, 0, 1], port).into(),
            certificate,
        )),
        ..Echo::default()
    }));
    let address = address.recv()?;
    println!("{{\"port\":{},\"hash\":\"{hash}\"}}", address.port());
    std::thread::sleep(Duration::from_secs(seconds));
    runtime.shutdown()?;
    Ok(())
}
