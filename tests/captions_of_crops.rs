//! `caption_of = "crop"`, from the outside: an endpoint that names the mean colour of what it is shown.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use base64::Engine as _;
use fs_err as fs;
use serde_json::{Value, json};
use terminus_manifest::{
    Root, caption::CaptionRow, generation::Generation, ids::Rect, index::IndexRow,
};
use terminus_pixels::{Effort, Limits, PixelPolicy, RgbImage, decode, encode_png};

/// What a JPEG of a good quality may add to a mean.
const TOLERANCE: i32 = 4;
const SIDE: u32 = 96;

/// The endpoint; it keeps a line for each picture that it was shown.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream, &seen));
            }
        });
        Self { address, seen }
    }

    /// How many pictures it was shown since it was last asked.
    fn take(&self) -> usize {
        std::mem::take(&mut *self.seen.lock().unwrap()).len()
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let text = if body.is_empty() {
            json!({ "data": [{ "id": "mock-vlm" }] }).to_string()
        } else {
            let request: Value = serde_json::from_slice(&body).ok()?;
            let url = request["messages"][0]["content"][0]["image_url"]["url"].as_str()?;
            let jpeg = base64::prelude::BASE64_STANDARD.decode(url.split_once(',')?.1);
            let image = decode(&jpeg.ok()?, &PixelPolicy::default(), &Limits::default());
            let image = image.ok()?.image;
            let [red, green, blue] = mean(&image);
            let (width, height) = (image.width_px, image.height_px);
            let said = format!(
                "A drawing of {width} by {height} whose mean colour is {red} {green} {blue}."
            );
            seen.lock().unwrap().push(said.clone());
            json!({
                "choices": [{ "message": { "content": said }, "finish_reason": "stop" }],
                "usage": { "completion_tokens": 9 },
            })
            .to_string()
        };
        let mut stream = stream;
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 200 x\r\ncontent-length: {length}\r\n\r\n{text}"
        )
        .ok()?;
    }
}

fn mean(image: &RgbImage) -> [i32; 3] {
    let mut sums = [0_u64; 3];
    for pixel in image.data.chunks_exact(3) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(*value);
        }
    }
    let pixels = u64::from(image.width_px) * u64::from(image.height_px);
    sums.map(|sum| ((sum + pixels / 2) / pixels) as i32)
}

/// A picture of four quadrants, each of its own colour.
fn quadrants(number: u32, side: u32) -> RgbImage {
    let colour = |quadrant: u32| {
        let bits = number * 4 + quadrant;
        [
            40 + (bits * 37) % 170,
            40 + (bits * 91) % 170,
            40 + (bits * 53) % 170,
        ]
        .map(|n| n as u8)
    };
    let data = (0..side * side).flat_map(|at| {
        let (row, column) = (at / side, at % side);
        colour(2 * u32::from(row >= side / 2) + u32::from(column >= side / 2))
    });
    RgbImage::new(side, side, data.collect()).unwrap()
}

struct Work {
    folder: tempfile::TempDir,
    server: Server,
}

impl Work {
    /// Six pictures of quadrants, one that is too small for a crop, and two anchors with a fixed caption.
    fn new(bucket: &str) -> Self {
        let work = Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(),
        };
        for (folder, numbers) in [("drawn", 0..6), ("anchors", 6..8)] {
            let folder = work.folder.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            for number in numbers {
                let png = encode_png(&quadrants(number, SIDE), Effort::Fast).unwrap();
                fs::write(folder.join(format!("{number}.png")), png).unwrap();
            }
        }
        let small = encode_png(&quadrants(9, 24), Effort::Fast).unwrap();
        fs::write(work.folder.path().join("drawn/small.png"), small).unwrap();
        work.write_recipe(bucket);
        work.json("ingest");
        work
    }

    fn write_recipe(&self, bucket: &str) {
        let address = &self.server.address;
        let recipe = format!(
            r#"
root = "root"

[[collection]]
name = "drawn"
source = {{ folder = "drawn" }}
captioner = "served"

[[collection]]
name = "anchors"
role = "anchor"
source = {{ folder = "anchors" }}
captioner = "fixed"

[captioner.served]
kind = "http"
url = "{address}"
model = "mock-vlm"
prompts = ["Describe the image.", "Describe it in a sentence."]
concurrency = 2

[captioner.fixed]
kind = "text"
text = "a photograph"

[ingest]
min_side_px = 16
duplicates = {{ near = false }}
scores = {{ min_entropy = 0 }}

[bucket]
{bucket}
"#
        );
        fs::write(self.folder.path().join("recipe.toml"), recipe).unwrap();
    }

    fn run(&self, verb: &str, more: &[&str], failpoint: Option<&str>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminus"));
        command.current_dir(self.folder.path());
        command.env_remove("TERMINUS_FAILPOINT");
        if let Some(failpoint) = failpoint {
            command.env("TERMINUS_FAILPOINT", failpoint);
        }
        command.args([verb, "recipe.toml", "--quiet"]).args(more);
        command.output().unwrap()
    }

    fn json(&self, verb: &str) -> Value {
        let output = self.run(verb, &["--json"], None);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{verb}: {told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Captions and samples anew; the documents of both stages.
    fn again(&self, bucket: &str) -> (Value, Value) {
        self.write_recipe(bucket);
        self.json("ingest");
        (self.json("caption"), self.json("bucket"))
    }

    fn root(&self) -> Root {
        Root::new(self.folder.path().join("root"))
    }

    fn index(&self) -> Vec<IndexRow> {
        Generation::required(&self.root(), "recipe")
            .unwrap()
            .index()
            .unwrap()
    }

    fn captions(&self) -> Vec<CaptionRow> {
        self.root().captions().rows().unwrap()
    }

    /// Holds the captions of every sample against its own pixels.
    fn check(&self) {
        let ledger = self.root().ledger().rows().unwrap();
        let origins: BTreeMap<_, _> = ledger
            .iter()
            .map(|row| (row.item_id, row.origin.clone()))
            .collect();
        for row in self.index() {
            let sources: BTreeSet<&str> = row
                .captions
                .iter()
                .map(|caption| caption.source.as_str())
                .collect();
            let text = &row.captions[0].text;
            if row.collection == "anchors" {
                assert_eq!(text, "a photograph");
                continue;
            }
            assert_eq!(sources, ["served"].into());
            let bytes = fs::read(self.folder.path().join(&origins[&row.item_id])).unwrap();
            let mut image = decode(&bytes, &PixelPolicy::default(), &Limits::default())
                .unwrap()
                .image;
            if let Some((width, height)) = row.resized_width.zip(row.resized_height) {
                image = image.resample(width, height).unwrap();
            }
            let shown = image
                .crop(row.crop_top, row.crop_left, row.width, row.height)
                .unwrap();
            let numbers: Vec<i32> = text
                .split([' ', '.'])
                .filter_map(|word| word.parse().ok())
                .collect();
            assert_eq!(
                numbers[..2],
                [row.width as i32, row.height as i32],
                "{text}"
            );
            for (said, is) in numbers[2..].iter().zip(mean(&shown)) {
                assert!(
                    (said - is).abs() <= TOLERANCE,
                    "{text} of {:?}: {is}",
                    rect(&row)
                );
            }
        }
    }
}

fn rect(row: &IndexRow) -> Rect {
    Rect {
        top: row.crop_top,
        left: row.crop_left,
        width: row.width,
        height: row.height,
    }
}

const THREE: &str =
    "target_px = 48\ncrops_per_image = 3\ncaption_of = \"crop\"\nvalidation_share = 0";

#[test]
fn every_crop_gets_the_caption_of_its_own_pixels_and_a_second_run_asks_nothing() {
    let work = Work::new(THREE);
    let (caption, bucket) = (work.json("caption"), work.json("bucket"));
    assert_eq!(work.server.take(), 18, "six pictures, three crops each");
    assert_eq!(caption["captioned"], 18 + 2);
    // The one that is too small is not asked about; the stage that cuts says why it gives nothing.
    assert_eq!(caption["counts"]["passed"], 9);
    assert_eq!(bucket["reasons"], json!({ "too_small": 1 }));
    assert_eq!(
        (&bucket["samples"], &bucket["uncaptioned"]),
        (&json!(24), &json!(0))
    );
    work.check();
    let keys: BTreeSet<_> = work.captions().iter().map(|row| row.caption_key).collect();
    assert_eq!(keys.len(), 20);

    let (caption, bucket) = (work.json("caption"), work.json("bucket"));
    assert_eq!(
        (&caption["captioned"], &caption["changed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        (&bucket["changed"], &bucket["published"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(work.server.take(), 0);

    let told = String::from_utf8(work.run("explain", &["drawn:3.png"], None).stdout).unwrap();
    assert_eq!(
        told.matches("captioner served · crop [").count(),
        3,
        "{told}"
    );
    let report: Value = work.json("report");
    assert_eq!(report["generation"], 1);
}

#[test]
fn what_changes_is_asked_about_and_nothing_else() {
    let work = Work::new(THREE);
    work.json("caption");
    assert_eq!(work.server.take(), 18);
    // Other crops are other pictures to whoever looks.
    let smaller = THREE.replace("48", "40");
    let (_, bucket) = work.again(&smaller);
    assert_eq!((work.server.take(), &bucket["samples"]), (18, &json!(24)));
    work.check();
    // What was asked once is known.
    let (_, bucket) = work.again(THREE);
    assert_eq!(
        (work.server.take(), &bucket["published"]),
        (0, &json!(true))
    );
    work.check();
    // A fourth crop of each leaves the three as they are.
    work.again(&THREE.replace("image = 3", "image = 4"));
    assert_eq!(work.server.take(), 6);
    work.check();
    // Whole pictures have captions of their own: one each, the small one's too.
    work.again(&THREE.replace("\"crop\"", "\"picture\""));
    assert_eq!(work.server.take(), 7);
    assert!(
        work.index().iter().all(|row| {
            row.collection == "anchors" || row.captions[0].text.contains("96 by 96")
        })
    );
    // A crop that leaves nothing out is the whole picture.
    work.again(&THREE.replace("48", "96"));
    assert_eq!(work.server.take(), 0);
    work.check();
}

#[test]
fn crops_by_interest_and_of_resized_pictures_are_what_captioners_see() {
    let style = "target_px = 48\ncrops_per_image = 2\ncaption_of = \"crop\"\nstyle = \"interest\"";
    let work = Work::new(style);
    let (_, bucket) = work.again(style);
    assert_eq!(work.server.take(), 12);
    assert_eq!(bucket["samples"], 12 + 4);
    work.check();
    let down = "target_px = 48\nresample = \"down\"\nshape = \"aspect\"\nstep_px = 16\ncaption_of = \"crop\"\nsizes = [{ width_px = 64, height_px = 32 }]";
    work.again(down);
    assert_eq!(work.server.take(), 6);
    work.check();
    assert!(
        work.captions()
            .iter()
            .any(|row| row.resized_width == Some(64))
    );
}

#[test]
fn a_killed_run_asks_about_no_answered_crop_again() {
    let work = Work::new(THREE);
    let killed = work.run("caption", &[], Some("caption.after_answer:7"));
    assert!(!killed.status.success());
    let before = work.server.take();
    assert!((7..18).contains(&before), "{before}");
    let caption = work.json("caption");
    assert_eq!(work.server.take(), 18 - 7);
    assert_eq!(caption["captioned"], 18 - 7 + 2);
    work.json("bucket");
    work.check();
}

#[test]
fn people_move_crops_and_write_captions() {
    let work = Work::new(THREE);
    work.json("caption");
    work.json("bucket");
    work.server.take();
    let overrides =
        "id,action,value,note\ndrawn:1.png,crop,\"5,7\",\ndrawn:2.png,caption,by hand,\n";
    fs::write(work.root().overrides(), overrides).unwrap();
    // Without captioning anew the moved crop has no caption, and does not take one of another crop.
    let bucket = work.json("bucket");
    assert_eq!(
        bucket["reasons"],
        json!({ "too_small": 1, "no_caption": 1 })
    );
    assert_eq!(
        (&bucket["samples"], &bucket["uncaptioned"]),
        (&json!(21), &json!(1))
    );
    let (caption, bucket) = (work.json("caption"), work.json("bucket"));
    assert_eq!((work.server.take(), &caption["captioned"]), (1, &json!(2)));
    assert_eq!(bucket["reasons"], json!({ "too_small": 1 }));
    assert_eq!(bucket["samples"], 15 + 1 + 6);
    let index = work.index();
    let by_hand: Vec<_> = index
        .iter()
        .filter(|row| row.captions[0].text == "by hand")
        .collect();
    assert_eq!(by_hand.len(), 3);
    let moved = index
        .iter()
        .filter(|row| (row.crop_top, row.crop_left) == (5, 7));
    assert!(moved.count() >= 1);
}
