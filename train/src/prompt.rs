//! A prompt whose words have weights, as users of web interfaces write them.
//!
//! `(word)` counts 1.1 times, `((word))` 1.21 times, `[word]` 1/1.1 times, `(word:1.4)` 1.4 times; a backslash takes a
//! bracket's meaning from it. Brackets that do not close are text.

/// How much a pair of round brackets adds.
const STEP: f64 = 1.1;

/// A prompt as pieces of text with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The pieces, in order; none is empty.
    pub pieces: Vec<Piece>,
}

/// A piece of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Its text, without brackets.
    pub text: String,
    /// How much it counts; 1 is as the encoders have it.
    pub weight: f64,
}

impl Prompt {
    /// The text as it stands: brackets are brackets.
    pub fn literal(text: &str) -> Self {
        let piece = Piece {
            text: text.to_owned(),
            weight: 1.0,
        };
        Self {
            pieces: if text.is_empty() {
                Vec::new()
            } else {
                vec![piece]
            },
        }
    }

    /// The text with its brackets taken as weights.
    pub fn weighted(text: &str) -> Self {
        let mut reader = Reader::default();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if chars.peek().is_some_and(|c| "()[]\\".contains(*c)) => {
                    reader.text.extend(chars.next());
                }
                '(' | '[' => reader.open(c),
                ')' | ']' => reader.close(c),
                c => reader.text.push(c),
            }
        }
        reader.finish()
    }

    /// Whether any piece counts more or less than the others.
    pub fn has_weights(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| (piece.weight - 1.0).abs() > f64::EPSILON)
    }

    /// The text without weights.
    pub fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
    text: String,
    /// Brackets that are open, and the piece that each stands before.
    open: Vec<(char, usize)>,
}

impl Reader {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece {
                text: std::mem::take(&mut self.text),
                weight: 1.0,
            });
        }
    }

    fn open(&mut self, bracket: char) {
        self.flush();
        self.open.push((bracket, self.pieces.len()));
    }

    fn close(&mut self, bracket: char) {
        let opening = if bracket == ')' { '(' } else { '[' };
        if self.open.last().is_none_or(|(open, _)| *open != opening) {
            self.text.push(bracket);
            return;
        }
        let mut factor = if bracket == ')' { STEP } else { 1.0 / STEP };
        if bracket == ')'
            && let Some((text, number)) = self.text.rsplit_once(':')
            && let Ok(weight) = number.trim().parse::<f64>()
            && weight.is_finite()
        {
            factor = weight;
            self.text.truncate(text.len());
        }
        self.flush();
        if let Some((_, first)) = self.open.pop() {
            for piece in &mut self.pieces[first..] {
                piece.weight *= factor;
            }
        }
    }

    fn finish(mut self) -> Prompt {
        self.flush();
        // What never closed is text.
        for (bracket, place) in self.open.into_iter().rev() {
            let piece = Piece {
                text: bracket.to_string(),
                weight: 1.0,
            };
            self.pieces.insert(place, piece);
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for piece in self.pieces {
            match pieces.last_mut() {
                Some(last) if (last.weight - piece.weight).abs() < 1e-12 => {
                    last.text.push_str(&piece.text);
                }
                _ => pieces.push(piece),
            }
        }
        Prompt { pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, f64)> {
        let pieces = Prompt::weighted(text).pieces;
        pieces
            .into_iter()
            .map(|piece| (piece.text, (piece.weight * 1e6).round() / 1e6))
            .collect()
    }

    #[test]
    fn brackets_multiply_and_numbers_set() {
        let expected = [("a ", 1.0), ("red", 1.1), (" cat on ", 1.0), ("snow", 1.4)];
        assert_eq!(
            read("a (red) cat on (snow:1.4)"),
            expected.map(|(text, weight)| (text.to_owned(), weight))
        );
        assert_eq!(read("((x))"), [("x".to_owned(), 1.21)]);
        assert_eq!(read("[x]"), [("x".to_owned(), 0.909_091)]);
        assert_eq!(
            read("(a (b:2) c:0.5)"),
            [
                ("a ".to_owned(), 0.5),
                ("b".to_owned(), 1.0),
                (" c".to_owned(), 0.5)
            ]
        );
    }

    #[test]
    fn escaped_and_unclosed_brackets_are_text() {
        assert_eq!(
            read(r"smile \(fan art\)"),
            [("smile (fan art)".to_owned(), 1.0)]
        );
        assert_eq!(read("a (b"), [("a (b".to_owned(), 1.0)]);
        assert_eq!(read("a) b]"), [("a) b]".to_owned(), 1.0)]);
        assert_eq!(read("(a:b)"), [("a:b".to_owned(), 1.1)]);
        assert_eq!(read(":-)"), [(":-)".to_owned(), 1.0)]);
        assert!(read("()").is_empty());
    }

    #[test]
    fn no_text_is_lost_but_brackets_and_weights() {
        for text in ["", "a", "a [b (c) d", "((", "x (y:1.2 z", "[(a]) b"] {
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
            assert_eq!(
                letters(&Prompt::weighted(text).text()),
                letters(text),
                "{text}"
            );
        }
    }
}
