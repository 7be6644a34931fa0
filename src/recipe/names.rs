//! Names that refer to names: collections to captioners, and collections apart from each other.
//!
//! These are asked of the tree before anything is cut from it, so that a fault elsewhere in a collection or a
//! captioner hides none of theirs.

use terminus_caption::config::BUILT_IN;
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    document::{Document, name_of},
    fault::{Draft, Faults},
    key::KeyPath,
    near::nearest,
};

/// Faults names that are given twice, and names of captioners that are not defined.
pub(super) fn check(document: &Document, faults: &mut Faults) {
    let root = document.root();
    let captioners: Vec<&Spanned<DeString>> = match root.get("captioner").map(Spanned::get_ref) {
        Some(DeValue::Table(table)) => table.keys().collect(),
        _ => Vec::new(),
    };
    if let Some(name) = captioners.iter().find(|name| name.get_ref() == BUILT_IN) {
        let key = KeyPath::of("captioner").key(BUILT_IN);
        let fault = Draft::new(name.span().start, &key, "is built in");
        faults.push(fault.hint("give yours another name"));
    }
    let mut names: Vec<&str> = Vec::new();
    for (index, table) in collections(root) {
        let name = name_of(table);
        let key = KeyPath::of("collection").item(index, name);
        if let (Some(name), Some(value)) = (name, table.get("name")) {
            if names.contains(&name) {
                let message = format!("another collection is named `{name}`");
                let fault = Draft::new(value.span().start, &key.key("name"), message);
                faults.push(fault.hint("items are known by the name of their collection"));
            }
            names.push(name);
        }
        if let Some(value) = table.get("captioner") {
            faults.extend(undefined(value, &captioners, &key.key("captioner")));
        }
        let more = table.get("more_captioners");
        for value in more
            .iter()
            .filter_map(|more| more.get_ref().as_array())
            .flat_map(|more| more.iter())
        {
            faults.extend(undefined(value, &captioners, &key.key("more_captioners")));
        }
    }
}

fn collections<'a, 'i>(root: &'a DeTable<'i>) -> impl Iterator<Item = (usize, &'a DeTable<'i>)> {
    let list = root
        .get("collection")
        .and_then(|list| list.get_ref().as_array());
    let items = list.into_iter().flat_map(|list| list.iter().enumerate());
    items.filter_map(|(index, item)| Some((index, item.get_ref().as_table()?)))
}

fn undefined(
    value: &Spanned<DeValue>,
    captioners: &[&Spanned<DeString>],
    key: &KeyPath,
) -> Option<Draft> {
    let name = value.get_ref().as_str()?;
    let known = || {
        captioners
            .iter()
            .map(|name| name.get_ref().as_ref())
            .chain([BUILT_IN])
    };
    if known().any(|known| known == name) {
        return None;
    }
    let hint = nearest(name, known()).map_or_else(
        || format!("define it in `[captioner.{name}]`, or use the built-in `{BUILT_IN}`"),
        |meant| format!("did you mean `{meant}`?"),
    );
    let message = format!("there is no captioner `{name}`");
    Some(Draft::new(value.span().start, key, message).hint(hint))
}
