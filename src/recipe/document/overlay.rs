//! Laying an override over a recipe's tree.

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{name_of_item, sources::Set};
use crate::recipe::{
    fault::{Draft, Faults},
    key::KeyPath,
    near::nearest,
};

/// Puts what `set` says into `base`.
///
/// Dotted keys reach into tables, and into lists of tables by the `name` or the number of the one that is meant;
/// a value replaces what was there, an inline table too.
pub(super) fn lay_over<'i>(
    base: &mut DeTable<'i>,
    over: DeTable<'i>,
    set: &Set,
    faults: &mut Faults,
) {
    Overlay { set, faults }.table(base, over, &KeyPath::default());
}

struct Overlay<'a> {
    set: &'a Set,
    faults: &'a mut Faults,
}

impl Overlay<'_> {
    fn table<'i>(&mut self, base: &mut DeTable<'i>, over: DeTable<'i>, path: &KeyPath) {
        for (key, value) in over {
            let path = path.key(key.get_ref());
            let found = base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut);
            match (found, self.is_value(&value)) {
                (Some(DeValue::Table(base)), false) => {
                    if let DeValue::Table(over) = value.into_inner() {
                        self.table(base, over, &path);
                    }
                }
                (Some(DeValue::Array(items)), false)
                    if items.iter().all(|i| i.get_ref().is_table()) =>
                {
                    if let DeValue::Table(over) = value.into_inner() {
                        self.items(items, over, &path);
                    }
                }
                _ => {
                    base.remove(key.get_ref().as_ref());
                    base.insert(key, value);
                }
            }
        }
    }

    fn items<'i>(&mut self, items: &mut [Spanned<DeValue<'i>>], over: DeTable<'i>, path: &KeyPath) {
        for (key, value) in over {
            let Some(index) = position(items, &key) else {
                self.faults.push(no_such_item(items, &key, path));
                continue;
            };
            let path = path.item(index, name_of_item(&items[index]));
            match (items[index].get_mut(), value.into_inner()) {
                (DeValue::Table(base), DeValue::Table(over)) => self.table(base, over, &path),
                (base, over) => *base = over,
            }
        }
    }

    /// Whether this is what the override puts there, rather than a table on the way of its dotted key.
    fn is_value(&self, value: &Spanned<DeValue>) -> bool {
        let written = self.set.padded().get(value.span());
        !value.get_ref().is_table() || written.is_some_and(|text| text.starts_with('{'))
    }
}

fn position(items: &[Spanned<DeValue>], key: &Spanned<DeString>) -> Option<usize> {
    let named = items
        .iter()
        .position(|item| name_of_item(item) == Some(key.get_ref()));
    named.or_else(|| {
        key.get_ref()
            .parse()
            .ok()
            .filter(|index| *index < items.len())
    })
}

fn no_such_item(items: &[Spanned<DeValue>], key: &Spanned<DeString>, path: &KeyPath) -> Draft {
    let names: Vec<_> = items.iter().filter_map(name_of_item).collect();
    let meant = nearest(key.get_ref(), names.iter().copied());
    let hint = meant.map_or_else(
        || format!("those of the recipe are `{}`", names.join("`, `")),
        |name| format!("did you mean `{name}`?"),
    );
    let message = format!("nothing here has the name or number `{}`", key.get_ref());
    Draft::new(key.span().start, path, message).hint(hint)
}
