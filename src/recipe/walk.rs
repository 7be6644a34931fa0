//! Holding a recipe's tree against its schema: keys, types, ranges and words.
//!
//! One walk serves every struct of every stage, because each derives its schema. What is faulted is cut out.

mod choice;
mod scalar;

use toml::de::{DeArray, DeTable, DeValue};

use super::{
    allowed::{allowed, quoted, seen},
    document::{Document, name_of_item},
    fault::{Draft, Faults},
    key::KeyPath,
    near::nearest,
    schema::{Node, schema},
};

/// Faults and cuts out everything in `document` that its schema does not allow.
pub(super) fn check(document: &mut Document, faults: &mut Faults) {
    let schema = schema();
    let top = Node::top(&schema);
    let at = At {
        offset: 0,
        path: KeyPath::default(),
    };
    Walk { top, faults }.table(top, document.root_mut(), &at);
}

/// Where the walk is.
struct At {
    /// Where the text shows it: at its key, or at the item of a list.
    offset: usize,
    path: KeyPath,
}

impl At {
    fn fault(&self, message: impl Into<String>) -> Draft {
        Draft::new(self.offset, &self.path, message)
    }
}

struct Walk<'s, 'f> {
    top: Node<'s>,
    faults: &'f mut Faults,
}

impl<'s> Walk<'s, '_> {
    /// Whether `value` may stay where it is.
    fn value(&mut self, node: Node<'s>, value: &mut DeValue, at: &At) -> bool {
        if let Some(branches) = node.branches() {
            return self.choice(node, branches, value, at);
        }
        match (node.kind(), value) {
            (None, _) | (Some("boolean"), DeValue::Boolean(_)) => true,
            (Some("object"), DeValue::Table(table)) => self.table(node, table, at),
            (Some("array"), DeValue::Array(items)) => self.list(node, items, at),
            (_, value) => match scalar::fault_of(node, value, at) {
                Some(fault) => self.reject(fault),
                None => true,
            },
        }
    }

    fn reject(&mut self, fault: Draft) -> bool {
        self.faults.push(fault);
        false
    }

    fn table(&mut self, node: Node<'s>, table: &mut DeTable, at: &At) -> bool {
        let missing: Vec<&str> = node
            .required()
            .filter(|key| !table.contains_key(*key))
            .collect();
        let mut meant = Vec::new();
        let checked = std::mem::take(table)
            .into_iter()
            .filter_map(|(key, mut value)| {
                let at = At {
                    offset: key.span().start,
                    path: at.path.key(key.get_ref()),
                };
                let known = node.property(key.get_ref()).or_else(|| node.values());
                let stays = if let Some(inner) = known {
                    self.value(inner, value.get_mut(), &at)
                } else {
                    meant.extend(self.unknown_key(node, key.get_ref(), &at));
                    false
                };
                stays.then_some((key, value))
            });
        *table = checked.collect();
        for key in missing.into_iter().filter(|key| !meant.contains(key)) {
            let what = node.property(key).and_then(|node| node.text("description"));
            let fault = Draft::new(at.offset, &at.path.key(key), "is missing");
            self.faults.push(fault.maybe_hint(what.map(as_hint)));
        }
        node.required().all(|key| table.contains_key(key))
    }

    fn list<'i>(&mut self, node: Node<'s>, items: &mut DeArray<'i>, at: &At) -> bool {
        let (least, most) = (node.count("minItems"), node.count("maxItems"));
        if least.is_some_and(|n| items.len() < n) || most.is_some_and(|n| items.len() > n) {
            let message = match items.len() {
                0 => "is empty: at least one item is expected".to_owned(),
                n => format!("has {n} items: {} is expected", allowed(node)),
            };
            return self.reject(at.fault(message));
        }
        let Some(inner) = node.items() else {
            return true;
        };
        let mut all_stay = true;
        let checked = std::mem::replace(items, DeArray::new())
            .into_iter()
            .enumerate()
            .filter_map(|(index, mut item)| {
                let at = At {
                    offset: item.span().start,
                    path: at.path.item(index, name_of_item(&item)),
                };
                let stays = self.value(inner, item.get_mut(), &at);
                all_stay &= stays;
                stays.then_some(item)
            });
        *items = checked.collect();
        // A list of exact length that lost an item would be faulted again for its length.
        all_stay || most.is_none()
    }

    /// Faults a key that this table does not have; gives the one that it may have meant.
    fn unknown_key(&mut self, node: Node<'s>, key: &str, at: &At) -> Option<&'s str> {
        let meant = nearest(key, node.keys());
        let hint = match (meant, home_of(self.top, node, key)) {
            (Some(meant), None) => format!("did you mean `{meant}`?"),
            (Some(meant), Some(home)) => format!("did you mean `{meant}`? `{key}` belongs {home}"),
            (None, Some(home)) => format!("`{key}` belongs {home}"),
            (None, None) => {
                let keys: Vec<_> = node.keys().map(quoted).collect();
                format!("the keys here are {}", keys.join(", "))
            }
        };
        self.faults.push(at.fault("unknown key").hint(hint));
        meant
    }
}

/// Where else in a recipe a table has this very key.
fn home_of(top: Node, here: Node, key: &str) -> Option<String> {
    let below = |node: Node, table: &str| {
        let inner = node.property(table)?;
        let inner = inner.items().unwrap_or(inner);
        inner.property(key).is_some().then(|| table.to_owned())
    };
    if let Some(table) = here.keys().find_map(|table| below(here, table)) {
        return Some(format!("in its `{table}`"));
    }
    if top.property(key).is_some() {
        return Some("at the top of the recipe, before its first table".to_owned());
    }
    let table = top.keys().find_map(|table| below(top, table))?;
    Some(match top.property(&table)?.items() {
        Some(_) => format!("in `[[{table}]]`"),
        None => format!("in `[{table}]`"),
    })
}

/// The first sentence of a description, in the way of hints.
fn as_hint(description: &str) -> String {
    let sentence = description
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let mut letters = sentence.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}
