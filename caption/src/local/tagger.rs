//! A tagger that runs here.

use terminus_manifest::run::Cancel;

use super::batches::{Preparing, Shown, each_batch};
use crate::{
    Error,
    config::TaggerConfig,
    picture::Pictures,
    speaker::{Ask, Reply, Speaker, Tell},
    vlm::Tagger,
};

/// The tagger with its batches.
#[derive(Debug)]
pub(crate) struct LocalTagger {
    tagger: Tagger,
    pictures: Pictures,
    batch_size: usize,
}

impl LocalTagger {
    pub(crate) fn open(config: &TaggerConfig, pictures: Pictures) -> Result<Self, Error> {
        Ok(Self {
            tagger: Tagger::open(config)?,
            pictures,
            batch_size: config.batch_size.get() as usize,
        })
    }
}

impl Speaker for LocalTagger {
    fn ask<'a>(
        &mut self,
        asks: &[Ask<'a>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let tagger = &self.tagger;
        let mut work = |batch: &[Shown<'_>], tell: &mut Tell<'_, 'a>| {
            let pixels: Vec<&[f32]> = batch.iter().map(|shown| shown.pixels).collect();
            for (shown, raw) in batch.iter().zip(tagger.tag(&pixels)?) {
                let reply = Reply::Said {
                    raw,
                    tokens: None,
                    finish: "stop".to_owned(),
                };
                for &at in shown.asks {
                    tell(at, reply.clone())?;
                }
            }
            Ok(())
        };
        let preparing = Preparing {
            pictures: &self.pictures,
            input: tagger.input(),
            at_once: self.batch_size,
        };
        let size = &mut self.batch_size;
        each_batch(asks, preparing, size, cancel, tell, &mut work)
    }
}
