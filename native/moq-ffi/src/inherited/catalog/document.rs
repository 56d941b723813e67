//! What a catalog track says: whole catalogs, and updates of the one before.

use super::delta;
use super::tracks::{self, Track};
use json_patch::{patch, Patch};
use serde_json::{Map, Value};

/// Largest object, and largest catalog that updates may lead to, in bytes of text and of structure.
pub const MAX_BYTES: usize = 1 << 20;
/// Most operations of one update.
pub const MAX_OPERATIONS: usize = 1_024;
/// What a value counts beside its text.
const VALUE_COST: usize = 16;
/// Most values of a patched catalog that operations may go over, so that many small ones on a large
/// catalog take no time.
const MAX_WORK: usize = 16 * MAX_BYTES;

/// The catalog as it stands, after all updates.
#[derive(Default)]
pub struct Catalog {
    root: Option<Map<String, Value>>,
}

impl Catalog {
    /// Takes one object and gives all tracks as they are now; `namespace` is the catalog track's,
    /// which tracks inherit. On an error, which says why, everything stays as it was.
    pub fn apply(&mut self, namespace: &str, payload: &[u8]) -> Result<Vec<Track>, String> {
        if payload.len() > MAX_BYTES {
            return Err(format!(
                "it has {} bytes; at most {MAX_BYTES} are accepted",
                payload.len()
            ));
        }
        let said: Value =
            serde_json::from_slice(payload).map_err(|error| format!("it is not JSON: {error}"))?;
        let root = match said {
            // draft-ietf-moq-catalogformat "Catalog Patch".
            Value::Array(operations) => self.patched(operations)?,
            Value::Object(said) if delta::is_delta(&said) => {
                let mut root = self.before()?.clone();
                delta::apply(&mut root, &said, namespace)?;
                root
            }
            Value::Object(said) => said,
            _ => return Err("it is neither a JSON object nor a list of changes".to_owned()),
        };
        if object_cost(&root) > 2 * MAX_BYTES {
            return Err("with this update the catalog is too large".to_owned());
        }
        let tracks = tracks::of(&root, namespace)?;
        self.root = Some(root);
        Ok(tracks)
    }

    /// Updates are missing: only a whole catalog is taken.
    pub fn forget(&mut self) {
        self.root = None;
    }

    fn before(&self) -> Result<&Map<String, Value>, String> {
        self.root
            .as_ref()
            .ok_or_else(|| "it is an update, and the catalog before it is not known".to_owned())
    }

    fn patched(&self, operations: Vec<Value>) -> Result<Map<String, Value>, String> {
        if operations.len() > MAX_OPERATIONS {
            return Err(format!(
                "it has {} operations; at most {MAX_OPERATIONS} are accepted",
                operations.len()
            ));
        }
        let mut document = Value::Object(self.before()?.clone());
        let mut work = 0;
        // One at a time: a few copies of copies would fill the memory.
        for operation in operations {
            let operation: Patch = serde_json::from_value(Value::Array(vec![operation]))
                .map_err(|error| format!("an operation of the patch is malformed: {error}"))?;
            patch(&mut document, &operation)
                .map_err(|error| format!("the patch does not fit the catalog: {error}"))?;
            let cost = cost(&document);
            work += cost;
            if cost > 2 * MAX_BYTES || work > MAX_WORK {
                return Err("with this update the catalog is too large".to_owned());
            }
        }
        match document {
            Value::Object(root) => Ok(root),
            _ => Err("the patch leaves no catalog".to_owned()),
        }
    }
}

fn object_cost(object: &Map<String, Value>) -> usize {
    let of = |(name, value): (&String, &Value)| name.len() + cost(value);
    VALUE_COST + object.iter().map(of).sum::<usize>()
}

/// About how many bytes a value takes.
fn cost(value: &Value) -> usize {
    match value {
        Value::Object(object) => object_cost(object),
        Value::Array(list) => VALUE_COST + list.iter().map(cost).sum::<usize>(),
        Value::String(text) => VALUE_COST + text.len(),
        _ => VALUE_COST,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
