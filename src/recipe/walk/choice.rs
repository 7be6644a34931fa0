//! Places that take one of several things.

use toml::de::{DeTable, DeValue};

use super::{At, Node, Walk, allowed, nearest, quoted, seen};
use crate::recipe::{allowed::one_of, fault::Draft};

impl<'s> Walk<'s, '_> {
    pub(super) fn choice(
        &mut self,
        node: Node<'s>,
        branches: impl Iterator<Item = Node<'s>> + Clone,
        value: &mut DeValue,
        at: &At,
    ) -> bool {
        let words: Vec<&str> = branches.clone().flat_map(Node::words).collect();
        let tables: Vec<Node> = branches
            .filter(|branch| branch.properties().is_some())
            .collect();
        match value {
            DeValue::String(word) if !words.is_empty() => match word_fault(word, &words, at) {
                Some(fault) => self.reject(fault),
                None => true,
            },
            DeValue::Table(table) if !tables.is_empty() => match tag_of(&tables) {
                Some(tag) => self.tagged(tag, &tables, table, at),
                None => self.one_key(&tables, table, at),
            },
            _ => {
                let message = format!("found {}, expected {}", seen(value), allowed(node));
                self.reject(at.fault(message))
            }
        }
    }

    /// A table whose `tag` says which of the branches it is.
    fn tagged(&mut self, tag: &str, branches: &[Node<'s>], table: &mut DeTable, at: &At) -> bool {
        let word_of = |branch: &Node<'s>| branch.property(tag).and_then(|tag| tag.words().next());
        let words: Vec<&str> = branches.iter().filter_map(word_of).collect();
        let Some((key, value)) = table.get_key_value(tag) else {
            let list = one_of(words.iter().copied().map(quoted));
            let fault = Draft::new(at.offset, &at.path.key(tag), "is missing");
            return self.reject(fault.hint(format!("it is {list}")));
        };
        let at_tag = At {
            offset: key.span().start,
            path: at.path.key(tag),
        };
        let DeValue::String(word) = value.get_ref() else {
            let list = one_of(words.iter().copied().map(quoted));
            let message = format!("found {}, expected {list}", seen(value.get_ref()));
            return self.reject(at_tag.fault(message));
        };
        match branches.iter().find(|branch| word_of(branch) == Some(word)) {
            Some(branch) => self.table(*branch, table, at),
            None => match word_fault(word, &words, &at_tag) {
                Some(fault) => self.reject(fault),
                None => false,
            },
        }
    }

    /// A table of one key, which says which of the branches it is.
    fn one_key(&mut self, branches: &[Node<'s>], table: &mut DeTable, at: &At) -> bool {
        let branch_of = |key: &str| {
            branches
                .iter()
                .find(|branch| branch.property(key).is_some())
        };
        let known: Vec<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
        let known: Vec<&str> = known
            .into_iter()
            .filter(|key| branch_of(key).is_some())
            .collect();
        let keys = || branches.iter().copied().flat_map(Node::keys);
        match known.as_slice() {
            [key] => {
                let branch = branch_of(key).copied();
                branch.is_some_and(|branch| self.table(branch, table, at))
                    // what was said with that key may have been cut
                    && !table.is_empty()
            }
            [] if table.is_empty() => {
                let list = one_of(keys().map(quoted));
                self.reject(at.fault(format!("is empty: expected one of {list}")))
            }
            [] => {
                for key in table.keys() {
                    let hint = nearest(key.get_ref(), keys()).map_or_else(
                        || format!("the keys here are {}", one_of(keys().map(quoted))),
                        |meant| format!("did you mean `{meant}`?"),
                    );
                    let path = at.path.key(key.get_ref());
                    let fault = Draft::new(key.span().start, &path, "unknown key");
                    self.faults.push(fault.hint(hint));
                }
                false
            }
            several => {
                let list: Vec<_> = several.iter().copied().map(quoted).collect();
                let message = format!("has {}: just one of them is expected", list.join(" and "));
                let hint = format!("write {{ {} = … }} in its place", several[0]);
                self.reject(at.fault(message).hint(hint))
            }
        }
    }
}

/// What is wrong with a word that stands where one of `words` is expected.
pub(super) fn word_fault(word: &str, words: &[&str], at: &At) -> Option<Draft> {
    if words.contains(&word) {
        return None;
    }
    let list = one_of(words.iter().copied().map(quoted));
    let meant = nearest(word, words.iter().copied());
    let fault = at.fault(format!("found `{word}`, expected {list}"));
    Some(fault.maybe_hint(meant.map(|meant| format!("did you mean `{meant}`?"))))
}

/// The key whose one allowed word differs from branch to branch.
fn tag_of<'s>(branches: &[Node<'s>]) -> Option<&'s str> {
    let (first, rest) = branches.split_first()?;
    let says = |branch: &Node, key: &str| {
        branch
            .property(key)
            .is_some_and(|node| node.words().next().is_some())
    };
    first
        .keys()
        .find(|key| says(first, key) && rest.iter().all(|branch| says(branch, key)))
}
