//! Updates of draft-ietf-moq-msf: tracks that are added, removed, cloned and changed. Besides the
//! list of operations (section "Delta update"), the fields of its first versions are read:
//! `"deltaUpdate": true` with `addTracks`, `removeTracks` and `cloneTracks`.

use super::document::MAX_OPERATIONS;
use super::tracks::{self, MAX_TRACKS};
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// Whether an object is an update of the catalog before it.
pub fn is_delta(said: &Object) -> bool {
    !matches!(said.get("deltaUpdate"), None | Some(Value::Bool(false)))
}

/// Changes a catalog as `said` tells. On an error the catalog is to be thrown away.
pub fn apply(root: &mut Object, said: &Object, namespace: &str) -> Result<(), String> {
    let mut changes = Vec::new();
    match said.get("deltaUpdate") {
        Some(Value::Array(operations)) if !operations.is_empty() => {
            for operation in operations {
                let name = operation.get("op").and_then(Value::as_str);
                let name = name.ok_or("an operation has no \"op\"")?;
                changes.push((name, operation.get("tracks")));
            }
        }
        Some(Value::Bool(true)) => {
            for (field, name) in [
                ("addTracks", "add"),
                ("removeTracks", "remove"),
                ("cloneTracks", "clone"),
            ] {
                if let Some(tracks) = said.get(field) {
                    changes.push((name, Some(tracks)));
                }
            }
        }
        _ => return Err("\"deltaUpdate\" is no list of operations".to_owned()),
    }
    if changes.len() > MAX_OPERATIONS {
        return Err(format!(
            "it has {} operations; at most {MAX_OPERATIONS} are accepted",
            changes.len()
        ));
    }
    let mut changed = 0;
    for (name, tracks) in changes {
        let tracks = tracks.and_then(Value::as_array);
        let tracks =
            tracks.ok_or_else(|| format!("the operation {name:?} has no list of tracks"))?;
        changed += tracks.len();
        if changed > MAX_TRACKS {
            return Err(format!("it changes more than {MAX_TRACKS} tracks"));
        }
        for track in tracks {
            let track = track
                .as_object()
                .ok_or_else(|| format!("a track of the operation {name:?} is no object"))?;
            change(root, name, track, namespace)?;
        }
    }
    Ok(())
}

fn change(root: &mut Object, name: &str, track: &Object, namespace: &str) -> Result<(), String> {
    match name {
        "add" => add(root, track.clone(), namespace),
        "remove" => {
            let at = find(root, track, "name", "namespace", namespace)?;
            list(root)?.remove(at);
            Ok(())
        }
        "clone" => {
            let at = find(root, track, "parentName", "parentNamespace", namespace)?;
            let parent = list(root)?.get(at).and_then(Value::as_object);
            let mut copy = parent.cloned().unwrap_or_default();
            if !track.contains_key("name") {
                return Err("a clone has no name of its own".to_owned());
            }
            overlay(&mut copy, track);
            add(root, copy, namespace)
        }
        "update" => {
            // The text wants parentName, its example names the track itself.
            let keys = match track.contains_key("parentName") {
                true => ("parentName", "parentNamespace"),
                false => ("name", "namespace"),
            };
            let at = find(root, track, keys.0, keys.1, namespace)?;
            if let Some(Value::Object(before)) = list(root)?.get_mut(at) {
                overlay(before, track);
            }
            Ok(())
        }
        other => Err(format!("the operation {other:?} is unknown")),
    }
}

/// What a track says in place of what it said before.
fn overlay(track: &mut Object, with: &Object) {
    for (field, value) in with {
        if field != "parentName" && field != "parentNamespace" {
            track.insert(field.clone(), value.clone());
        }
    }
}

fn list(root: &mut Object) -> Result<&mut Vec<Value>, String> {
    root.get_mut("tracks")
        .and_then(Value::as_array_mut)
        .ok_or_else(|| "the catalog before it lists no tracks".to_owned())
}

fn add(root: &mut Object, track: Object, namespace: &str) -> Result<(), String> {
    let known = find(root, &track, "name", "namespace", namespace);
    if known.is_ok() {
        let name = track.get("name").and_then(Value::as_str);
        return Err(format!(
            "the track {:?} is there already",
            name.unwrap_or("")
        ));
    }
    let list = list(root)?;
    if list.len() >= MAX_TRACKS {
        return Err(format!("it lists more than {MAX_TRACKS} tracks"));
    }
    list.push(Value::Object(track));
    Ok(())
}

/// Where the track is that `by` names in these fields.
fn find(
    root: &Object,
    by: &Object,
    name_field: &str,
    namespace_field: &str,
    namespace: &str,
) -> Result<usize, String> {
    let name = by.get(name_field).and_then(Value::as_str);
    let name = name.ok_or_else(|| format!("a change names no track in {name_field:?}"))?;
    let wanted = match by.get(namespace_field) {
        None => tracks::inherited_namespace(root).unwrap_or(namespace),
        Some(Value::String(text)) => text,
        Some(_) => return Err(format!("{namespace_field:?} is no text")),
    };
    let tracks = root.get("tracks").and_then(Value::as_array);
    let tracks = tracks.ok_or("the catalog before it lists no tracks")?;
    tracks
        .iter()
        .position(|track| {
            track.get("name").and_then(Value::as_str) == Some(name)
                && tracks::namespace_of(root, track).unwrap_or(namespace) == wanted
        })
        .ok_or_else(|| format!("there is no track {name:?} to change"))
}
