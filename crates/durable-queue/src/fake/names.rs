//! Names, as a process sees them and as the medium has them, directory by directory. Knows operations.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use super::loss::{Fate, Unsynced};
use super::operation::Operation;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(u64),
    Directory,
}

/// A change of names that isn't durable yet, as one: a rename within a directory happens whole or not at all.
#[derive(Debug, Clone)]
pub(super) struct NameChange {
    pub operation: Operation,
    pub adds: Option<(Arc<Path>, Node)>,
    /// A name that goes, if it stands for this.
    pub removes: Option<(Arc<Path>, Node)>,
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<Arc<Path>, Node>) {
        if let Some((path, node)) = &self.removes
            && names.get(path) == Some(node)
        {
            names.remove(path);
        }
        if let Some((path, node)) = &self.adds {
            names.insert(Arc::clone(path), *node);
        }
    }

    /// The directory whose sync makes it durable.
    fn directory(&self) -> Option<&Path> {
        let (path, _) = self.adds.as_ref().or(self.removes.as_ref())?;
        path.parent()
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    live: BTreeMap<Arc<Path>, Node>,
    durable: BTreeMap<Arc<Path>, Node>,
    unsynced: Vec<NameChange>,
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<Node> {
        if is_root(path) { Some(Node::Directory) } else { self.live.get(path).copied() }
    }

    pub(super) fn file(&self, path: &Path) -> Option<u64> {
        match self.get(path)? {
            Node::File(inode) => Some(inode),
            Node::Directory => None,
        }
    }

    pub(super) fn is_directory(&self, path: &Path) -> bool {
        self.get(path) == Some(Node::Directory)
    }

    /// All names, sorted.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<Path>, Node)> {
        self.live.iter().map(|(path, node)| (path, *node))
    }

    /// The names in a directory, sorted.
    pub(super) fn within(&self, directory: &Path) -> impl Iterator<Item = (&Arc<Path>, Node)> {
        // What is below a directory follows it, with nothing else in between.
        self.live
            .range::<Path, _>((std::ops::Bound::Excluded(directory), std::ops::Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(directory))
            .filter(move |(path, _)| path.parent() == Some(directory))
            .map(|(path, node)| (path, *node))
    }

    pub(super) fn change(&mut self, change: NameChange) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    pub(super) fn sync(&mut self, directory: &Path) {
        let durable = &mut self.durable;
        self.unsynced.retain(|change| {
            let is_here = change.directory() == Some(directory);
            if is_here {
                change.apply(durable);
            }
            !is_here
        });
    }

    /// Power is lost: each change goes its own way, and what a directory held that isn't there is gone.
    pub(super) fn lose_power(&mut self, fate: &mut dyn FnMut(&Unsynced<'_>) -> Fate) {
        for change in std::mem::take(&mut self.unsynced) {
            if fate(&Unsynced::Name { operation: &change.operation }) == Fate::Kept {
                change.apply(&mut self.durable);
            }
        }
        let mut reached: BTreeMap<Arc<Path>, Node> = BTreeMap::new();
        // A directory comes before what is in it.
        for (path, node) in std::mem::take(&mut self.durable) {
            let has_parent = path
                .parent()
                .is_none_or(|parent| is_root(parent) || reached.get(parent) == Some(&Node::Directory));
            if has_parent {
                reached.insert(path, node);
            }
        }
        self.durable = reached;
        self.live = self.durable.clone();
    }

    /// Puts a name there, durably.
    pub(super) fn plant(&mut self, path: &Arc<Path>, node: Node) {
        self.live.insert(Arc::clone(path), node);
        self.durable.insert(Arc::clone(path), node);
    }

    /// Takes a name away, durably.
    pub(super) fn uproot(&mut self, path: &Path) {
        self.live.remove(path);
        self.durable.remove(path);
    }

    /// Hashes the names as they are, were and may become; of a file `of` says what it stands for.
    pub(super) fn hash<H: Hasher>(&self, of: impl Fn(u64) -> u64, state: &mut H) {
        let node = |node: &Node| match node {
            Node::File(inode) => Some(of(*inode)),
            Node::Directory => None,
        };
        let unsynced = self.unsynced.iter().flat_map(|change| [&change.adds, &change.removes]);
        let unsynced: Vec<_> =
            unsynced.map(|side| side.as_ref().map(|(path, file)| (path, node(file)))).collect();
        unsynced.hash(state);
        for (path, file) in self.live.iter().chain(&self.durable) {
            (path, node(file)).hash(state);
        }
    }

    /// The files that have a name, or may have one after a power loss.
    pub(super) fn files(&self) -> impl Iterator<Item = u64> {
        let unsynced = self.unsynced.iter().flat_map(|change| [&change.adds, &change.removes]).flatten();
        let nodes = self.live.values().chain(self.durable.values()).chain(unsynced.map(|(_, node)| node));
        nodes.filter_map(|node| match node {
            Node::File(inode) => Some(*inode),
            Node::Directory => None,
        })
    }
}

/// Roots are always there.
pub(super) fn is_root(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.parent().is_none()
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
