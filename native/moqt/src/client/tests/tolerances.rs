use super::*;
use crate::session::SessionClose;
use crate::transport::StreamId;
use crate::wire::session_codes;

/// The first unidirectional stream of the side that opened the connection.
const CONTROL: StreamId = StreamId(2);

fn after(drop_control: impl Fn(&mut MemoryTransport)) -> ClientError {
    let mut w = World::new();
    drop_control(&mut w.a.t);
    w.run();
    match w.b.events.last() {
        Some(ClientEvent::Closed(Some(error))) => error.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_that_drops_its_control_stream_is_taken_to_leave() {
    let reset = after(|t| t.reset(CONTROL, 0));
    assert_eq!(reset.code, ErrorCode::ConnectionFailed, "{reset:?}");
    let finished = after(|t| t.finish(CONTROL));
    assert_eq!(finished.code, ErrorCode::ConnectionFailed, "{finished:?}");
}

#[test]
fn nothing_else_that_breaks_the_protocol_is() {
    let close = SessionClose::Local {
        code: session_codes::PROTOCOL_VIOLATION,
        reason: "second control stream".into(),
    };
    let error = crate::client::faults::closed(&close).expect("an error");
    assert_eq!(error.code, ErrorCode::ProtocolViolation);
}
