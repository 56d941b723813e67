//! A server that tests connect to in different ways.

use super::{loopback, Node};
use moqt::transport::CloseReason;
use moqt_net::{ConnId, ConnectConfig, ListenConfig, Runtime, ServerCertificate, Trust};
use std::net::SocketAddr;

pub const SCHEMES: [&str; 2] = ["moqt", "https"];

/// A server and a client on one thread, not connected yet.
pub struct Pair {
    pub runtime: Runtime,
    pub server: Node,
    pub client: Node,
    pub address: SocketAddr,
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = self.runtime.shutdown();
    }
}

pub fn pair(certificate: ServerCertificate, change: impl FnOnce(&mut ListenConfig)) -> Pair {
    let runtime = Runtime::start("test").unwrap();
    let (server, client) = (Node::new(&runtime), Node::new(&runtime));
    let mut config = ListenConfig::new(loopback(), certificate);
    change(&mut config);
    let address = server.listen(config);
    Pair {
        runtime,
        server,
        client,
        address,
    }
}

impl Pair {
    pub fn connect(&mut self, scheme: &str, trust: Trust) -> ConnId {
        let host = self.address;
        self.connect_to(&format!("{scheme}://{host}/"), trust)
    }

    pub fn connect_to(&mut self, url: &str, trust: Trust) -> ConnId {
        let mut config = ConnectConfig::new(url);
        config.trust = trust;
        self.client.connect(config)
    }

    pub fn refused(&mut self, scheme: &str, trust: Trust) -> CloseReason {
        let conn = self.connect(scheme, trust);
        self.client.closed(conn)
    }

    pub fn accepted(&mut self, scheme: &str, trust: Trust) {
        let conn = self.connect(scheme, trust);
        assert_eq!(self.client.connected().0, conn);
        self.server.connected();
    }
}

pub fn pinned(hash: [u8; 32]) -> Trust {
    Trust {
        pins: vec![hash],
        ..Trust::default()
    }
}
