//! `terminus config`: what a recipe says, and what it may say.

use std::io::Write as _;

use serde_json::json;

use crate::{cli::ConfigVerb, context::print_json, recipe};

pub(super) fn config(verb: &ConfigVerb) -> anyhow::Result<()> {
    match verb {
        ConfigVerb::Show { recipe, json } => {
            let recipe = recipe::load(&recipe.recipe, &recipe.sets)?;
            if *json {
                print_json(&json!(recipe))
            } else {
                std::io::stdout()
                    .lock()
                    .write_all(recipe::show(&recipe).as_bytes())?;
                Ok(())
            }
        }
        ConfigVerb::Schema => print_json(&recipe::schema()),
    }
}
