//! How a prompt is put to a model: what stands before the picture, and what behind it.

use terminus_tokens::TextTokenizer;

use super::config::Config;
use crate::Error;

/// Stands for the picture in a template.
const IMAGE: &str = "<image>";
/// Stands for the prompt in a template.
const PROMPT: &str = "{prompt}";

/// `CogVLM`'s own, for both versions.
const COGVLM: &str = "<image>Question: {prompt} Answer:";
/// Llama 3's, with the words that JoyCaption was trained with.
const LLAMA3: &str = "<|start_header_id|>system<|end_header_id|>\n\nYou are a helpful image captioner.<|eot_id|>\
<|start_header_id|>user<|end_header_id|>\n\n<image>{prompt}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
/// Vicuna's, of LLaVA 1.5.
const VICUNA: &str = "USER: <image>\n{prompt} ASSISTANT:";

/// The text around a picture and its prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    bos: Option<i64>,
}

impl Template {
    /// # Errors
    /// A configuration without a mark of start.
    pub(crate) fn cogvlm(config: &Config) -> Result<Self, Error> {
        let bos = config.ids("bos_token_id").first().copied();
        if bos.is_none() {
            return Err(config.fault("bos_token_id", "a token's id"));
        }
        Ok(Self {
            text: COGVLM.to_owned(),
            bos,
        })
    }

    /// Llama 3's where the vocabulary has its marks, else Vicuna's.
    pub(crate) fn llava(config: &Config, tokenizer: &TextTokenizer) -> Self {
        let is_llama3 = tokenizer.id("<|start_header_id|>").is_some();
        let text = config.table("text_config").ok();
        let bos = text
            .and_then(|text| text.ids("bos_token_id").first().copied())
            .or_else(|| config.ids("bos_token_id").first().copied())
            .or_else(|| {
                let marks = ["<|begin_of_text|>", "<s>"];
                marks
                    .iter()
                    .find_map(|mark| tokenizer.id(mark))
                    .map(i64::from)
            });
        Self {
            text: if is_llama3 { LLAMA3 } else { VICUNA }.to_owned(),
            bos,
        }
    }

    /// Another text; one without a picture has it at the start.
    pub(crate) fn with_text(self, text: &str) -> Self {
        let image = if text.contains(IMAGE) { "" } else { IMAGE };
        Self {
            text: format!("{image}{text}"),
            ..self
        }
    }

    /// The tokens before the picture.
    pub(crate) fn before(&self, tokenizer: &TextTokenizer) -> Vec<i64> {
        let text = self.text.split(IMAGE).next().unwrap_or_default();
        let ids = tokenizer.encode(text).into_iter().map(i64::from);
        self.bos.into_iter().chain(ids).collect()
    }

    /// The tokens behind it.
    pub(crate) fn after(&self, prompt: &str, tokenizer: &TextTokenizer) -> Vec<i64> {
        let text = self.text.split_once(IMAGE).map_or("", |(_, text)| text);
        let text = text.replacen(PROMPT, prompt, 1);
        tokenizer.encode(&text).into_iter().map(i64::from).collect()
    }
}
