//! OpenCLIP's names of the second text encoder, whose three attention maps are stored as one.

use terminus_nn::View;

use super::unet::indexed;

/// The name of a parameter of transformers' in `OpenCLIP`, behind `conditioner.embedders.1.model.`, and how it is seen there.
pub(super) fn original(name: &str) -> Option<(String, View)> {
    if name == "text_projection.weight" {
        return Some(("text_projection".to_owned(), View::Transposed));
    }
    let rest = name.strip_prefix("text_model.")?;
    match rest {
        "embeddings.token_embedding.weight" => {
            return Some(("token_embedding.weight".to_owned(), View::Whole));
        }
        "embeddings.position_embedding.weight" => {
            return Some(("positional_embedding".to_owned(), View::Whole));
        }
        _ => {}
    }
    if let Some(tail) = rest.strip_prefix("final_layer_norm.") {
        return Some((format!("ln_final.{tail}"), View::Whole));
    }
    let (layer, rest) = indexed(rest.strip_prefix("encoder.layers.")?)?;
    let (part, tail) = rest.rsplit_once('.')?;
    let fused = |part| {
        let name = format!("transformer.resblocks.{layer}.attn.in_proj_{tail}");
        Some((name, View::Part { part, of: 3 }))
    };
    let part = match part {
        "self_attn.q_proj" => return fused(0),
        "self_attn.k_proj" => return fused(1),
        "self_attn.v_proj" => return fused(2),
        "self_attn.out_proj" => "attn.out_proj",
        "layer_norm1" => "ln_1",
        "layer_norm2" => "ln_2",
        "mlp.fc1" => "mlp.c_fc",
        "mlp.fc2" => "mlp.c_proj",
        _ => return None,
    };
    Some((
        format!("transformer.resblocks.{layer}.{part}.{tail}"),
        View::Whole,
    ))
}
