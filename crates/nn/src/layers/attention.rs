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
