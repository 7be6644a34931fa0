//! The JSON Schema of recipes, and a reader's view of it.

use serde_json::{Map, Value};

use super::Recipe;

/// The JSON Schema (2020-12) of recipes, for editors and for the check of every recipe.
pub fn schema() -> Value {
    schemars::schema_for!(Recipe).to_value()
}

/// A place in a schema: the keywords that stand there and those of what it refers to.
#[derive(Clone, Copy)]
pub(super) struct Node<'s> {
    root: &'s Value,
    own: &'s Value,
    target: Option<&'s Value>,
}

impl<'s> Node<'s> {
    pub fn top(root: &'s Value) -> Self {
        Self::at(root, root)
    }

    /// Follows `$ref`, and the `anyOf` of a type and `null` that an optional field has.
    fn at(root: &'s Value, own: &'s Value) -> Self {
        let optional = own
            .get("anyOf")
            .and_then(Value::as_array)
            .and_then(|branches| {
                let mut others = branches.iter().filter(|b| !is_null(b));
                others
                    .next()
                    .filter(|_| branches.iter().any(is_null) && others.next().is_none())
            });
        let holder = optional.unwrap_or(own);
        let target = holder
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| root.pointer(reference.strip_prefix('#')?))
            .or(optional);
        Self { root, own, target }
    }

    fn keyword(self, name: &str) -> Option<&'s Value> {
        let target = self.target.and_then(|target| target.get(name));
        self.own
            .get(name)
            .filter(|_| name != "anyOf" || self.target.is_none())
            .or(target)
    }

    pub fn text(self, name: &str) -> Option<&'s str> {
        self.keyword(name)?.as_str()
    }

    /// The bound of a range, the nearer one where both the place and its type have one.
    pub fn number(self, name: &str) -> Option<f64> {
        self.keyword(name)?.as_f64()
    }

    pub fn count(self, name: &str) -> Option<usize> {
        self.keyword(name)?.as_u64().map(|count| count as usize)
    }

    /// The JSON type, `null` left out.
    pub fn kind(self) -> Option<&'s str> {
        match self.keyword("type")? {
            Value::Array(kinds) => kinds
                .iter()
                .filter_map(Value::as_str)
                .find(|k| *k != "null"),
            kind => kind.as_str(),
        }
    }

    /// The alternatives of a choice.
    pub fn branches(self) -> Option<impl Iterator<Item = Node<'s>> + Clone> {
        let list = self
            .keyword("oneOf")
            .or_else(|| self.keyword("anyOf"))?
            .as_array()?;
        Some(list.iter().map(move |branch| Node::at(self.root, branch)))
    }

    /// The words that this place allows by itself, with what they mean.
    pub fn words(self) -> impl Iterator<Item = &'s str> {
        let listed = self.keyword("enum").and_then(Value::as_array);
        let one = self.keyword("const").into_iter();
        listed
            .into_iter()
            .flatten()
            .chain(one)
            .filter_map(Value::as_str)
    }

    pub fn properties(self) -> Option<&'s Map<String, Value>> {
        self.keyword("properties")?.as_object()
    }

    pub fn property(self, key: &str) -> Option<Node<'s>> {
        Some(Node::at(self.root, self.properties()?.get(key)?))
    }

    pub fn keys(self) -> impl Iterator<Item = &'s str> {
        self.properties()
            .into_iter()
            .flat_map(|map| map.keys().map(String::as_str))
    }

    pub fn required(self) -> impl Iterator<Item = &'s str> {
        let list = self.keyword("required").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What the values of a table with free keys must be.
    pub fn values(self) -> Option<Node<'s>> {
        let schema = self.keyword("additionalProperties")?;
        schema.is_object().then(|| Node::at(self.root, schema))
    }

    /// What the items of a list must be.
    pub fn items(self) -> Option<Node<'s>> {
        Some(Node::at(self.root, self.keyword("items")?))
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}
