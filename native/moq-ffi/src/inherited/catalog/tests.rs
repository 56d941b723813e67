use super::*;

const COMMON: &str = r#"{
  "version": 1, "streamingFormat": 1, "streamingFormatVersion": "0.2", "supportsDeltaUpdates": true,
  "commonTrackFields": {"namespace": "meeting/alice", "packaging": "loc",
    "selectionParams": {"lang": "en", "bitrate": 64000}},
  "tracks": [
    {"name": "video", "selectionParams": {"codec": "av01", "mimeType": "video/mp4", "width": 1920,
      "height": 1080, "framerate": 29.97, "bitrate": 1500000}},
    {"name": "audio", "namespace": "other", "selectionParams": {"codec": "opus", "samplerate": 48000}}
  ], "com.example-custom": [1, {"x": null}]
}"#;

const MSF: &str = r#"{
  "version": "draft-01", "generatedAt": 1746104606044,
  "tracks": [
    {"name": "hd", "packaging": "loc", "isLive": true, "codec": "av01", "width": 1920,
      "height": 1080, "bitrate": 5000000},
    {"name": "audio", "packaging": "loc", "isLive": true, "codec": "opus", "samplerate": 48000,
      "lang": "fr", "bitrate": 32000}
  ]
}"#;

fn apply(catalog: &mut Catalog, text: &str) -> Result<Vec<Track>, String> {
    catalog.apply("live/1", text.as_bytes())
}

fn names(tracks: &[Track]) -> Vec<&str> {
    tracks.iter().map(|track| track.name.as_str()).collect()
}

fn refused(catalog: &mut Catalog, text: &str, why: &str) {
    let before = catalog.root.clone();
    let error = apply(catalog, text).expect_err(text);
    assert!(error.contains(why), "{text}: {error}");
    assert_eq!(catalog.root, before, "{text}");
}

#[test]
fn common_track_fields_and_selection_parameters_are_inherited() {
    let tracks = apply(&mut Catalog::default(), COMMON).expect("valid");
    let [video, audio] = tracks.as_slice() else {
        panic!("{tracks:?}")
    };
    assert_eq!((video.width, video.height), (1920, 1080));
    assert_eq!(
        (video.codec.as_str(), video.mime_type.as_str()),
        ("av01", "video/mp4")
    );
    assert_eq!((video.bitrate, video.language.as_str()), (1_500_000, "en"));
    assert_eq!(video.namespace, "meeting/alice");
    assert_eq!((audio.bitrate, audio.sample_rate), (64_000, 48_000));
    assert_eq!((audio.namespace.as_str(), audio.width), ("other", 0));
}

#[test]
fn the_catalog_of_msf_inherits_the_namespace_of_its_track() {
    let tracks = apply(&mut Catalog::default(), MSF).expect("valid");
    assert_eq!(names(&tracks), ["hd", "audio"]);
    assert!(tracks.iter().all(|track| track.namespace == "live/1"));
    assert_eq!(tracks[1].language, "fr");
}

#[test]
fn patches_add_and_remove_tracks_and_build_on_each_other() {
    let mut catalog = Catalog::default();
    apply(&mut catalog, COMMON).expect("valid");
    let slides = r#"[{"op": "add", "path": "/tracks/-", "value":
        {"name": "slides", "selectionParams": {"width": 800}}}]"#;
    let tracks = apply(&mut catalog, slides).expect("fits");
    assert_eq!(names(&tracks), ["video", "audio", "slides"]);
    assert_eq!((tracks[2].width, tracks[2].language.as_str()), (800, "en"));
    let tracks = apply(
        &mut catalog,
        r#"[{"op": "remove", "path": "/tracks/2"},
        {"op": "remove", "path": "/tracks/0"}]"#,
    );
    assert_eq!(names(&tracks.expect("fits")), ["audio"]);
    let tracks = apply(&mut catalog, r#"[{"op": "remove", "path": "/tracks/0"}]"#);
    assert_eq!(tracks, Ok(Vec::new()), "the broadcast is over");
}

#[test]
fn a_patch_is_taken_whole_or_not_at_all() {
    let mut catalog = Catalog::default();
    refused(
        &mut catalog,
        r#"[{"op": "remove", "path": "/tracks/0"}]"#,
        "not known",
    );
    apply(&mut catalog, COMMON).expect("valid");
    for (text, why) in [
        (
            r#"[{"op": "remove", "path": "/tracks/0"}, {"op": "remove", "path": "/tracks/7"}]"#,
            "fit",
        ),
        (r#"[{"op": "turn", "path": "/tracks/0"}]"#, "malformed"),
        (
            r#"[{"op": "replace", "path": "", "value": 7}]"#,
            "no catalog",
        ),
        (r#"[{"op": "remove", "path": "/version"}]"#, "version"),
        (
            r#"[{"op": "add", "path": "/tracks/-", "value": {"name": "video"}}]"#,
            "twice",
        ),
        ("[1]", "malformed"),
    ] {
        refused(&mut catalog, text, why);
    }
}

#[test]
fn msf_updates_add_clone_change_and_remove() {
    let mut catalog = Catalog::default();
    apply(&mut catalog, MSF).expect("valid");
    let tracks = apply(
        &mut catalog,
        r#"{"generatedAt": 1, "deltaUpdate": [
        {"op": "update", "tracks": [{"parentName": "hd", "bitrate": 4000000}]},
        {"op": "add", "tracks": [{"name": "slides", "codec": "vp8", "width": 640}]},
        {"op": "clone", "tracks": [{"parentName": "hd", "name": "sd", "width": 640}]},
        {"op": "remove", "tracks": [{"name": "audio"}]}]}"#,
    )
    .expect("fits");
    assert_eq!(names(&tracks), ["hd", "slides", "sd"]);
    assert_eq!(tracks[0].bitrate, 4_000_000);
    let copy = &tracks[2];
    assert_eq!(
        (copy.width, copy.height, copy.codec.as_str()),
        (640, 1080, "av01")
    );
    assert_eq!(copy.bitrate, 4_000_000, "a clone of what the track is now");
    let tracks = apply(
        &mut catalog,
        r#"{"deltaUpdate": true, "removeTracks": [{"name": "hd"}],
        "cloneTracks": [{"parentName": "sd", "name": "tiny", "width": 64}],
        "addTracks": [{"name": "chat"}]}"#,
    );
    assert_eq!(
        names(&tracks.expect("the first drafts' form")),
        ["slides", "sd", "chat", "tiny"]
    );
}

#[test]
fn msf_updates_that_do_not_fit_change_nothing() {
    let mut catalog = Catalog::default();
    refused(
        &mut catalog,
        r#"{"deltaUpdate": [{"op": "add", "tracks": []}]}"#,
        "not known",
    );
    apply(&mut catalog, MSF).expect("valid");
    for (text, why) in [
        (r#"{"deltaUpdate": []}"#, "no list of operations"),
        (r#"{"deltaUpdate": 7}"#, "no list of operations"),
        (r#"{"deltaUpdate": [{"tracks": []}]}"#, "\"op\""),
        (r#"{"deltaUpdate": [{"op": "add"}]}"#, "no list of tracks"),
        (
            r#"{"deltaUpdate": [{"op": "burn", "tracks": [{"name": "hd"}]}]}"#,
            "unknown",
        ),
        (
            r#"{"deltaUpdate": [{"op": "add", "tracks": [{"name": "hd"}]}]}"#,
            "already",
        ),
        (
            r#"{"deltaUpdate": [{"op": "add", "tracks": [7]}]}"#,
            "no object",
        ),
        (
            r#"{"deltaUpdate": [{"op": "remove", "tracks": [{"name": "gone"}]}]}"#,
            "no track",
        ),
        (
            r#"{"deltaUpdate": [{"op": "remove", "tracks": [{"name": "hd", "namespace": "b"}]}]}"#,
            "no track",
        ),
        (
            r#"{"deltaUpdate": [{"op": "clone", "tracks": [{"parentName": "hd"}]}]}"#,
            "name of its own",
        ),
        (
            r#"{"deltaUpdate": [{"op": "clone", "tracks": [{"parentName": "hd", "name": "hd"}]}]}"#,
            "already",
        ),
        (
            r#"{"deltaUpdate": [{"op": "remove", "tracks": [{"name": "hd"}]},
            {"op": "remove", "tracks": [{"name": "hd"}]}]}"#,
            "no track",
        ),
        (
            r#"{"deltaUpdate": [{"op": "update", "tracks": [{"name": "hd", "width": "x"}]}]}"#,
            "no number",
        ),
    ] {
        refused(&mut catalog, text, why);
    }
}

#[test]
fn malformed_catalogs_are_refused_with_the_reason() {
    let mut catalog = Catalog::default();
    apply(&mut catalog, MSF).expect("valid");
    for (text, why) in [
        ("", "not JSON"),
        ("{\"version\":1,", "not JSON"),
        ("\u{1f}\u{8b}", "not JSON"),
        ("7", "neither"),
        ("{}", "version"),
        (r#"{"version": 2, "tracks": []}"#, "version"),
        (r#"{"version": "draft-04", "tracks": []}"#, "version"),
        (r#"{"version": 1}"#, "no \"tracks\""),
        (r#"{"version": 1, "tracks": {}}"#, "no list"),
        (r#"{"version": 1, "catalogs": []}"#, "subscribe to one"),
        (r#"{"version": 1, "tracks": [7]}"#, "no object"),
        (r#"{"version": 1, "tracks": [{}]}"#, "no name"),
        (r#"{"version": 1, "tracks": [{"name": 7}]}"#, "no text"),
        (r#"{"version": 1, "tracks": [{"name": "a\u0000b"}]}"#, "NUL"),
        (
            r#"{"version": 1, "tracks": [{"name": "a", "width": -1}]}"#,
            "no number",
        ),
        (
            r#"{"version": 1, "tracks": [{"name": "a", "selectionParams": 1}]}"#,
            "selectionParams",
        ),
        (
            r#"{"version": 1, "commonTrackFields": [], "tracks": []}"#,
            "commonTrackFields",
        ),
        (
            r#"{"version": 1, "tracks": [{"name": "a"}, {"name": "a"}]}"#,
            "twice",
        ),
    ] {
        refused(&mut catalog, text, why);
    }
    let deep = format!(
        "{{\"version\":1,\"tracks\":{}{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    refused(&mut catalog, &deep, "not JSON");
    refused(&mut catalog, &" ".repeat(MAX_BYTES + 1), "bytes");
    let many: Vec<String> = (0..1_025)
        .map(|n| format!("{{\"name\":\"{n}\"}}"))
        .collect();
    refused(
        &mut catalog,
        &format!("{{\"version\":1,\"tracks\":[{}]}}", many.join(",")),
        "1024",
    );
}

#[test]
fn copies_of_copies_do_not_fill_the_memory() {
    let mut catalog = Catalog::default();
    apply(&mut catalog, MSF).expect("valid");
    let double = r#"{"op": "copy", "from": "", "path": "/x"}"#;
    let bomb = format!("[{}]", vec![double; 1_000].join(","));
    refused(&mut catalog, &bomb, "too large");
    let grow = r#"{"op": "copy", "from": "/tracks", "path": "/tracks/-"}"#;
    refused(
        &mut catalog,
        &format!("[{}]", vec![grow; 64].join(",")),
        "too large",
    );
    let small = r#"{"op": "test", "path": "/version", "value": "draft-01"}"#;
    refused(
        &mut catalog,
        &format!("[{}]", vec![small; 1_025].join(",")),
        "operations",
    );
}

#[test]
fn after_a_gap_only_a_whole_catalog_counts() {
    let mut catalog = Catalog::default();
    apply(&mut catalog, MSF).expect("valid");
    catalog.forget();
    refused(
        &mut catalog,
        r#"{"deltaUpdate": [{"op": "remove", "tracks": [{"name": "hd"}]}]}"#,
        "not known",
    );
    apply(&mut catalog, MSF).expect("valid");
}

#[test]
fn numbers_of_every_size_are_taken() {
    let text = r#"{"version": "1", "tracks": [{"name": "a", "width": 1e300, "height": 5000000000,
        "bitrate": 12.9, "samplerate": 4294967295}]}"#;
    let tracks = apply(&mut Catalog::default(), text).expect("valid");
    let track = &tracks[0];
    assert_eq!((track.width, track.height), (u32::MAX, u32::MAX));
    assert_eq!((track.bitrate, track.sample_rate), (12, u32::MAX));
}

/// A small generator of numbers that are always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Random updates of both forms, those that fit and those that do not, against the plainest list that
/// could stand for the catalog.
#[test]
fn any_run_of_updates_leads_where_a_plain_list_leads() {
    let mut random = Random(18);
    let (mut fitting, mut refused) = (0, 0);
    for _ in 0..40 {
        let mut catalog = Catalog::default();
        let whole = r#"{"version": 1, "tracks": []}"#;
        let mut model: Vec<(String, u32)> = Vec::new();
        assert_eq!(apply(&mut catalog, whole), Ok(Vec::new()));
        for _ in 0..60 {
            let name = format!("t{}", random.below(8));
            let other = format!("t{}", random.below(8));
            let width = random.below(5_000) as u32;
            let at = model.iter().position(|(known, _)| *known == name);
            let mut next = model.clone();
            let (text, fits) = match (random.below(6), at) {
                (0, at) => {
                    next.push((name.clone(), width));
                    let add = r#"[{"op": "add", "path": "/tracks/-", "value": "#;
                    let text = format!(r#"{add}{{"name": "{name}", "width": {width}}}}}]"#);
                    (text, at.is_none())
                }
                (1, _) => {
                    let index = random.below(8);
                    let fits = index < next.len();
                    if fits {
                        next.remove(index);
                    }
                    (
                        format!(r#"[{{"op": "remove", "path": "/tracks/{index}"}}]"#),
                        fits,
                    )
                }
                (2, at) => {
                    next.push((name.clone(), width));
                    (
                        delta("add", &name, &format!(r#", "width": {width}"#)),
                        at.is_none(),
                    )
                }
                (3, at) => {
                    if let Some(at) = at {
                        next.remove(at);
                    }
                    (delta("remove", &name, ""), at.is_some())
                }
                (4, at) => {
                    if let Some((_, known)) = at.and_then(|at| next.get_mut(at)) {
                        *known = width;
                    }
                    (
                        delta("update", &name, &format!(r#", "width": {width}"#)),
                        at.is_some(),
                    )
                }
                (_, at) => {
                    let parent = model.iter().find(|(known, _)| *known == other);
                    next.push((name.clone(), parent.map_or(0, |(_, width)| *width)));
                    let text = delta("clone", &name, &format!(r#", "parentName": "{other}""#));
                    (text, at.is_none() && parent.is_some())
                }
            };
            let told = apply(&mut catalog, &text);
            assert_eq!(told.is_ok(), fits, "{text} on {model:?}: {told:?}");
            if fits {
                (fitting, model) = (fitting + 1, next);
            } else {
                refused += 1;
            }
            // An update that changes nothing tells what stands.
            let stands = apply(&mut catalog, "[]").expect("fits always");
            let stands: Vec<(String, u32)> = stands
                .into_iter()
                .map(|track| (track.name, track.width))
                .collect();
            assert_eq!(stands, model, "after {text}");
        }
    }
    assert!(fitting > 200 && refused > 200, "{fitting} {refused}");
}

fn delta(operation: &str, name: &str, more: &str) -> String {
    format!(
        r#"{{"deltaUpdate": [{{"op": "{operation}", "tracks": [{{"name": "{name}"{more}}}]}}]}}"#
    )
}
