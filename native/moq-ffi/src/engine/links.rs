//! The connections of a client: made and closed as its session wants.

use super::{urls, Engine, Target};
use moqt::client::{Client, ClientError, ErrorCode, LinkCommand, LinkId, SetupAddress};
use moqt::transport::Transport;
use moqt_net::{ConnId, Context, TransportKind};
use std::time::Duration;

/// One connection, or the attempt at one. There are two while a GOAWAY is followed.
pub(super) struct Line {
    pub link: LinkId,
    pub conn: ConnId,
    pub address: SetupAddress,
    /// Known once it stands.
    pub kind: Option<TransportKind>,
}

impl Engine {
    /// Does what the client asks of its connections. True when there was something.
    pub(super) fn run_links(&mut self, client: &mut Client, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(command) = client.poll_link() {
            any = true;
            match command {
                LinkCommand::Connect { link, url, timeout } => {
                    if let Err(error) = self.dial(cx, link, url.as_deref(), timeout) {
                        client.connect_failed(cx.now(), link, error);
                    }
                }
                LinkCommand::Close { link } => {
                    let Some(at) = self.lines.iter().position(|line| line.link == link) else {
                        continue;
                    };
                    let line = self.lines.swap_remove(at);
                    cx.close(line.conn, 0, "");
                }
            }
        }
        any
    }

    fn dial(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        named: Option<&str>,
        timeout: Duration,
    ) -> Result<(), ClientError> {
        let url = named.unwrap_or(&self.options.url);
        let conn = match (&self.target, named) {
            (Target::Memory(peer), None) => cx.connect_memory(*peer, "/"),
            _ => {
                if let Some(named) = named {
                    check_named(named)?;
                }
                cx.connect(urls::connect_config(
                    &self.options,
                    self.certificate.clone(),
                    url,
                    timeout,
                ))
            }
        };
        self.lines.push(Line {
            link,
            conn: conn.map_err(urls::connect_error)?,
            address: urls::setup_address(url),
            kind: None,
        });
        Ok(())
    }

    pub(super) fn line(&mut self, conn: ConnId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.conn == conn)
    }

    /// The line that carries the client.
    pub(super) fn carrier(&self, client: &Client) -> Option<&Line> {
        let link = client.link()?;
        self.lines.iter().find(|line| line.link == link)
    }

    /// The transport that the client's calls take.
    pub(super) fn transport<'a>(
        &self,
        client: &Client,
        cx: &'a mut Context<'_>,
    ) -> Option<&'a mut dyn Transport> {
        self.carrier(client)
            .and_then(|line| cx.transport(line.conn))
    }
}

/// An address that a relay named: only one on the network is followed.
fn check_named(url: &str) -> Result<(), ClientError> {
    let followed = !url.starts_with("memory:") && super::check_url(url).is_ok();
    if followed {
        return Ok(());
    }
    let message = format!(
        "The relay sent this client to {url:?}, which is no address of a relay: correct its goawayUri."
    );
    Err(ClientError::new(ErrorCode::ConnectionFailed, message))
}
