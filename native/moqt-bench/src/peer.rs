//! One connection with a client on it.

use crate::options::Options;
use crate::shared::{Message, Shared};
use bytes::Bytes;
use moqt::client::{
    Client, ClientConfig, ClientError, ClientEvent, ClientState, LinkId, SetupAddress,
};
use moqt::transport::{TransportEvent, TransportStats};
use moqt::wire::name::{FullTrackName, Namespace};
use moqt_net::{ConnId, ConnectConfig, Context};
use std::sync::Arc;

/// The connection: it is made once.
const LINK: LinkId = LinkId(1);

pub struct Peer {
    pub client: Client,
    address: SetupAddress,
    pub shared: Arc<Shared>,
    conn: Option<ConnId>,
}

/// PATH and AUTHORITY of SETUP: raw QUIC carries them there.
pub fn setup_options(url: &str) -> (Option<String>, Option<String>) {
    let raw = ["moqt://", "quic://"];
    let Some(rest) = raw.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return (None, None);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    (Some(path.to_owned()), Some(authority.to_owned()))
}

pub fn track(options: &Options) -> Result<FullTrackName, String> {
    let fields = options.namespace.iter().cloned().map(Bytes::from);
    let namespace = Namespace::new(fields).map_err(|e| e.to_string())?;
    FullTrackName::new(namespace, Bytes::from(options.name.clone())).map_err(|e| e.to_string())
}

impl Peer {
    pub fn new(shared: Arc<Shared>) -> Self {
        let (path, authority) = setup_options(&shared.options.url);
        let client = Client::new(ClientConfig {
            token: shared.options.token.clone().map(Bytes::from),
            ..ClientConfig::default()
        });
        Peer {
            client,
            address: SetupAddress { path, authority },
            shared,
            conn: None,
        }
    }

    pub fn connect(&mut self, cx: &mut Context<'_>) {
        let options = &self.shared.options;
        let config = ConnectConfig {
            trust: options.trust.clone(),
            timeout: options.timeout,
            ..ConnectConfig::new(options.url.clone())
        };
        match cx.connect(config) {
            Ok(conn) => self.conn = Some(conn),
            Err(e) => self.fail(&e.to_string()),
        }
    }

    pub fn attach(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let now = cx.now();
        if let Some(transport) = cx.transport(conn) {
            self.client.attach(now, LINK, &self.address, transport);
        }
    }

    pub fn handle(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        let now = cx.now();
        match (event, cx.transport(conn)) {
            (event, Some(transport)) => self.client.handle(now, LINK, transport, event),
            (TransportEvent::Closed(reason), None) => {
                if !self.shared.is_over() {
                    self.fail(&format!("the connection ended: {reason:?}"));
                }
            }
            (_, None) => {}
        }
    }

    pub fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if let Some(transport) = self.conn.and_then(|conn| cx.transport(conn)) {
            self.client.on_timeout(now, Some(transport));
        }
    }

    /// Writes what commands asked for.
    pub fn pump(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.client.needs_pump() {
            if let Some(transport) = self.conn.and_then(|conn| cx.transport(conn)) {
                self.client.pump(now, transport);
            }
        }
    }

    /// What concerns every connection. Gives the other events back.
    pub fn common(&self, event: ClientEvent) -> Option<ClientEvent> {
        match event {
            ClientEvent::State { state, error, .. } => {
                if state == ClientState::Closed && !self.shared.is_over() {
                    self.fail(&error.map_or_else(|| "closed".to_owned(), |e| text(&e)));
                }
                None
            }
            ClientEvent::Closed(_) => None,
            other => Some(other),
        }
    }

    pub fn fail(&self, why: &str) {
        self.shared.tell(Message::Failed(why.to_owned()));
    }

    pub fn stats(&self, cx: &mut Context<'_>) -> TransportStats {
        let transport = self.conn.and_then(|conn| cx.transport(conn));
        transport.map(|t| t.stats()).unwrap_or_default()
    }

    pub fn close(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let transport = self.conn.and_then(|conn| cx.transport(conn));
        self.client.close(now, transport, None);
        cx.remove_self();
    }
}

pub fn text(error: &ClientError) -> String {
    format!("{}: {}", error.code.name(), error.message)
}

#[cfg(test)]
mod tests {
    use super::setup_options;

    #[test]
    fn raw_quic_names_its_path_in_setup() {
        let some = |path: &str, host: &str| (Some(path.to_owned()), Some(host.to_owned()));
        assert_eq!(setup_options("moqt://a:1/b"), some("/b", "a:1"));
        assert_eq!(setup_options("quic://a:1"), some("/", "a:1"));
        assert_eq!(setup_options("https://a:1/b"), (None, None));
    }
}
