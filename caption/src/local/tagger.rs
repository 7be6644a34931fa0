//! A tagger that runs here.

use terminus_manifest::run::Cancel;

use super::batches::{Batches, each_batch};
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
    fn ask(&mut self, asks: &[Ask<'_>], cancel: &Cancel, tell: &mut Tell<'_>) -> Result<(), Error> {
        let order: Vec<usize> = (0..asks.len()).collect();
        let tagger = &self.tagger;
        let mut work = |batch: &[(usize, &[f32])]| {
            let pixels: Vec<&[f32]> = batch.iter().map(|(_, pixels)| *pixels).collect();
            if pixels.is_empty() {
                return Ok(Vec::new());
            }
            let replies = tagger.tag(&pixels)?.into_iter().map(|raw| Reply::Said {
                raw,
                tokens: None,
                finish: "stop".to_owned(),
            });
            Ok(replies.collect())
        };
        let batches = Batches {
            asks,
            order: &order,
            pictures: &self.pictures,
            input: tagger.input(),
            cancel,
        };
        each_batch(&batches, &mut self.batch_size, tell, &mut work)
    }
}
