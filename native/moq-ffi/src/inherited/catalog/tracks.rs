//! The tracks that a catalog lists, checked, with what they inherit.
//!
//! draft-ietf-moq-catalogformat puts what describes the media into `selectionParams` and lets tracks
//! inherit from `commonTrackFields` and from the root; draft-ietf-moq-msf puts it into the track.

use serde_json::{Map, Value};
use std::collections::HashSet;

/// Most tracks of a catalog.
pub const MAX_TRACKS: usize = 1_024;
/// Longest text of a track, in bytes: that of a full track name in draft-18 "Track Naming".
const MAX_TEXT: usize = 4_096;
/// The newest draft of MSF whose fields are these.
const NEWEST_MSF: u32 = 3;

/// One track. What the catalog does not say is empty or 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Track {
    pub namespace: String,
    pub name: String,
    pub codec: String,
    pub mime_type: String,
    pub width: u32,
    pub height: u32,
    /// Bits per second.
    pub bitrate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    pub language: String,
}

/// All tracks of a catalog, or why it is refused.
pub fn of(root: &Map<String, Value>, namespace: &str) -> Result<Vec<Track>, String> {
    check_version(root.get("version"))?;
    if root.contains_key("catalogs") {
        return Err("it lists catalogs; subscribe to one of them".to_owned());
    }
    let listed = match root.get("tracks") {
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err("its \"tracks\" is no list".to_owned()),
        None => return Err("it has no \"tracks\"".to_owned()),
    };
    if listed.len() > MAX_TRACKS {
        return Err(format!(
            "it lists {} tracks; at most {MAX_TRACKS} are accepted",
            listed.len()
        ));
    }
    let common = match root.get("commonTrackFields") {
        None => None,
        Some(Value::Object(common)) => Some(common),
        Some(_) => return Err("its \"commonTrackFields\" is no object".to_owned()),
    };
    let mut seen = HashSet::new();
    let mut tracks = Vec::with_capacity(listed.len());
    for value in listed {
        let Value::Object(own) = value else {
            return Err("a track is no object".to_owned());
        };
        let track = one(&[Some(own), common, Some(root)], own, namespace)?;
        if !seen.insert((track.namespace.clone(), track.name.clone())) {
            return Err(format!("it lists the track {:?} twice", track.name));
        }
        tracks.push(track);
    }
    Ok(tracks)
}

/// "A subscriber MUST NOT attempt to parse a catalog version which it does not understand."
fn check_version(version: Option<&Value>) -> Result<(), String> {
    let known = match version {
        Some(Value::Number(number)) => number.as_u64() == Some(1),
        Some(Value::String(text)) => {
            let draft = text.strip_prefix("draft-").map(str::parse::<u32>);
            text == "1" || matches!(draft, Some(Ok(draft)) if draft <= NEWEST_MSF)
        }
        _ => false,
    };
    match (known, version) {
        (true, _) => Ok(()),
        (false, None) => Err("it has no \"version\"".to_owned()),
        (false, Some(_)) => Err(format!(
            "its version is not known; 1 and \"draft-00\" to \"draft-{NEWEST_MSF:02}\" are"
        )),
    }
}

type Places<'a> = [Option<&'a Map<String, Value>>; 3];

fn one(places: &Places<'_>, own: &Map<String, Value>, inherited: &str) -> Result<Track, String> {
    let name = text(own.get("name"), "name")?.unwrap_or_default();
    if name.is_empty() {
        return Err("a track has no name".to_owned());
    }
    let namespace = match field(places, "namespace") {
        None => inherited.to_owned(),
        some => text(some, "namespace")?.unwrap_or_default(),
    };
    let described = |name: &str| described(places, name);
    Ok(Track {
        codec: text(described("codec")?, "codec")?.unwrap_or_default(),
        mime_type: text(described("mimeType")?, "mimeType")?.unwrap_or_default(),
        width: number(described("width")?, "width")?,
        height: number(described("height")?, "height")?,
        bitrate: number(described("bitrate")?, "bitrate")?,
        sample_rate: number(described("samplerate")?, "samplerate")?,
        language: text(described("lang")?, "lang")?.unwrap_or_default(),
        namespace,
        name,
    })
}

/// A field of the track, else of the common fields, else of the root.
fn field<'a>(places: &Places<'a>, name: &str) -> Option<&'a Value> {
    places.iter().flatten().find_map(|place| place.get(name))
}

/// A field that describes the media: from the nearest place that has it, there in `selectionParams`
/// or beside it.
fn described<'a>(places: &Places<'a>, name: &str) -> Result<Option<&'a Value>, String> {
    for place in places.iter().flatten() {
        let selection = match place.get("selectionParams") {
            None => None,
            Some(Value::Object(selection)) => selection.get(name),
            Some(_) => return Err("its \"selectionParams\" is no object".to_owned()),
        };
        if let Some(value) = selection.or_else(|| place.get(name)) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn text(value: Option<&Value>, name: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > MAX_TEXT => Err(format!(
            "a track's {name:?} is longer than {MAX_TEXT} bytes"
        )),
        Some(Value::String(text)) if text.contains('\0') => {
            Err(format!("a track's {name:?} holds a NUL"))
        }
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("a track's {name:?} is no text")),
    }
}

/// Fractions are cut; the largest number stands for all above it.
fn number(value: Option<&Value>, name: &str) -> Result<u32, String> {
    let number = match value {
        None | Some(Value::Null) => return Ok(0),
        Some(value) => value.as_f64().filter(|number| *number >= 0.0),
    };
    match number {
        Some(number) => Ok(number as u32),
        None => Err(format!("a track's {name:?} is no number from 0 on")),
    }
}

/// The namespace that tracks inherit within the catalog.
pub fn inherited_namespace(root: &Map<String, Value>) -> Option<&str> {
    let common = root.get("commonTrackFields");
    common
        .and_then(|common| common.get("namespace"))
        .or_else(|| root.get("namespace"))
        .and_then(Value::as_str)
}

/// The namespace of a listed track, if it or the catalog says one.
pub fn namespace_of<'a>(root: &'a Map<String, Value>, track: &'a Value) -> Option<&'a str> {
    match track.get("namespace") {
        Some(own) => own.as_str(),
        None => inherited_namespace(root),
    }
}
