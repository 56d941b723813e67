use super::*;
use crate::error::MOQ_ERROR_INVALID_ARGUMENT;

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.expect_err("the options are wrong");
    assert_eq!(error.code, MOQ_ERROR_INVALID_ARGUMENT);
    error.message
}

#[test]
fn defaults_fill_what_is_not_given() {
    let options = client(br#"{"url":"moqt://127.0.0.1:4443"}"#).expect("valid");
    assert_eq!(options.connect_timeout_ms, 10_000);
    assert_eq!(options.keep_alive_ms, 4_000);
    assert_eq!(options.idle_timeout_ms, 15_000);
    assert_eq!(options.max_object_size, 16 << 20);
    assert!(options.pins.is_empty() && !options.insecure);
    let options = publish(br#"{"namespace":"match/42/","name":"poses"}"#).expect("valid");
    assert_eq!(options.track.namespace, ["match", "42"]);
    assert_eq!(options.delivery, DeliveryClass::Reliable);
    assert_eq!(options.queue_bytes, 1 << 20);
}

#[test]
fn unknown_fields_are_named_with_what_is_accepted() {
    let text = message(client(br#"{"url":"moqt://a","keepalive":1}"#));
    assert!(
        text.contains("\"keepalive\"") && text.contains("keepAlive"),
        "{text}"
    );
    let text = message(subscribe(br#"{"namespace":"a","name":"b","maxage":1}"#));
    assert!(
        text.contains("\"maxage\"") && text.contains("maxAge"),
        "{text}"
    );
}

#[test]
fn wrong_values_are_named_with_what_is_accepted() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#"{"namespace":"a","name":"b","delivery":"fast"}"#,
            &["delivery", "\"latest\"", "fast"],
        ),
        (
            r#"{"namespace":"a","name":"b","priority":256}"#,
            &["priority", "0 to 255", "256"],
        ),
        (
            r#"{"namespace":"a","name":"b","priority":1.5}"#,
            &["priority", "1.5"],
        ),
        (
            r#"{"namespace":"a","name":"b","deadline":0}"#,
            &["deadline", "1 to 60000"],
        ),
        (
            r#"{"namespace":"a//c","name":"b"}"#,
            &["namespace", "empty field"],
        ),
        (r#"{"namespace":[],"name":"b"}"#, &["namespace", "0 fields"]),
        (r#"{"name":"b"}"#, &["namespace", "missing"]),
        (r#"{"namespace":"a"}"#, &["name", "missing"]),
        (r#"[1]"#, &["object"]),
        (r#"{"#, &["JSON"]),
    ];
    for (json, parts) in cases {
        let text = message(publish(json.as_bytes()));
        for part in *parts {
            assert!(text.contains(part), "{json}: {text} lacks {part}");
        }
    }
}

#[test]
fn limits_of_names_hold() {
    let long = "x".repeat(5_000);
    let text = message(publish(
        format!(r#"{{"namespace":"a","name":"{long}"}}"#).as_bytes(),
    ));
    assert!(text.contains("4096"), "{text}");
    let many = vec!["\"f\""; 33].join(",");
    let text = message(publish(
        format!(r#"{{"namespace":[{many}],"name":"b"}}"#).as_bytes(),
    ));
    assert!(text.contains("32"), "{text}");
}

#[test]
fn tokens_and_hashes_are_read_and_secrets_stay_out_of_errors() {
    let hash = "ab".repeat(32);
    let json = format!(
        r#"{{"url":"moqt://a","token":{{"hex":"00ff"}},"serverCertificateHashes":["{hash}"]}}"#
    );
    let options = client(json.as_bytes()).expect("valid");
    assert_eq!(options.token.as_deref(), Some(&[0, 255][..]));
    assert_eq!(options.pins, [[0xab; 32]]);
    let text = message(client(
        br#"{"url":"moqt://a","token":{"secret":"hunter2"}}"#,
    ));
    assert!(
        text.contains("token") && !text.contains("hunter2"),
        "{text}"
    );
    let text = message(client(
        br#"{"url":"moqt://a","serverCertificateHashes":["ab"]}"#,
    ));
    assert!(text.contains("64 hexadecimal"), "{text}");
}

#[test]
fn reconnect_is_a_switch_or_its_delays() {
    let reconnect = |json: &str| {
        let json = format!(r#"{{"url":"moqt://a","reconnect":{json}}}"#);
        client(json.as_bytes()).map(|options| options.reconnect)
    };
    let ms = std::time::Duration::from_millis;
    assert_eq!(
        reconnect("true").expect("valid"),
        Some(Reconnect::default())
    );
    assert_eq!(
        reconnect("null").expect("valid"),
        Some(Reconnect::default())
    );
    assert_eq!(reconnect("false").expect("valid"), None);
    let given = reconnect(r#"{"initialDelay":9000,"timeout":0}"#).expect("valid");
    let wanted = Reconnect {
        initial_delay: ms(9_000),
        max_delay: ms(9_000),
        timeout: None,
    };
    assert_eq!(given, Some(wanted));
    let text = message(reconnect(r#"{"initialDelay":100,"maxDelay":50}"#));
    assert!(
        text.contains("maxDelay") && text.contains("100 to 600000"),
        "{text}"
    );
    let text = message(reconnect("1"));
    assert!(
        text.contains("reconnect") && text.contains("maxDelay"),
        "{text}"
    );
    let text = message(reconnect(r#"{"delay":1}"#));
    assert!(
        text.contains("\"delay\"") && text.contains("initialDelay"),
        "{text}"
    );
}

#[test]
fn keep_alive_comes_before_the_idle_timeout() {
    let options = client(br#"{"url":"moqt://a","idleTimeout":1000}"#).expect("valid");
    assert_eq!(options.keep_alive_ms, 1_000);
    let json = br#"{"url":"moqt://a","idleTimeout":1000,"keepAlive":2000}"#;
    let text = message(client(json));
    assert!(
        text.contains("keepAlive") && text.contains("1000"),
        "{text}"
    );
}

#[test]
fn a_token_is_given_or_asked_for() {
    let options = client(br#"{"url":"moqt://a","askToken":true}"#).expect("valid");
    assert!(options.ask_token && options.token.is_none());
    let text = message(client(br#"{"url":"moqt://a","askToken":true,"token":"t"}"#));
    assert!(text.contains("askToken"), "{text}");
}

#[test]
fn a_fetch_range_must_not_be_reversed() {
    let text = message(fetch(
        br#"{"namespace":"a","name":"b","fromGroup":3,"toGroup":2}"#,
    ));
    assert!(text.contains("toGroup"), "{text}");
}

#[test]
fn a_discovery_prefix_may_be_empty() {
    assert_eq!(
        discover(br#"{"prefix":""}"#).expect("valid").prefix,
        Vec::<String>::new()
    );
    assert_eq!(
        discover(br#"{"prefix":"match/"}"#).expect("valid").prefix,
        ["match"]
    );
    let limited = discover(br#"{"prefix":"match","timeout":250}"#).expect("valid");
    assert_eq!(limited.timeout_ms, 250);
}

#[test]
fn inherited_clients_take_the_same_options_without_url_and_token_records() {
    let options = configure(b"{}", 30_000).expect("valid");
    assert_eq!(options.connect_timeout_ms, 30_000);
    assert_eq!(options.idle_timeout_ms, 15_000);
    let options = configure(br#"{"connectTimeout":7,"insecure":true}"#, 30_000).expect("valid");
    assert!(options.insecure && options.connect_timeout_ms == 7);
    let text = message(configure(br#"{"url":"moqt://a"}"#, 30_000));
    assert!(text.contains("\"url\""), "{text}");
    let text = message(configure(br#"{"askToken":true}"#, 30_000));
    assert!(
        text.contains("askToken") && text.contains("\"token\""),
        "{text}"
    );
}

#[test]
fn a_namespace_to_announce_has_fields() {
    let namespace = announce(br#"{"namespace":"match/42/"}"#).expect("valid");
    assert_eq!(namespace, ["match", "42"]);
    for text in [
        r#"{"namespace":""}"#,
        r#"{"namespace":"a//b"}"#,
        r#"{"namespace":[]}"#,
        "{}",
    ] {
        assert!(message(announce(text.as_bytes())).contains("namespace"));
    }
}
