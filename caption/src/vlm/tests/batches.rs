//! Many pictures in few rows: what is said does not depend on how they are put together.

use std::collections::HashMap;

use super::{
    super::{BatchSize, Decoding, Question, Request, Requests, Said, Showing, answer_all},
    Fixture,
};
use crate::Error;

/// Requests of which some are refused once, and then asked with draws.
struct Refusing<'p> {
    showings: std::vec::IntoIter<Showing<'p>>,
    again: HashMap<usize, Request>,
    said: HashMap<usize, Vec<Said>>,
}

impl<'p> Requests<'p> for Refusing<'p> {
    fn next(&mut self) -> Result<Option<Showing<'p>>, Error> {
        Ok(self.showings.next())
    }

    fn tell(&mut self, number: usize, said: Said) -> Result<Option<Request>, Error> {
        self.said.entry(number).or_default().push(said);
        Ok(self.again.remove(&number))
    }
}

#[test]
fn what_a_row_says_does_not_depend_on_who_spoke_in_it_before_or_beside_it() {
    for name in ["cogvlm", "cogvlm2", "llava"] {
        let fixture = Fixture::open(name);
        let pixels = fixture.pixels();
        let [short, long] = [0, 1].map(|at| fixture.captions.prompts[at].as_str());
        let asked = |picture, prompt, seed: Option<u64>, max_new_tokens| Question {
            picture,
            prompt,
            decoding: Decoding {
                max_new_tokens,
                sampling: seed.map(|_| crate::speaker::RETRY),
                seed: seed.unwrap_or(0),
            },
        };
        // By picture: one question, two, or three; answers of many lengths, so that rows are given on at many places.
        let pictures: Vec<Vec<Question<'_>>> = vec![
            vec![asked(0, short, None, 40)],
            vec![asked(1, short, None, 3), asked(1, long, None, 21)],
            vec![asked(0, long, Some(3), 9)],
            vec![asked(1, long, None, 30)],
            vec![asked(0, short, None, 1)],
            vec![
                asked(0, short, Some(1), 5),
                asked(0, long, None, 12),
                asked(0, short, Some(2), 17),
            ],
            vec![asked(1, short, None, 25)],
        ];
        // In place of the answer to the question of this number.
        let again: HashMap<usize, Question<'_>> = HashMap::from([
            (1, asked(1, long, Some(1), 6)),
            (4, asked(1, short, Some(4), 11)),
            (5, asked(0, short, Some(5), 8)),
            (7, asked(0, short, Some(7), 1)),
        ]);
        let alone = |question: &Question<'_>| {
            let pixels = pixels[question.picture];
            let question = Question {
                picture: 0,
                ..*question
            };
            let said = fixture.model.caption(&[pixels], &[question]);
            said.unwrap().remove(0)
        };
        let mut expected: HashMap<usize, Vec<Said>> = HashMap::new();
        for (number, first) in pictures.concat().iter().enumerate() {
            let all = [Some(first), again.get(&number)].into_iter().flatten();
            expected.insert(number, all.map(alone).collect());
        }
        let request = |number, asked: &Question<'_>| {
            fixture.model.request(number, asked.prompt, asked.decoding)
        };
        for at_once in [1, 2, 3, 7] {
            let mut numbers = 0..;
            let showings: Vec<Showing<'_>> = pictures
                .iter()
                .map(|of_one| Showing {
                    pixels: pixels[of_one[0].picture].into(),
                    requests: of_one
                        .iter()
                        .zip(numbers.by_ref())
                        .map(|(asked, number)| request(number, asked))
                        .collect(),
                })
                .collect();
            let all: Vec<Request> = showings
                .iter()
                .flat_map(|showing| showing.requests.clone())
                .collect();
            let mut refusing = Refusing {
                showings: showings.into_iter(),
                again: again
                    .iter()
                    .map(|(&number, asked)| (number, request(number, asked)))
                    .collect(),
                said: HashMap::new(),
            };
            let size = BatchSize::new(at_once, &all);
            answer_all(&fixture.model, &mut refusing, size).unwrap();
            for (number, said) in &expected {
                let found = refusing.said.get(number);
                assert_eq!(found, Some(said), "{name} {number}, {at_once} at once");
            }
            assert_eq!(refusing.said.len(), expected.len());
        }
    }
}

#[test]
fn a_refused_question_without_room_is_left_to_come_again() {
    let fixture = Fixture::open("llava");
    let pixels = fixture.pixels();
    let question = fixture.question(0, &fixture.captions.prompts[0]);
    let first = fixture.model.request(0, question.prompt, question.decoding);
    let mut longer = first.clone();
    longer.decoding.max_new_tokens += 1;
    let size = BatchSize::new(1, std::slice::from_ref(&first));
    let showing = Showing {
        pixels: pixels[0].into(),
        requests: vec![first],
    };
    let mut requests = Refusing {
        showings: vec![showing].into_iter(),
        again: HashMap::from([(0, longer)]),
        said: HashMap::new(),
    };
    answer_all(&fixture.model, &mut requests, size).unwrap();
    assert_eq!(requests.said[&0].len(), 1);
}
