//! JSON Schemas of the contract's own types: `terminus-manifest` knows nothing of recipes.

use schemars::{Schema, SchemaGenerator, json_schema};

pub(super) fn shape(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [
        { "const": "square", "description": "squares of the target side" },
        {
            "const": "aspect",
            "description": "the bucket whose aspect is nearest the picture's, of about target² pixels",
        },
    ] })
}

pub(super) fn share_below_one(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "number", "minimum": 0, "exclusiveMaximum": 1 })
}

pub(super) fn share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
}

pub(super) fn anchor_ratio(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [
        {
            "type": "object",
            "description": "anchors ÷ all samples of an epoch",
            "properties": {
                "share_of_all": { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
            },
            "required": ["share_of_all"],
            "additionalProperties": false,
        },
        {
            "type": "object",
            "description": "anchors ÷ train samples of an epoch",
            "properties": {
                "ratio_to_train": { "type": "number", "minimum": 0, "maximum": 1 },
            },
            "required": ["ratio_to_train"],
            "additionalProperties": false,
        },
    ] })
}

pub(super) fn collection_rules(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "oneOf": [
            {
                "type": "object",
                "description": "this share of the places of its role",
                "properties": {
                    "share": { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
                },
                "required": ["share"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "description": "of what is left, by samples times this weight",
                "properties": {
                    "weight": { "type": "number", "exclusiveMinimum": 0, "maximum": 1000 },
                },
                "required": ["weight"],
                "additionalProperties": false,
            },
        ] },
    })
}
