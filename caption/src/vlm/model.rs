//! A captioning model, ready to look at pictures.

use std::{borrow::Cow, path::Path};

use tch::{Device, Kind, Tensor};
use terminus_nn::Checkpoint;
use terminus_pixels::RgbImage;
use terminus_tokens::TextTokenizer;

use super::{
    batch::{BatchSize, Request, Requests, Said, Showing, answer_all},
    config::Config,
    decoder::Decoder,
    family::{Family, Network, Place},
    generate::Decoding,
    place::{guarded, kind_on, open_device},
    preprocess::ImageInput,
    session::Session,
    template::Template,
    trace::Trace,
};
use crate::{Error, config::VlmConfig};

/// A question about one of several pictures.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Which one.
    pub picture: usize,
    /// The words.
    pub prompt: &'q str,
    /// How its answer is put together.
    pub decoding: Decoding,
}

/// A vision-language model with its tokenizer.
#[derive(Debug)]
pub struct Model {
    network: Network,
    tokenizer: TextTokenizer,
    input: ImageInput,
    template: Template,
    stop: Vec<i64>,
    device: Device,
    kind: Kind,
    architecture: &'static str,
}

impl Model {
    /// Opens a folder in the layout of Hugging Face: `config.json`, safetensors, a tokenizer.
    ///
    /// # Errors
    /// A folder that holds no model, or one of an architecture that is not known; a shard, tensor or tokenizer that is
    /// missing or does not fit; a device that is not there.
    pub fn open(folder: &Path, settings: &VlmConfig) -> Result<Self, Error> {
        let rope_tables = None;
        Self::open_with(folder, settings, rope_tables)
    }

    /// As [`Model::open`], the angles of rotations computed in another kind than the weights'.
    pub(crate) fn open_with(
        folder: &Path,
        settings: &VlmConfig,
        rope_tables: Option<Kind>,
    ) -> Result<Self, Error> {
        let config = Config::read(folder)?;
        let device = open_device(&settings.device)?;
        let kind = kind_on(settings.precision, device);
        let architecture = config
            .value("architectures")
            .and_then(|names| names[0].as_str())
            .or_else(|| config.text("model_type"))
            .unwrap_or_default()
            .to_owned();
        let tokenizer = TextTokenizer::from_folder(folder)?;
        let mut stop = stop_ids(folder, &config)?;
        let place = Place {
            device,
            kind,
            settings,
        };
        let family = match architecture.as_str() {
            "CogVLMForCausalLM" | "cogvlm" => {
                let checkpoint = Checkpoint::open(folder)?;
                Family::cogvlm(&config, &checkpoint, &place, rope_tables.unwrap_or(kind))?
            }
            "LlavaForConditionalGeneration" | "llava" => {
                stop.extend(tokenizer.id("<|eot_id|>").map(i64::from));
                let checkpoint = Checkpoint::open(folder)?;
                Family::llava(folder, &config, checkpoint, &place, &tokenizer)?
            }
            _ => {
                return Err(Error::UnknownArchitecture {
                    path: config.path().to_owned(),
                    found: architecture,
                });
            }
        };
        if tokenizer.vocabulary_size() as i64 > family.vocabulary {
            return Err(Error::VocabularyTooSmall {
                folder: folder.to_owned(),
                tokens: tokenizer.vocabulary_size(),
                rows: family.vocabulary as usize,
            });
        }
        let template = match &settings.template {
            Some(text) => family.template.with_text(text),
            None => family.template,
        };
        Ok(Self {
            network: family.network,
            tokenizer,
            input: family.input,
            template,
            stop,
            device,
            kind,
            architecture: family.architecture,
        })
    }

    /// The family that the model belongs to.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// What the model wants a picture to be; cheap to copy, for threads.
    pub(crate) fn input(&self) -> ImageInput {
        self.input
    }

    /// A picture as numbers, `[3, side, side]`, flat.
    pub fn prepare(&self, image: &RgbImage) -> Vec<f32> {
        self.input.prepare(image)
    }

    /// What the model says to each question; all pictures at once.
    ///
    /// `pictures` are as [`Model::prepare`] makes them. One may be asked about several times, or not at all.
    ///
    /// # Errors
    /// No memory ([`Error::OutOfMemory`]), or libtorch refuses an operation; a question about a picture that is not there.
    pub fn caption(
        &self,
        pictures: &[&[f32]],
        questions: &[Question<'_>],
    ) -> Result<Vec<Said>, Error> {
        self.caption_many(pictures, questions, pictures.len())
    }

    /// [`Model::caption`], `at_once` pictures at a time: the next one takes the place of one whose answers are at their end.
    ///
    /// # Errors
    /// As [`Model::caption`].
    pub fn caption_many(
        &self,
        pictures: &[&[f32]],
        questions: &[Question<'_>],
        at_once: usize,
    ) -> Result<Vec<Said>, Error> {
        let mut asked: Vec<Vec<Request>> = vec![Vec::new(); pictures.len()];
        for (number, question) in questions.iter().enumerate() {
            let asked = asked.get_mut(question.picture);
            let asked = asked.ok_or_else(|| Error::Computing {
                message: format!("picture {} was not shown", question.picture),
            })?;
            asked.push(self.request(number, question.prompt, question.decoding));
        }
        let size = BatchSize::new(at_once, &asked.concat());
        let showings = pictures.iter().zip(asked);
        let showings = showings.filter(|(_, requests)| !requests.is_empty());
        let mut all = All {
            showings: showings.map(|(&pixels, requests)| Showing {
                pixels: Cow::Borrowed(pixels),
                requests,
            }),
            said: vec![None; questions.len()],
        };
        answer_all(self, &mut all, size)?;
        Ok(all.said.into_iter().flatten().collect())
    }

    /// A question in the model's tokens.
    pub(crate) fn request(&self, number: usize, prompt: &str, decoding: Decoding) -> Request {
        Request {
            number,
            question: self.question(prompt),
            decoding,
        }
    }

    /// Pictures before a model, with room for `room` tokens of questions and answers.
    pub(super) fn open_session(
        &self,
        pictures: &[&[f32]],
        room: usize,
        trace: &mut Trace<'_>,
    ) -> Result<Session<'_>, Error> {
        let pixels = self.pixels(pictures)?;
        trace.see(|| "pixels".to_owned(), &pixels);
        let before = self.template.before(&self.tokenizer);
        let opening = self.network.opening(&before, &pixels, trace);
        Session::open(self.decoder(), opening, room as i64, trace)
    }

    /// Every stage of one forward pass over these pictures, given to `each` by name, and the logits behind the prompts.
    ///
    /// # Errors
    /// As [`Model::caption`].
    pub fn trace(
        &self,
        pictures: &[&[f32]],
        prompts: &[&str],
        each: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<(), Error> {
        guarded(|| {
            let mut trace = Trace::new(each);
            let questions: Vec<Vec<i64>> =
                prompts.iter().map(|prompt| self.question(prompt)).collect();
            let questions: Vec<&[i64]> = questions.iter().map(Vec::as_slice).collect();
            let longest = questions.iter().map(|each| each.len()).max().unwrap_or(0);
            let mut session = self.open_session(pictures, longest, &mut trace)?;
            let all: Vec<i64> = (0..pictures.len() as i64).collect();
            let logits = session.ask(&all, &questions, &mut trace)?;
            trace.see(|| "logits".to_owned(), &logits);
            Ok(())
        })
    }

    fn pixels(&self, pictures: &[&[f32]]) -> Result<Tensor, Error> {
        let side = i64::from(self.input.side_px);
        let flat = pictures.concat();
        let pixels = Tensor::f_from_slice(&flat).map_err(terminus_nn::Error::from)?;
        let pixels = pixels
            .f_reshape([pictures.len() as i64, 3, side, side])
            .and_then(|pixels| pixels.f_to_device(self.device))
            .and_then(|pixels| pixels.f_to_kind(self.kind));
        Ok(pixels.map_err(terminus_nn::Error::from)?)
    }

    pub(super) fn question(&self, prompt: &str) -> Vec<i64> {
        self.template.after(prompt, &self.tokenizer)
    }

    pub(super) fn decoder(&self) -> &Decoder {
        self.network.decoder()
    }

    pub(super) fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// The tokens that end an answer.
    pub(super) fn stop(&self) -> &[i64] {
        &self.stop
    }
}

/// Requests that are all there.
struct All<I> {
    showings: I,
    said: Vec<Option<Said>>,
}

impl<'p, I: Iterator<Item = Showing<'p>>> Requests<'p> for All<I> {
    fn next(&mut self) -> Result<Option<Showing<'p>>, Error> {
        Ok(self.showings.next())
    }

    fn tell(&mut self, number: usize, said: Said) -> Result<Option<Request>, Error> {
        self.said[number] = Some(said);
        Ok(None)
    }
}

/// The tokens that end an answer: `config.json`'s and `generation_config.json`'s.
fn stop_ids(folder: &Path, config: &Config) -> Result<Vec<i64>, Error> {
    let mut stop = config.ids("eos_token_id");
    if let Ok(text) = config.table("text_config") {
        stop.extend(text.ids("eos_token_id"));
    }
    if let Some(generation) = Config::read_beside(folder, "generation_config.json")? {
        stop.extend(generation.ids("eos_token_id"));
    }
    stop.sort_unstable();
    stop.dedup();
    Ok(stop)
}
