//! What the captions say: how long they are, and what they are biased to.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use terminus_manifest::{caption::CaptionRow, index::IndexRow};

use super::{Survey, histogram::Histogram};

/// Tokens of a caption that SDXL's text encoders read.
pub const CLIP_TOKENS: u32 = 75;

/// Words and tags that are listed of a collection.
const LISTED: usize = 40;

/// English words that say nothing of a picture.
const COMMON: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "he", "her", "his", "in",
    "into", "is", "it", "its", "of", "on", "or", "she", "that", "the", "their", "there", "they",
    "this", "to", "up", "was", "which", "while", "who", "with",
];

/// The captions of one collection's samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Texts {
    /// The collection.
    pub collection: String,
    /// Captions, one a sample and choice.
    pub captions: u64,
    /// Different texts among them.
    pub unique: u64,
    /// Captions whose tokens nobody has counted.
    pub uncounted: u64,
    /// Captions longer than the text encoders read.
    pub too_long: u64,
    /// Lengths in CLIP tokens.
    pub tokens: Histogram,
    /// The most frequent words, those that say nothing left out.
    pub words: Vec<Frequency>,
    /// The most frequent phrases between commas.
    pub tags: Vec<Frequency>,
}

/// How many captions hold a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frequency {
    /// The word or tag, in lower case.
    pub text: String,
    /// Captions that hold it.
    pub captions: u64,
    /// Their share of the collection's captions, 0 to 1.
    pub share: f64,
    /// Their share of all other collections' captions, 0 to 1.
    pub share_elsewhere: f64,
}

/// Captions that hold each text.
#[derive(Default)]
struct Counter(HashMap<String, u64>);

impl Counter {
    fn add(&mut self, texts: impl Iterator<Item = String>) {
        for text in texts.collect::<HashSet<_>>() {
            *self.0.entry(text).or_default() += 1;
        }
    }

    fn top(&self, captions: u64, all: &Self, all_captions: u64) -> Vec<Frequency> {
        let mut counts: Vec<(&String, u64)> = self.0.iter().map(|(t, n)| (t, *n)).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
        counts
            .into_iter()
            .take(LISTED)
            .map(|(text, count)| Frequency {
                text: text.clone(),
                captions: count,
                share: share(count, captions),
                share_elsewhere: share(
                    all.0.get(text).copied().unwrap_or(0) - count,
                    all_captions - captions,
                ),
            })
            .collect()
    }
}

impl Texts {
    /// The captions of every collection that has samples, by name.
    pub(super) fn of(survey: &Survey) -> Vec<Self> {
        let tokens: HashMap<(&str, &str), u32> = survey
            .captions
            .values()
            .filter_map(|row: &CaptionRow| {
                Some((
                    (row.captioner.as_str(), row.text.as_str()),
                    row.clip_tokens?,
                ))
            })
            .collect();
        let mut by_collection: BTreeMap<&str, Vec<&IndexRow>> = BTreeMap::new();
        for row in &survey.index {
            by_collection.entry(&row.collection).or_default().push(row);
        }
        let counted: Vec<(&str, Counted)> = by_collection
            .into_iter()
            .map(|(name, rows)| (name, Counted::of(&rows, &tokens)))
            .collect();
        let mut all = Counted::default();
        for (_, part) in &counted {
            all.captions += part.captions;
            for (whole, part) in [(&mut all.words, &part.words), (&mut all.tags, &part.tags)] {
                for (text, count) in &part.0 {
                    *whole.0.entry(text.clone()).or_default() += count;
                }
            }
        }
        counted
            .into_iter()
            .map(|(name, part)| Self {
                collection: name.to_owned(),
                captions: part.captions,
                unique: part.unique,
                uncounted: part.captions - part.lengths.len() as u64,
                too_long: part.lengths.iter().filter(|n| **n > CLIP_TOKENS).count() as u64,
                tokens: Histogram::by_step(part.lengths.iter().map(|&n| f64::from(n)), 5.0),
                words: part.words.top(part.captions, &all.words, all.captions),
                tags: part.tags.top(part.captions, &all.tags, all.captions),
            })
            .collect()
    }
}

#[derive(Default)]
struct Counted {
    captions: u64,
    unique: u64,
    lengths: Vec<u32>,
    words: Counter,
    tags: Counter,
}

impl Counted {
    fn of(rows: &[&IndexRow], tokens: &HashMap<(&str, &str), u32>) -> Self {
        let mut counted = Self::default();
        let mut seen = HashSet::new();
        for caption in rows.iter().flat_map(|row| &row.captions) {
            counted.captions += 1;
            counted.unique += u64::from(seen.insert(caption.text.as_str()));
            counted
                .lengths
                .extend(tokens.get(&(caption.source.as_str(), caption.text.as_str())));
            counted.words.add(words(&caption.text));
            counted.tags.add(tags(&caption.text));
        }
        counted
    }
}

/// The words of a caption, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
        .map(|word| word.trim_matches(['-', '\'']).to_lowercase())
        .filter(|word| word.chars().nth(1).is_some() && !COMMON.contains(&word.as_str()))
}

/// The phrases between a caption's commas, in lower case; none if it has no comma.
fn tags(text: &str) -> impl Iterator<Item = String> {
    let is_list = text.contains(',');
    text.split(',')
        .filter(move |_| is_list)
        .map(|tag| tag.trim().trim_end_matches('.').to_lowercase())
        .filter(|tag| !tag.is_empty() && tag.len() <= 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_tags_are_what_people_would_count() {
        let text = "A girl with long blue-green hair, city street at dusk, the girl's cat.";
        assert_eq!(
            words(text).collect::<Vec<_>>(),
            [
                "girl",
                "long",
                "blue-green",
                "hair",
                "city",
                "street",
                "dusk",
                "girl's",
                "cat"
            ]
        );
        assert_eq!(
            tags(text).collect::<Vec<_>>(),
            [
                "a girl with long blue-green hair",
                "city street at dusk",
                "the girl's cat"
            ]
        );
        assert_eq!(tags("no commas here").count(), 0);
    }
}
