//! The small HTTP side: certificate hash, statistics, metrics.

use crate::error::RelayError;
use moqt_net::border::{self, Border};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tiny_http::{Header, Method, Request, Response, Server};

/// What the HTTP side shows. Called on the HTTP thread.
pub(crate) trait Source: Send + 'static {
    /// SHA-256 of the certificate in hex.
    fn certificate_sha256(&self) -> String;
    /// The statistics, or `None` when the relay does not answer.
    fn stats(&self) -> Option<crate::stats::RelayStats>;
}

/// A running HTTP side. Stops and joins its thread when dropped.
pub(crate) struct HttpServer {
    address: SocketAddr,
    server: Option<Arc<Server>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpServer({})", self.address)
    }
}

const HELP: &str = "moq-game relay\n\
    GET /certificate.sha256  SHA-256 of the certificate, hex\n\
    GET /stats               statistics, JSON\n\
    GET /metrics             statistics, Prometheus text\n";

impl HttpServer {
    /// Serves on `address`; port 0 takes a free one.
    pub(crate) fn start(address: SocketAddr, source: impl Source) -> Result<Self, RelayError> {
        let listener = std::net::TcpListener::bind(address)
            .map_err(|e| RelayError::listen(address, "TCP", &e))?;
        let address = listener
            .local_addr()
            .map_err(|e| RelayError::listen(address, "TCP", &e))?;
        let server = Server::from_listener(listener, None)
            .map_err(|e| RelayError::Internal(format!("cannot start the HTTP side: {e}")))?;
        let (server, stop) = (Arc::new(server), Arc::new(AtomicBool::new(false)));
        let (thread_server, thread_stop) = (server.clone(), stop.clone());
        let run = move || serve(&thread_server, &thread_stop, &source);
        let thread = border::spawn("moq-relay-http", run)
            .map_err(|e| RelayError::Internal(format!("cannot start a thread: {e}")))?;
        Ok(HttpServer {
            address,
            server: Some(server),
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let Some(server) = self.server.take() else {
            return;
        };
        server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        drop(server);
        // The library lets go of the port on a thread of its own; whoever starts a relay next may
        // want the same one.
        for _ in 0..50 {
            if TcpStream::connect_timeout(&self.address, Duration::from_millis(20)).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn serve(server: &Server, stop: &AtomicBool, source: &impl Source) {
    while !stop.load(Ordering::Acquire) {
        match server.recv_timeout(Duration::from_millis(500)) {
            Ok(Some(request)) => {
                // One answer is lost with a panic, not the statistics for good.
                match border::catch(Border::RelayHttp, || answer(request, source)) {
                    Ok(Ok(())) => {}
                    Ok(Err(e)) => log::debug!("http: a client went away: {e}"),
                    Err(panic) => log::error!("http: an answer panicked: {}", border::text(&panic)),
                }
            }
            Ok(None) => {}
            Err(e) => {
                log::warn!("http: {e}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn reply(method: &Method, path: &str, source: &impl Source) -> (u16, &'static str, String) {
    const TEXT: &str = "text/plain; charset=utf-8";
    match method {
        Method::Get | Method::Head => {}
        Method::Options => return (204, TEXT, String::new()),
        _ => {
            return (
                405,
                TEXT,
                "only GET, HEAD and OPTIONS are served here\n".into(),
            )
        }
    }
    let unavailable = || {
        (
            503,
            TEXT,
            "the relay does not answer; it may be shutting down\n".into(),
        )
    };
    match path.split('?').next().unwrap_or_default() {
        "/" => (200, TEXT, HELP.into()),
        "/certificate.sha256" => (200, TEXT, source.certificate_sha256()),
        "/stats" => source.stats().map_or_else(unavailable, |stats| {
            (200, "application/json", stats.to_json())
        }),
        "/metrics" => source.stats().map_or_else(unavailable, |stats| {
            (
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                stats.to_prometheus(),
            )
        }),
        _ => (404, TEXT, format!("no such page\n{HELP}")),
    }
}

fn answer(request: Request, source: &impl Source) -> io::Result<()> {
    let (status, content_type, body) = reply(request.method(), request.url(), source);
    let mut response = Response::from_string(body).with_status_code(status);
    for (name, value) in [
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
        ("Access-Control-Allow-Headers", "*"),
        // Pages from the public web that reach a relay in the local network must be let through.
        ("Access-Control-Allow-Private-Network", "true"),
    ] {
        if let Ok(header) = Header::from_bytes(name, value) {
            response = response.with_header(header);
        }
    }
    request.respond(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    struct Fixed;

    impl Source for Fixed {
        fn certificate_sha256(&self) -> String {
            "00ff".into()
        }
        fn stats(&self) -> Option<crate::stats::RelayStats> {
            let mut stats = crate::stats::RelayStats::default();
            stats.sessions.open = 3;
            Some(stats)
        }
    }

    fn ask(address: SocketAddr, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a timeout");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    }

    #[test]
    fn serves_hash_stats_and_metrics_to_any_origin() {
        let server = HttpServer::start(([127, 0, 0, 1], 0).into(), Fixed).expect("a server");
        let at = server.address();
        let hash = ask(at, "GET", "/certificate.sha256");
        assert!(
            hash.starts_with("HTTP/1.1 200") && hash.ends_with("00ff"),
            "{hash}"
        );
        assert!(
            hash.to_lowercase()
                .contains("access-control-allow-origin: *"),
            "{hash}"
        );
        assert!(ask(at, "GET", "/stats?x=1").contains("\"open\":3"));
        assert!(ask(at, "GET", "/metrics").contains("moq_relay_sessions 3"));
        let head = ask(at, "HEAD", "/certificate.sha256");
        assert!(
            head.starts_with("HTTP/1.1 200") && !head.ends_with("00ff"),
            "{head}"
        );
        assert!(ask(at, "OPTIONS", "/stats").starts_with("HTTP/1.1 204"));
        assert!(ask(at, "POST", "/stats").starts_with("HTTP/1.1 405"));
        assert!(ask(at, "GET", "/nothing").starts_with("HTTP/1.1 404"));
        let taken = HttpServer::start(at, Fixed)
            .expect_err("the port is taken")
            .to_string();
        assert!(
            taken.contains("in use") && taken.contains(&at.port().to_string()),
            "{taken}"
        );
        drop(server);
        assert!(TcpStream::connect(at).is_err(), "it has stopped");
    }
}
