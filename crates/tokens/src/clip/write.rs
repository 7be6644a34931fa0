//! A tokenizer's folder in the layout of diffusers, written.

use std::path::Path;

use fs_err as fs;
use serde_json::{Map, Value, json};

use super::read::{CONFIG, MERGES, SPECIAL, VOCAB};
use super::{ClipTokenizer, SpecialTokens};
use crate::TokenError;

impl ClipTokenizer {
    /// Writes the folder that diffusers and transformers read: vocabulary, merges, special tokens, configuration.
    ///
    /// # Errors
    /// If the folder or a file cannot be written.
    pub fn write_folder(&self, folder: &Path) -> Result<(), TokenError> {
        let tokens = self.lexicon.tokens();
        let text = |id: u32| {
            tokens
                .iter()
                .find(|token| token.1 == id)
                .map_or("", |token| token.0)
        };
        let flags = |id: u32| {
            let is_normalized = self
                .added
                .iter()
                .any(|token| token.id == id && token.is_normalized);
            json!({
                "content": text(id), "lstrip": false, "normalized": is_normalized, "rstrip": false,
                "single_word": false, "special": true,
            })
        };
        let SpecialTokens { bos, eos, unk, pad } = self.special;
        let mut added: Vec<u32> = self.added.iter().map(|token| token.id).collect();
        added.sort_unstable();
        let added: Map<String, Value> = added
            .into_iter()
            .map(|id| (id.to_string(), flags(id)))
            .collect();
        let named = json!({
            "bos_token": text(bos), "eos_token": text(eos), "pad_token": text(pad),
            "unk_token": text(unk),
        });
        let config = json!({
            "add_prefix_space": false,
            "added_tokens_decoder": added,
            "bos_token": text(bos),
            "clean_up_tokenization_spaces": true,
            "do_lower_case": true,
            "eos_token": text(eos),
            "errors": "replace",
            "model_max_length": self.context,
            "pad_token": text(pad),
            "tokenizer_class": "CLIPTokenizer",
            "unk_token": text(unk),
        });
        let vocab: Map<String, Value> = tokens
            .iter()
            .map(|&(token, id)| (token.to_owned(), id.into()))
            .collect();
        fs::create_dir_all(folder)?;
        fs::write(folder.join(VOCAB), Value::Object(vocab).to_string())?;
        let mut merges = String::from("#version: 0.2\n");
        for line in self.lexicon.merge_lines() {
            merges.push_str(line);
            merges.push('\n');
        }
        fs::write(folder.join(MERGES), merges)?;
        fs::write(folder.join(SPECIAL), format!("{named:#}\n"))?;
        fs::write(folder.join(CONFIG), format!("{config:#}\n"))?;
        Ok(())
    }
}
