//! A captioning model, ready to look at pictures.

use std::path::Path;

use tch::{Device, Kind, Tensor};
use terminus_nn::Checkpoint;
use terminus_pixels::RgbImage;
use terminus_tokens::TextTokenizer;

use super::{
    config::Config,
    decoder::Decoder,
    family::{Family, Network, Place},
    place::{guarded, kind_on, open_device},
    preprocess::ImageInput,
    session::{Opening, Session},
    sitting::{Question, Said, Sitting},
    template::Template,
    trace::Trace,
};
use crate::{Error, config::VlmConfig};

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

    /// Shows pictures, so that questions can be asked about them; there is room for `room` tokens of questions and answers.
    ///
    /// `pictures` are as [`Model::prepare`] makes them.
    ///
    /// # Errors
    /// No memory ([`Error::OutOfMemory`]), or libtorch refuses an operation.
    pub fn show(&self, pictures: &[&[f32]], room: usize) -> Result<Sitting<'_>, Error> {
        guarded(|| {
            let pixels = self.pixels(pictures)?;
            let opening = self.opening(&pixels, &mut Trace::none());
            let decoder = self.decoder();
            let session = Session::open(decoder, opening, room as i64, &mut Trace::none())?;
            Ok(Sitting::new(self, session))
        })
    }

    /// How many tokens these questions and their answers take: all rows are as long as the longest question, and as the
    /// longest answer.
    pub fn room(&self, questions: &[Question<'_>]) -> usize {
        let lengths = questions
            .iter()
            .map(|asked| self.question_length(asked.prompt));
        let answers = questions.iter().map(|asked| asked.decoding.max_new_tokens);
        lengths.max().unwrap_or(0) + answers.max().unwrap_or(0)
    }

    /// What the model says: [`Model::show`], and all questions at once.
    ///
    /// # Errors
    /// As [`Model::show`].
    pub fn caption(
        &self,
        pictures: &[&[f32]],
        questions: &[Question<'_>],
    ) -> Result<Vec<Said>, Error> {
        self.show(pictures, self.room(questions))?.ask(questions)
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
            let pixels = self.pixels(pictures)?;
            let mut trace = Trace::new(each);
            trace.see(|| "pixels".to_owned(), &pixels);
            let opening = self.opening(&pixels, &mut trace);
            let questions: Vec<Vec<i64>> =
                prompts.iter().map(|prompt| self.question(prompt)).collect();
            let longest = questions.iter().map(Vec::len).max().unwrap_or(0);
            let decoder = self.decoder();
            let mut session = Session::open(decoder, opening, longest as i64, &mut trace)?;
            let all: Vec<i64> = (0..pictures.len() as i64).collect();
            let logits = session.ask(&all, &questions, &mut trace);
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

    fn opening(&self, pixels: &Tensor, trace: &mut Trace<'_>) -> Opening {
        let before = self.template.before(&self.tokenizer);
        self.network.opening(&before, pixels, trace)
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

    /// How many tokens a prompt becomes: rows of one length need no padding.
    pub(crate) fn question_length(&self, prompt: &str) -> usize {
        self.question(prompt).len()
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
