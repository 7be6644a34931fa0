//! Attention over heads (Vaswani et al. 2017, arXiv:1706.03762) by libtorch's fused kernels.
// B batch, S tokens of the queries, T tokens of keys and values, N heads, D size of a head

use tch::Tensor;

/// `softmax(q·kᵀ/√D)·v`: `[B, N, S, D]`, `[B, N, T, D]` twice, to `[B, N, S, D]`.
pub fn scaled_dot_product_attention(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    Tensor::scaled_dot_product_attention::<Tensor>(query, key, value, None, 0.0, false, None, false)
}

/// [`scaled_dot_product_attention`] in which a token sees itself and those before it.
pub fn causal_attention(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    Tensor::scaled_dot_product_attention::<Tensor>(query, key, value, None, 0.0, true, None, false)
}

/// Which tokens a token sees.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// All of them.
    Full,
    /// Itself and those before it; queries and keys are of the same tokens.
    Causal,
    /// What is added to the products, `[B, 1, S, T]`: 0 where it sees.
    Added(&'a Tensor),
}

/// Attention in which a head of keys may serve several heads of queries (Ainslie et al. 2023, arXiv:2305.13245):
/// `[B, N, S, D]`, `[B, K, T, D]` twice, `K` dividing `N`, to `[B, N, S, D]`.
pub fn attention(query: &Tensor, key: &Tensor, value: &Tensor, mask: Mask<'_>) -> Tensor {
    let (heads, kept) = (query.size()[1], key.size()[1]);
    let (added, is_causal) = match mask {
        Mask::Full => (None, false),
        Mask::Causal => (None, true),
        Mask::Added(mask) => (Some(mask), false),
    };
    if heads != kept && query.size()[2] == 1 {
        // One token: the queries that share a head of keys stand in for the tokens, and no key is copied.
        let size = query.size(); // [B, N, 1, D]
        let grouped = query.reshape([size[0], kept, heads / kept, size[3]]);
        let attended = Tensor::scaled_dot_product_attention(
            &grouped, key, value, added, 0.0, false, None, false,
        );
        return attended.reshape(&size);
    }
    Tensor::scaled_dot_product_attention(
        query,
        key,
        value,
        added,
        0.0,
        is_causal,
        None,
        heads != kept,
    )
}

/// `[B, S, N·D]` to `[B, N, S, D]`.
pub fn split_heads(xs: &Tensor, heads: i64) -> Tensor {
    let size = xs.size(); // [B, S, N·D]
    xs.reshape([size[0], size[1], heads, size[2] / heads])
        .transpose(1, 2)
}

/// `[B, N, S, D]` to `[B, S, N·D]`.
pub fn merge_heads(xs: &Tensor) -> Tensor {
    let size = xs.size(); // [B, N, S, D]
    xs.transpose(1, 2)
        .reshape([size[0], size[2], size[1] * size[3]])
}
