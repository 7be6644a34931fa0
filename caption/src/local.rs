//! Models that run here: pictures are decoded and resized on threads while the device works on the batch before.

mod batches;
mod tagger;
mod vlm;

pub(crate) use tagger::LocalTagger;
pub(crate) use vlm::LocalModel;
