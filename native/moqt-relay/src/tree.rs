//! Values filed under namespaces, found by prefix in either direction.

use bytes::Bytes;
use moqt::wire::name::Namespace;
use std::collections::HashMap;

/// A tree over namespace fields. Depth is bounded by the draft's 32 fields; empty branches are
/// pruned, so memory follows what is filed.
#[derive(Debug)]
pub(crate) struct NamespaceTree<V> {
    root: Node<V>,
}

#[derive(Debug)]
struct Node<V> {
    values: Vec<V>,
    children: HashMap<Bytes, Node<V>>,
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Node {
            values: Vec::new(),
            children: HashMap::new(),
        }
    }
}

impl<V> Default for NamespaceTree<V> {
    fn default() -> Self {
        NamespaceTree {
            root: Node::default(),
        }
    }
}

impl<V> NamespaceTree<V> {
    /// Files `value` under `namespace` and tells how many values were there before.
    pub(crate) fn insert(&mut self, namespace: &Namespace, value: V) -> usize {
        let mut node = &mut self.root;
        for field in namespace.fields() {
            node = node.children.entry(field.clone()).or_default();
        }
        node.values.push(value);
        node.values.len() - 1
    }

    /// Removes the values under exactly `namespace` that `which` names; gives how many went and
    /// how many are left.
    pub(crate) fn remove(
        &mut self,
        namespace: &Namespace,
        which: impl FnMut(&V) -> bool,
    ) -> (usize, usize) {
        fn walk<V>(
            node: &mut Node<V>,
            fields: &[Bytes],
            mut which: impl FnMut(&V) -> bool,
        ) -> (usize, usize) {
            let Some((first, rest)) = fields.split_first() else {
                let before = node.values.len();
                node.values.retain(|value| !which(value));
                return (before - node.values.len(), node.values.len());
            };
            let Some(child) = node.children.get_mut(first) else {
                return (0, 0);
            };
            let result = walk(child, rest, &mut which as &mut dyn FnMut(&V) -> bool);
            if child.values.is_empty() && child.children.is_empty() {
                node.children.remove(first);
            }
            result
        }
        let mut which = which;
        walk(
            &mut self.root,
            namespace.fields(),
            &mut which as &mut dyn FnMut(&V) -> bool,
        )
    }

    /// The values filed under `namespace` or one of its parents, shortest first.
    pub(crate) fn matching<'a>(&'a self, namespace: &'a Namespace) -> impl Iterator<Item = &'a V> {
        let mut next = Some(&self.root);
        let mut fields = namespace.fields().iter();
        std::iter::from_fn(move || {
            let node = next?;
            next = fields.next().and_then(|field| node.children.get(field));
            Some(&node.values)
        })
        .flatten()
    }

    /// Calls `visit` for every namespace at or under `prefix` that has values, until it gives
    /// false.
    pub(crate) fn under(&self, prefix: &Namespace, mut visit: impl FnMut(Namespace, &[V]) -> bool) {
        fn walk<V>(
            node: &Node<V>,
            path: &mut Vec<Bytes>,
            visit: &mut dyn FnMut(Namespace, &[V]) -> bool,
        ) -> bool {
            if !node.values.is_empty() {
                // The path was a valid namespace when it was filed.
                let Ok(namespace) = Namespace::new(path.iter().cloned()) else {
                    return true;
                };
                if !visit(namespace, &node.values) {
                    return false;
                }
            }
            for (field, child) in &node.children {
                path.push(field.clone());
                let more = walk(child, path, visit);
                path.pop();
                if !more {
                    return false;
                }
            }
            true
        }
        let mut node = &self.root;
        for field in prefix.fields() {
            match node.children.get(field) {
                Some(child) => node = child,
                None => return,
            }
        }
        walk(node, &mut prefix.fields().to_vec(), &mut visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> Namespace {
        let fields = text.split('/').filter(|f| !f.is_empty());
        Namespace::new(fields.map(|f| Bytes::copy_from_slice(f.as_bytes()))).expect("a namespace")
    }

    #[test]
    fn finds_parents_and_children_but_not_neighbours() {
        let mut tree = NamespaceTree::default();
        assert_eq!(tree.insert(&ns("foo"), 1), 0);
        tree.insert(&ns("foo/bar"), 2);
        assert_eq!(tree.insert(&ns("foo/bar"), 3), 1);
        tree.insert(&ns("foobar"), 4);
        tree.insert(&ns(""), 5);
        let up: Vec<i32> = tree.matching(&ns("foo/bar/baz")).copied().collect();
        assert_eq!(up, [5, 1, 2, 3]);
        let up: Vec<i32> = tree.matching(&ns("other")).copied().collect();
        assert_eq!(up, [5]);
        let mut down = Vec::new();
        tree.under(&ns("foo"), |name, values| {
            down.push((name.to_string(), values.len()));
            true
        });
        down.sort();
        assert_eq!(down, [("foo".to_owned(), 1), ("foo-bar".to_owned(), 2)]);
        let mut count = 0;
        tree.under(&ns(""), |_, _| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2, "the visitor stops the walk");
    }

    #[test]
    fn removal_prunes_empty_branches() {
        let mut tree = NamespaceTree::default();
        tree.insert(&ns("a/b/c"), 1);
        tree.insert(&ns("a"), 2);
        assert_eq!(tree.remove(&ns("a/b/c"), |v| *v == 9), (0, 1));
        assert_eq!(tree.remove(&ns("a/b/c"), |v| *v == 1), (1, 0));
        assert_eq!(tree.remove(&ns("x"), |_| true), (0, 0));
        assert!(tree.root.children[&Bytes::from_static(b"a")]
            .children
            .is_empty());
        assert_eq!(tree.remove(&ns("a"), |_| true), (1, 0));
        assert!(tree.root.children.is_empty());
    }
}
