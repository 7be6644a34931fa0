//! Captioning by an endpoint, from the outside: a small server answers as endpoints do on good days and bad.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::Duration,
};

use fs_err as fs;
use serde_json::{Value, json};

/// What the server answers to the `n`th request for a picture (from 1), given the prompt: status and body, or silence.
type Behaviour = dyn Fn(u32, &str) -> Option<(u16, String)> + Send + Sync;

/// An endpoint that counts its requests by picture.
struct Server {
    address: String,
    counts: Arc<Mutex<HashMap<String, u32>>>,
}

impl Server {
    fn start(key: Option<&'static str>, behaviour: Box<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let counts: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
        let (shared, behaviour) = (Arc::clone(&counts), Arc::new(behaviour));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counts, behaviour) = (Arc::clone(&shared), Arc::clone(&behaviour));
                std::thread::spawn(move || serve(&stream, key, &counts, &**behaviour));
            }
        });
        Self { address, counts }
    }

    fn good() -> Self {
        Self::start(None, Box::new(|_, _| Some((200, completion(GOOD)))))
    }

    fn requests(&self) -> Vec<u32> {
        self.counts.lock().unwrap().values().copied().collect()
    }
}

const GOOD: &str = "The image shows a girl with silver hair who stands in a flower field at dusk.";

fn completion(text: &str) -> String {
    json!({
        "choices": [{ "message": { "content": text }, "finish_reason": "stop" }],
        "usage": { "completion_tokens": 17 },
    })
    .to_string()
}

fn serve(
    stream: &TcpStream,
    key: Option<&str>,
    counts: &Mutex<HashMap<String, u32>>,
    behaviour: &Behaviour,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut path, mut length, mut given) = (String::new(), 0, None);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim();
            if path.is_empty() {
                line.split(' ').nth(1)?.clone_into(&mut path);
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(": ") {
                match name.to_lowercase().as_str() {
                    "content-length" => length = value.parse().ok()?,
                    "authorization" => given = Some(value.to_owned()),
                    _ => {}
                }
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = if key.is_some_and(|key| given != Some(format!("Bearer {key}"))) {
            Some((401, json!({ "error": "wrong key" }).to_string()))
        } else if path.ends_with("/models") {
            Some((200, json!({ "data": [{ "id": "mock-vlm" }] }).to_string()))
        } else {
            let request: Value = serde_json::from_slice(&body).ok()?;
            let content = &request["messages"][0]["content"];
            let picture = content[0]["image_url"]["url"].as_str()?;
            assert!(
                picture.starts_with("data:image/jpeg;base64,/9j/"),
                "its type is true"
            );
            let number = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(picture.to_owned()).or_default();
                *count += 1;
                *count
            };
            behaviour(number, content[1]["text"].as_str()?)
        };
        let Some((status, text)) = answer else {
            std::thread::sleep(Duration::from_secs(30));
            return None;
        };
        let mut stream = stream;
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nretry-after: 0\r\n\r\n{text}"
        )
        .ok()?;
    }
}

struct Work {
    folder: tempfile::TempDir,
}

impl Work {
    /// A demo collection, ingested, whose pictures are captioned by the endpoint at `address`.
    fn new(images: u32, address: &str, more: &str) -> Self {
        let work = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let images = images.to_string();
        let demo = [
            "demo", "demo", "--images", &images, "--scale", "1/8", "--quiet",
        ];
        assert!(work.command().args(demo).output().unwrap().status.success());
        work.write_recipe(address, more);
        assert!(work.run("ingest", &[]).status.success());
        work
    }

    fn write_recipe(&self, address: &str, more: &str) {
        let recipe = format!(
            r#"
root = "root"

[[collection]]
name = "all"
source = {{ folder = "demo" }}
captioner = "served"

[captioner.served]
kind = "http"
url = "{address}"
prompts = ["Describe the image."]
concurrency = 4
{more}
"#
        );
        fs::write(self.folder.path().join("recipe.toml"), recipe).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminus"));
        command.current_dir(self.folder.path());
        command
            .env_remove("TERMINUS_FAILPOINT")
            .env_remove("MOCK_KEY");
        command
    }

    fn run(&self, verb: &str, more: &[&str]) -> Output {
        let mut command = self.command();
        command.args([verb, "recipe.toml", "--quiet"]).args(more);
        command.output().unwrap()
    }

    fn caption(&self) -> Value {
        let output = self.run("caption", &["--json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn captions(&self) -> Vec<terminus_manifest::caption::CaptionRow> {
        let root = terminus_manifest::Root::new(self.folder.path().join("root"));
        root.captions().rows().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_empty(folder: &Path) -> bool {
    !fs::read_dir(folder).unwrap().any(|entry| {
        entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("journal")
    })
}

#[test]
fn an_endpoint_captions_every_picture_and_a_second_run_asks_nothing() {
    let server = Server::good();
    let work = Work::new(12, &server.address, "");
    let first = work.caption();
    assert_eq!(first["captioned"], 12);
    assert_eq!(first["counts"]["passed"], 12);
    assert_eq!(first["rules"]["lead_in"], 12);
    assert_eq!(first["captioners"]["served"]["tokens"], 12 * 17);
    let row = &work.captions()[0];
    assert_eq!(row.raw, GOOD);
    assert_eq!(
        row.text,
        "A girl with silver hair who stands in a flower field at dusk."
    );
    assert_eq!(row.filters, ["lead_in"]);
    let second = work.caption();
    assert_eq!(
        (&second["captioned"], &second["changed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(server.requests(), [1; 12]);
    assert!(is_empty(&work.folder.path().join("root/captions")));
}

#[test]
fn a_killed_run_asks_about_no_answered_picture_again() {
    let server = Server::good();
    let work = Work::new(16, &server.address, "");
    let mut killed = work.command();
    killed.args(["caption", "recipe.toml", "--quiet"]);
    killed.env("TERMINUS_FAILPOINT", "caption.after_answer:9");
    assert!(!killed.output().unwrap().status.success());
    let before: u32 = server.requests().iter().sum();
    assert!(
        (9..16).contains(&before),
        "{before} requests before the kill"
    );
    let resumed = work.caption();
    assert_eq!(resumed["counts"]["passed"], 16);
    assert_eq!(resumed["captioned"], 16 - 9);
    // What was in flight when the process died is asked again, and nothing else.
    let twice = server.requests().iter().filter(|count| **count > 1).count();
    assert!(twice <= 4, "{twice} pictures were asked about twice");
    assert_eq!(server.requests().len(), 16);
    assert_eq!(work.captions().len(), 16);
}

#[test]
fn what_passes_is_tried_again_and_what_does_not_is_left_for_the_next_run() {
    let busy = |number: u32, _: &str| match number {
        1 => Some((429, String::new())),
        2 => Some((500, "<html>oops</html>".to_owned())),
        3 => Some((200, String::new())),
        _ => Some((200, completion(GOOD))),
    };
    let server = Server::start(None, Box::new(busy));
    let work = Work::new(4, &server.address, "");
    assert_eq!(work.caption()["counts"]["passed"], 4);
    assert_eq!(server.requests(), [4; 4]);

    let html = |_: u32, _: &str| Some((200, "<!doctype html><p>login</p>".to_owned()));
    let server = Server::start(None, Box::new(html));
    let work = Work::new(2, &server.address, "give_up_after_s = 1");
    let summary = work.caption();
    assert_eq!(summary["counts"]["failed"], 2);
    assert_eq!(summary["captioners"]["served"]["failed"], 2);
    let good = Server::good();
    work.write_recipe(&good.address, "give_up_after_s = 1");
    assert_eq!(
        work.caption()["counts"]["passed"],
        2,
        "another address, the same settings otherwise"
    );
}

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let server = Server::start(None, Box::new(|_, _| None));
    let work = Work::new(12, &server.address, "timeout_s = 1\ngive_up_after_s = 1");
    let output = work.run("caption", &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("8 pictures one after the other got no answer"),
        "{told}"
    );
    assert!(told.contains("no answer in time"), "{told}");
}

#[test]
fn a_wrong_key_stops_at_once_and_is_never_shown() {
    let server = Server::start(
        Some("right"),
        Box::new(|_, _| Some((200, completion(GOOD)))),
    );
    let work = Work::new(6, &server.address, "key_env = \"MOCK_KEY\"");
    let output = work.run("caption", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("`MOCK_KEY`, which is not set"),
        "{}",
        text(&output.stderr)
    );
    let mut wrong = work.command();
    let output = wrong
        .args(["caption", "recipe.toml", "--quiet"])
        .env("MOCK_KEY", "very-secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("does not take the key (HTTP status 401)"),
        "{told}"
    );
    assert!(
        told.contains("hint: `key_env`") && !told.contains("very-secret"),
        "{told}"
    );
    assert!(server.requests().is_empty(), "no picture was sent");
    let mut right = work.command();
    let output = right
        .args(["caption", "recipe.toml", "--quiet"])
        .env("MOCK_KEY", "right")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_refused_answer_is_asked_for_again_with_draws_and_then_in_other_words() {
    let stubborn = |number: u32, prompt: &str| {
        let text = match (number, prompt) {
            (1, _) => "I'm sorry, but I cannot describe this image for you.",
            (2, _) => "Une fille aux cheveux argentés est dans un champ avec les fleurs.",
            _ => GOOD,
        };
        Some((200, completion(text)))
    };
    let server = Server::start(None, Box::new(stubborn));
    let work = Work::new(3, &server.address, "");
    let summary = work.caption();
    assert_eq!(summary["counts"]["passed"], 3);
    assert_eq!(summary["captioners"]["served"]["asked"], 9);
    assert!(work.captions().iter().all(|row| row.attempt == 3));

    let server = Server::start(
        None,
        Box::new(|_, _| Some((200, completion("As an AI, no.")))),
    );
    let work = Work::new(3, &server.address, "");
    let summary = work.caption();
    assert_eq!(summary["reasons"]["caption"], 3);
    assert_eq!(summary["rules"]["refusal"], 3);
    assert!(
        work.captions()
            .iter()
            .all(|row| row.text.is_empty() && row.raw == "As an AI, no.")
    );
    assert_eq!(
        work.caption()["captioned"],
        0,
        "what was refused is not asked about again"
    );
    assert_eq!(server.requests(), [3; 3]);
}

#[test]
fn a_changed_gate_cleans_kept_answers_anew_without_asking() {
    let server = Server::good();
    let work = Work::new(5, &server.address, "model = \"mock-vlm\"");
    work.caption();
    work.write_recipe(
        "http://127.0.0.1:9/v1",
        "model = \"mock-vlm\"\ngate = { min_chars = 400 }",
    );
    let strict = work.caption();
    assert_eq!(
        (&strict["recleaned"], &strict["captioned"]),
        (&json!(5), &json!(0))
    );
    assert_eq!(strict["rules"]["too_short"], 5);
    assert_eq!(strict["counts"]["failed"], 5);
    work.write_recipe(
        "http://127.0.0.1:9/v1",
        "model = \"mock-vlm\"\ngate = { min_chars = 10 }",
    );
    assert_eq!(work.caption()["counts"]["passed"], 5);
    assert_eq!(server.requests(), [1; 5]);
}

#[test]
fn one_caption_of_too_many_pictures_is_refused() {
    let server = Server::good();
    let work = Work::new(5, &server.address, "gate = { max_same = 4 }");
    let summary = work.caption();
    assert_eq!(summary["rules"]["repeated_over_pictures"], 5);
    assert_eq!(summary["counts"]["failed"], 5);
}

#[test]
fn several_captioners_give_a_picture_several_captions() {
    let server = Server::good();
    let work = Work::new(6, &server.address, "");
    let path = work.folder.path().join("recipe.toml");
    let recipe = fs::read_to_string(&path).unwrap();
    let recipe = recipe.replace(
        "captioner = \"served\"",
        "captioner = \"served\"\nmore_captioners = [\"fixed\"]",
    );
    fs::write(
        &path,
        recipe + "[captioner.fixed]\nkind = \"text\"\ntext = \"a picture\"\n",
    )
    .unwrap();
    assert_eq!(work.caption()["captioned"], 12);
    let rows = work.captions();
    assert_eq!(
        rows.iter().filter(|row| row.captioner == "fixed").count(),
        6
    );
    assert_eq!(
        rows.iter().filter(|row| row.captioner == "served").count(),
        6
    );
}

#[test]
fn a_quick_look_prints_what_is_said_and_writes_nothing() {
    let server = Server::good();
    let work = Work::new(2, &server.address, "");
    let file = fs::read_dir(work.folder.path().join("demo/midjourney"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "png" || e == "jpg"))
        .unwrap();
    let file = file.to_str().unwrap();
    let output = work.run("caption", &["--image", file, "recipe.toml"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("A girl with silver hair"), "{said}");
    assert!(said.contains("not an image"), "{said}");
    assert!(work.captions().is_empty());
}

#[test]
fn two_shares_caption_all_pictures_between_them() {
    let server = Server::good();
    let work = Work::new(16, &server.address, "");
    for shard in ["0/2", "1/2"] {
        assert!(work.run("caption", &["--shard", shard]).status.success());
    }
    assert_eq!(server.requests(), [1; 16]);
    assert_eq!(work.caption()["captioned"], 0);
}

#[test]
fn a_proxy_that_accepts_and_never_answers_cannot_hold_a_run() {
    let work = Work::new(
        1,
        "http://captions.invalid/v1",
        "timeout_s = 1\ngive_up_after_s = 2",
    );
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let started = std::time::Instant::now();
    let mut command = work.command();
    let output = command
        .args(["caption", "recipe.toml", "--quiet"])
        .env("HTTP_PROXY", &address)
        .env("http_proxy", &address)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("gives no answer: no answer in time"),
        "{told}"
    );
    assert!(told.contains("hint:"), "{told}");
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );

    // A server on this machine is asked without the proxy.
    let server = Server::good();
    work.write_recipe(&server.address, "");
    let mut command = work.command();
    let output = command
        .args(["caption", "recipe.toml", "--quiet"])
        .env("HTTP_PROXY", &address)
        .env("http_proxy", &address)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(server.requests(), [1]);
}
