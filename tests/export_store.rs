//! Exports to an object store, from the outside: a small server that speaks as much S3 as an export needs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use fs_err as fs;
use serde_json::Value;

const KEY_ID: &str = "AKIDEXAMPLE0001";
const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCY";

/// What a bucket holds, and what was asked of it.
#[derive(Default)]
struct Bucket {
    /// Bytes and `x-amz-meta-sha256` by key.
    objects: BTreeMap<String, (Vec<u8>, String)>,
    /// Parts by upload.
    uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    /// `PUT key`, in order; parts too.
    puts: Vec<String>,
    aborted: usize,
    /// Answers of this status to the next requests that write.
    refuse: Vec<u16>,
    /// Puts after which every request is refused for good.
    dies_after: Option<usize>,
}

struct Server {
    address: String,
    bucket: Arc<Mutex<Bucket>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let bucket: Arc<Mutex<Bucket>> = Arc::default();
        let shared = Arc::clone(&bucket);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bucket = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &bucket).is_some() {});
            }
        });
        Self { address, bucket }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Bucket) -> T) -> T {
        look(&mut self.bucket.lock().unwrap())
    }

    fn keys(&self) -> Vec<String> {
        self.with(|bucket| bucket.objects.keys().cloned().collect())
    }

    /// What was put since it was last asked.
    fn take_puts(&self) -> Vec<String> {
        self.with(|bucket| std::mem::take(&mut bucket.puts))
    }
}

struct Request {
    method: String,
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut words = first.split(' ');
    let method = words.next()?.to_owned();
    let (path, query) = words
        .next()?
        .split_once('?')
        .map_or((first.split(' ').nth(1)?, ""), |both| both);
    let query = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let unquoted = |text: &str| text.replace("%2F", "/").replace("%3D", "=");
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        key: path
            .strip_prefix("/bucket")
            .unwrap_or(path)
            .trim_start_matches('/')
            .to_owned(),
        query: query
            .map(|(name, value)| (name.to_owned(), unquoted(value)))
            .collect(),
        headers,
        body,
    })
}

fn serve(stream: &TcpStream, bucket: &Mutex<Bucket>) -> Option<()> {
    let request = read(stream)?;
    let mut answer = answer(&request, &mut bucket.lock().unwrap());
    if request.method == "HEAD" || answer.status == 204 {
        answer.body.clear();
    }
    let length = match (request.method.as_str(), answer.length) {
        ("HEAD", Some(length)) => length,
        _ => answer.body.len(),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {} x\r\ncontent-length: {length}\r\n",
        answer.status
    )
    .ok()?;
    write!(
        stream,
        "etag: \"e\"\r\nlast-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n"
    )
    .ok()?;
    if let Some(sha256) = answer.sha256 {
        write!(stream, "x-amz-meta-sha256: {sha256}\r\n").ok()?;
    }
    stream.write_all(b"\r\n").ok()?;
    stream.write_all(&answer.body).ok()
}

#[derive(Default)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    length: Option<usize>,
    sha256: Option<String>,
}

impl Answer {
    fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    fn error(status: u16, code: &str) -> Self {
        Self::of(
            status,
            format!("<Error><Code>{code}</Code><Message>no</Message></Error>"),
        )
    }
}

fn answer(request: &Request, bucket: &mut Bucket) -> Answer {
    let signed = request
        .headers
        .get("authorization")
        .cloned()
        .unwrap_or_default();
    assert!(!signed.contains(SECRET));
    if !signed.contains(&format!("Credential={KEY_ID}/")) {
        return Answer::error(403, "InvalidAccessKeyId");
    }
    let is_write = matches!(request.method.as_str(), "PUT" | "POST");
    if is_write && bucket.dies_after == Some(0) {
        return Answer::error(403, "AccessDenied");
    }
    if is_write && let Some(status) = bucket.refuse.pop() {
        return Answer::error(status, "SlowDown");
    }
    if let Some(left) = bucket.dies_after.as_mut().filter(|_| is_write) {
        *left -= 1;
    }
    let key = request.key.clone();
    let sha256 = request
        .headers
        .get("x-amz-meta-sha256")
        .cloned()
        .unwrap_or_default();
    match request.method.as_str() {
        "PUT" if request.query.contains_key("partNumber") => {
            bucket.puts.push(key);
            let parts = bucket.uploads.get_mut(&request.query["uploadId"]).unwrap();
            let number = request.query["partNumber"].parse().unwrap();
            parts.1.insert(number, request.body.clone());
            Answer::of(200, "")
        }
        "PUT" => {
            bucket.puts.push(key.clone());
            bucket.objects.insert(key, (request.body.clone(), sha256));
            Answer::of(200, "")
        }
        "POST" if request.query.contains_key("uploads") => {
            let id = format!("upload-{}", bucket.uploads.len());
            bucket.uploads.insert(id.clone(), (sha256, BTreeMap::new()));
            Answer::of(
                200,
                format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ),
            )
        }
        "POST" => {
            let (sha256, parts) = bucket.uploads.remove(&request.query["uploadId"]).unwrap();
            let bytes = parts.into_values().flatten().collect();
            bucket.objects.insert(key, (bytes, sha256));
            Answer::of(
                200,
                "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
            )
        }
        "DELETE" if request.query.contains_key("uploadId") => {
            bucket.aborted += 1;
            Answer::of(204, "")
        }
        "DELETE" => {
            bucket.objects.remove(&key);
            Answer::of(204, "")
        }
        "GET" if request.query.contains_key("list-type") => list(request, bucket),
        _ => match bucket.objects.get(&key) {
            Some((bytes, sha256)) => Answer {
                length: Some(bytes.len()),
                sha256: Some(sha256.clone()),
                ..Answer::of(200, bytes.clone())
            },
            None => Answer::error(404, "NoSuchKey"),
        },
    }
}

fn list(request: &Request, bucket: &Bucket) -> Answer {
    let prefix = request.query.get("prefix").cloned().unwrap_or_default();
    let mut contents = Vec::new();
    let mut folders = std::collections::BTreeSet::new();
    for (key, (bytes, _)) in &bucket.objects {
        let Some(rest) = key.strip_prefix(&prefix) else {
            continue;
        };
        if let Some((folder, _)) = rest.split_once('/') {
            folders.insert(format!("{prefix}{folder}/"));
        } else {
            contents.push(format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2015-10-21T07:28:00.000Z</LastModified><ETag>e</ETag></Contents>",
                bytes.len()
            ));
        }
    }
    for folder in folders {
        contents.push(format!(
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        ));
    }
    let contents = contents.concat();
    Answer::of(
        200,
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"),
    )
}

struct Work {
    folder: tempfile::TempDir,
    server: Server,
}

impl Work {
    fn new() -> Self {
        let work = Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(),
        };
        let demo = [
            "demo", "demo", "--images", "40", "--scale", "1/8", "--quiet",
        ];
        assert!(work.command().args(demo).output().unwrap().status.success());
        let recipe = r#"
root = "root"
[[collection]]
name = "all"
source = { folder = "demo" }
captioner = "fixed"
[captioner.fixed]
kind = "text"
text = "a drawing"
[bucket]
shape = "aspect"
target_px = 128
step_px = 32
"#;
        fs::write(work.path("recipe.toml"), recipe).unwrap();
        for stage in ["ingest", "caption", "bucket"] {
            assert!(
                work.run(&[stage, "recipe.toml", "--quiet"])
                    .status
                    .success()
            );
        }
        work
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminus"));
        command
            .current_dir(self.folder.path())
            .env("AWS_ENDPOINT_URL", &self.server.address)
            .env("AWS_REGION", "eu-test-1")
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    fn export(&self, format: &str, to: &str, more: &[&str]) -> Output {
        let args = [
            "export-dataset",
            "recipe.toml",
            "--quiet",
            "--json",
            "--format",
            format,
            "--to",
            to,
        ];
        self.run(&[&args, more].concat())
    }

    fn exported(&self, format: &str, to: &str, more: &[&str]) -> Value {
        let output = self.export(format, to, more);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Every file below a folder, its path and bytes.
    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(folder);
        let (mut files, mut folders) = (BTreeMap::new(), vec![root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path
                        .strip_prefix(&root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned();
                    files.insert(name, fs::read(path).unwrap());
                }
            }
        }
        files
    }
}

#[test]
fn a_store_gets_what_a_folder_gets_and_the_listing_last() {
    let work = Work::new();
    for format in ["parquet", "webdataset", "kohya", "hf-imagefolder"] {
        let more = ["--file-rows", "16"];
        let to = format!("s3://bucket/sets/{format}");
        let exported = work.exported(format, &to, &more);
        work.exported(format, format, &more);
        let mut expected = work.files(format);
        expected.remove("terminus-export.json");
        let prefix = format!("sets/{format}/");
        let puts = work.server.take_puts();
        assert_eq!(puts[0], format!("{prefix}terminus-export.unfinished.json"));
        assert_eq!(
            puts[puts.len() - 1],
            format!("{prefix}terminus-export.json")
        );
        let mut there: BTreeMap<String, Vec<u8>> = work.server.with(|bucket| {
            let own = bucket.objects.iter().filter_map(|(key, (bytes, _))| {
                Some((key.strip_prefix(&prefix)?.to_owned(), bytes.clone()))
            });
            own.collect()
        });
        let listing = there.remove("terminus-export.json").unwrap();
        let listing: Value = serde_json::from_slice(&listing).unwrap();
        assert_eq!(
            there.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        assert!(there == expected, "{format}: other bytes");
        assert_eq!(exported["uploaded"]["sent"], expected.len());
        let listed = listing["objects"].as_array().unwrap();
        assert_eq!(listed.len(), expected.len());
        assert!(
            listed
                .iter()
                .all(|o| o["sha256"].as_str().unwrap().len() == 64)
        );
        // Whole: nothing is sent again, whatever the format.
        let again = work.exported(format, &to, &more);
        assert_eq!(
            (&again["uploaded"]["sent"], &again["samples"]),
            (&0.into(), &exported["samples"])
        );
        assert!(work.server.take_puts().is_empty());
    }
    // Nothing is left of the files that waited.
    let left = fs::read_dir(work.path("root")).unwrap();
    assert!(
        left.map(|entry| entry.unwrap().file_name())
            .all(|name| !name.to_string_lossy().starts_with('.'))
    );
}

#[test]
fn what_was_sent_is_not_sent_again_and_what_was_lost_is() {
    let work = Work::new();
    let to = "s3://bucket/set";
    work.server.with(|bucket| bucket.dies_after = Some(20));
    let failed = work.export("hf-imagefolder", to, &[]);
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(2));
    assert!(
        told.contains("`s3://bucket/set`: sending `train/")
            && told.contains("hint: keys come from"),
        "{told}"
    );
    assert!(!told.contains(SECRET) && !told.contains(KEY_ID), "{told}");
    assert!(
        !work
            .server
            .keys()
            .contains(&"set/terminus-export.json".to_owned())
    );
    let first = work.server.take_puts().len();
    work.server.with(|bucket| bucket.dies_after = None);
    let exported = work.exported("hf-imagefolder", to, &[]);
    let objects = exported["uploaded"]["objects"].as_u64().unwrap();
    let sent = exported["uploaded"]["sent"].as_u64().unwrap();
    assert_eq!(first, 20);
    assert_eq!(sent, objects - 19, "the note apart, what was put stays");
    assert_eq!(
        work.server.take_puts().len() as u64,
        sent + 1,
        "and the listing"
    );
    // An object that was lost or cut is sent again, alone.
    let lost = work
        .server
        .keys()
        .into_iter()
        .find(|key| key.contains("train/"))
        .unwrap();
    work.server.with(|bucket| bucket.objects.remove(&lost));
    assert_eq!(
        work.exported("hf-imagefolder", to, &[])["uploaded"]["sent"],
        1
    );
    assert_eq!(
        work.server.take_puts(),
        [lost, "set/terminus-export.json".to_owned()]
    );
    // Another export does not mix with it; nor does one with things that are none.
    for (format, to, by) in [
        ("parquet", to, "another export"),
        (
            "parquet",
            "s3://bucket/other",
            "something that is no export",
        ),
    ] {
        work.server.with(|bucket| {
            bucket
                .objects
                .insert("other/cat.png".to_owned(), (vec![1], String::new()));
        });
        let refused = work.export(format, to, &[]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains(&format!("holds {by}")), "{told}");
    }
    assert!(work.server.take_puts().is_empty());
}

#[test]
fn large_files_go_in_parts_and_a_busy_store_is_asked_again() {
    let work = Work::new();
    // A tar of many pictures, larger than a part.
    let recipe = fs::read_to_string(work.path("recipe.toml")).unwrap();
    let many = "target_px = 64\ncrops_per_image = 40\npacking = \"png\"";
    let recipe = recipe.replace("target_px = 128", many);
    fs::write(work.path("recipe.toml"), recipe).unwrap();
    for stage in ["ingest", "caption", "bucket"] {
        assert!(
            work.run(&[stage, "recipe.toml", "--quiet"])
                .status
                .success()
        );
    }
    work.server
        .with(|bucket| bucket.refuse = vec![503, 500, 429]);
    work.exported(
        "webdataset",
        "s3://bucket/large",
        &["--file-rows", "100000"],
    );
    work.exported("webdataset", "here", &["--file-rows", "100000"]);
    let mut expected = work.files("here");
    expected.remove("terminus-export.json");
    let puts = work.server.take_puts();
    let tar = "large/train-000000.tar";
    let parts = puts.iter().filter(|key| *key == tar).count();
    let bytes = &expected["train-000000.tar"];
    assert!(bytes.len() > 8 << 20, "{} bytes are one part", bytes.len());
    assert_eq!(parts, bytes.len().div_ceil(8 << 20));
    work.server
        .with(|bucket| assert!(bucket.objects[tar].0 == *bytes));
    // A store that gives up in the middle of a file is told to forget its parts.
    work.server.with(|bucket| bucket.dies_after = Some(3));
    let failed = work.export(
        "webdataset",
        "s3://bucket/again",
        &["--file-rows", "100000"],
    );
    assert_eq!(failed.status.code(), Some(2));
    assert!(work.server.with(|bucket| bucket.aborted) > 0);
}

#[test]
fn an_export_without_keys_or_with_wrong_ones_says_so() {
    let work = Work::new();
    let mut command = work.command();
    command.env("AWS_ACCESS_KEY_ID", "AKIDWRONG00000");
    command.args([
        "export-dataset",
        "recipe.toml",
        "--quiet",
        "--format",
        "parquet",
        "--to",
        "s3://bucket/x",
    ]);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told.contains("hint: keys come from the environment: AWS_ACCESS_KEY_ID"),
        "{told}"
    );
    assert!(
        !told.contains("AKIDWRONG") && !told.contains(SECRET),
        "{told}"
    );
    let told =
        String::from_utf8_lossy(&work.export("parquet", "s3://me:pass@bucket/x", &[]).stderr)
            .into_owned();
    assert!(
        told.contains("keys do not belong into an address") && !told.contains("pass@"),
        "{told}"
    );
}
