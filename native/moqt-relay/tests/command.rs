//! The command `moq-game-relay`, as a user runs it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moq-game-relay"));
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running relay; ended with the test.
struct Running {
    child: Child,
    banner: Vec<String>,
    _errors: ChildStderr,
}

impl Running {
    fn start(args: &[&str]) -> Running {
        let mut child = command(args).spawn().expect("it starts");
        let errors = child.stderr.take().expect("a pipe");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut banner = Vec::new();
        while !banner
            .last()
            .is_some_and(|line: &String| line.contains("admission"))
        {
            banner.push(lines.next().expect("a whole banner").expect("text"));
        }
        Running {
            child,
            banner,
            _errors: errors,
        }
    }

    fn field(&self, name: &str) -> &str {
        let line = self
            .banner
            .iter()
            .find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {:?}", self.banner))
            .trim()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status()
            .expect("kill");
        assert!(status.success());
    }

    fn wait(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(15);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(address).expect("the HTTP side");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

#[test]
fn help_and_version() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    for word in ["--listen", "--tokens", "--dev-cert", "--drain", "SIGTERM"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    let version = run(&["--version"]);
    let wanted = format!("moq-game-relay {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&version.stdout), wanted);
}

#[test]
fn mistakes_are_one_line_on_standard_error() {
    for (args, wanted) in [
        (&["--lisen", "x"][..], "did you mean --listen?"),
        (
            &["--cert", "/nonexistent.pem", "--key", "/nonexistent.key"],
            "/nonexistent.pem",
        ),
        (&["--tokens", "/nonexistent.json"], "/nonexistent.json"),
        (&["--listen", "192.0.2.1:4443"], "192.0.2.1:4443"),
    ] {
        let output = run(args);
        let errors = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(
            errors.starts_with("moq-game-relay: ") && errors.contains(wanted),
            "{errors}"
        );
        assert_eq!(errors.trim_end().lines().count(), 1, "{errors}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn it_says_where_it_is_serves_its_hash_and_ends_on_a_signal() {
    let mut relay = Running::start(&["--listen", "127.0.0.1:0", "--drain", "200"]);
    let url = relay.field("url").to_owned();
    let port = url
        .strip_prefix("https://127.0.0.1:")
        .expect("a loopback URL")
        .to_owned();
    let hash = relay.field("sha-256").to_owned();
    assert!(
        hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
        "{hash}"
    );
    let http = relay
        .field("http")
        .split('/')
        .nth(2)
        .expect("an address")
        .to_owned();
    assert_eq!(http, format!("127.0.0.1:{port}"), "the same port number");
    assert_eq!(get(&http, "/certificate.sha256"), hash);
    let stats: serde_json::Value = serde_json::from_str(&get(&http, "/stats")).expect("JSON");
    assert_eq!(stats["sessions"]["open"], 0);
    assert!(get(&http, "/metrics").contains("moq_relay_sessions 0"));

    let second = run(&["--listen", &format!("127.0.0.1:{port}"), "--http", "off"]);
    let errors = text(&second.stderr);
    assert!(
        !second.status.success() && errors.contains("in use") && errors.contains(&port),
        "{errors}"
    );

    relay.signal("-TERM");
    assert_eq!(relay.wait(), Some(0));
    let mut again = Running::start(&["--listen", &format!("127.0.0.1:{port}"), "--drain", "0"]);
    again.signal("-INT");
    assert_eq!(again.wait(), Some(0), "the ports were free again");
}

#[test]
fn every_interface_is_written_as_an_address_that_works() {
    let relay = Running::start(&["--listen", "0.0.0.0:0", "--http", "off"]);
    assert!(relay.field("url").starts_with("https://127.0.0.1:"));
    assert_eq!(relay.field("admission"), "open to everyone");
}
