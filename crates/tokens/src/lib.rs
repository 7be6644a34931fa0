//! Text to token ids, as CLIP and its relatives do it.
