//! A root, recipes over it, pictures, and a server that behaves as servers do.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    collections::{BTreeMap, HashMap},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use terminus_ingest::{
    CollectionPlan, IngestPlan, Summary,
    config::{DownloadConfig, DuplicatesConfig, IngestConfig, Source, StoreMode},
    ingest,
};
use terminus_manifest::{
    Root,
    ledger::LedgerRow,
    overrides::Overrides,
    run::{Cancel, Silent},
    verdict::VerdictRow,
    words::{Reason, Role},
};
use terminus_pixels::{Effort, RgbImage, encode_png};

/// A picture of smooth waves; `seed` makes it another one.
pub fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    let mut data = Vec::new();
    let shift = f64::from(seed) * 1.7;
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (
                f64::from(x) / f64::from(width),
                f64::from(y) / f64::from(height),
            );
            let wave = (u * (5.0 + shift) + shift).sin()
                + (v * (7.0 + shift * 0.6)).cos()
                + (u * v * 11.0 + shift).sin();
            for channel in 0..3 {
                let value = 128.0 + 40.0 * wave + 12.0 * (f64::from(channel) + wave * shift).cos();
                data.push(value.clamp(0.0, 255.0) as u8);
            }
        }
    }
    RgbImage::new(width, height, data).unwrap()
}

pub fn png(width: u32, height: u32, seed: u32) -> Vec<u8> {
    encode_png(&picture(width, height, seed), Effort::Fast).unwrap()
}

/// Four pictures in one.
pub fn grid_png(width: u32, height: u32) -> Vec<u8> {
    let parts = [1, 2, 3, 4].map(|seed| picture(width / 2, height / 2, seed));
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let part = usize::from(y >= height / 2) * 2 + usize::from(x >= width / 2);
            data.extend(
                parts[part]
                    .pixel(y % (height / 2), x % (width / 2))
                    .unwrap(),
            );
        }
    }
    encode_png(&RgbImage::new(width, height, data).unwrap(), Effort::Fast).unwrap()
}

pub struct World {
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, bytes).unwrap();
        path
    }

    pub fn collection(name: &str, source: Source) -> CollectionPlan {
        let config = IngestConfig::default();
        CollectionPlan {
            name: name.to_owned(),
            role: Role::Train,
            source,
            columns: Default::default(),
            defaults: Default::default(),
            select: Default::default(),
            store: StoreMode::Copy,
            min_side_px: 1,
            limits: config.limits,
            policy: config.pixels,
            grids: config.grids,
            scores: config.scores,
            max_file_bytes: 1 << 20,
            max_sidecar_bytes: 1 << 20,
            decode_timeout: Duration::from_mins(1),
            config_hash: "test".to_owned(),
        }
    }

    pub fn plan(&self, collections: Vec<CollectionPlan>) -> IngestPlan {
        IngestPlan {
            root: Root::new(self.path("root")),
            collections,
            overrides: Overrides::default(),
            duplicates: DuplicatesConfig::default(),
            download: DownloadConfig::default(),
            score_files: Vec::new(),
            shard: 0,
            of: 1,
            rehash: false,
            dry_run: false,
        }
    }

    #[expect(clippy::unused_self, reason = "a run happens in a world")]
    pub fn run(&self, plan: &IngestPlan) -> Summary {
        let summary = ingest(plan, &Silent, &Cancel::new()).unwrap();
        let counts = &summary.counts;
        let sum = counts.passed + counts.rejected + counts.failed + counts.pending + counts.gone;
        assert_eq!(counts.entered, sum, "verdicts add up");
        summary
    }

    pub fn ledger(&self) -> BTreeMap<(String, u32), LedgerRow> {
        let rows = Root::new(self.path("root")).ledger().rows().unwrap();
        rows.into_iter()
            .map(|row| ((row.source_id.clone(), row.tile), row))
            .collect()
    }

    /// Verdict and reason by the source id behind its collection; tiles as `id#n`.
    pub fn verdicts(&self) -> BTreeMap<String, String> {
        let latest = Root::new(self.path("root")).verdicts().latest().unwrap();
        let verdicts: HashMap<_, VerdictRow> =
            latest.into_values().map(|v| (v.item_id, v)).collect();
        let name = |row: &LedgerRow| {
            let name = row.source_id.split_once(':').unwrap().1.to_owned();
            if row.tile == 0 {
                name
            } else {
                format!("{name}#{}", row.tile)
            }
        };
        let words = |row: &LedgerRow| {
            let verdict = verdicts.get(&row.item_id)?;
            let word = verdict
                .reason
                .map_or(verdict.verdict.as_str(), Reason::as_str);
            Some(word.to_owned())
        };
        self.ledger()
            .values()
            .filter_map(|row| Some((name(row), words(row)?)))
            .collect()
    }
}

/// A request that was made: its path and its headers in lower case.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub head: String,
}

type Answer = dyn Fn(&str, &str, &mut TcpStream) -> std::io::Result<()> + Send + Sync;

/// A server on a port of its own, until the test ends.
pub struct Server {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// `answer` is given path, headers and the connection.
    pub fn start(
        answer: impl Fn(&str, &str, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || {
                    let mut stream = stream;
                    while let Some(seen) = request(&mut stream) {
                        log.lock().unwrap().push(seen.clone());
                        if answer(&seen.path, &seen.head, &mut stream).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| seen.path == path)
            .count()
    }

    pub fn config(&self) -> DownloadConfig {
        DownloadConfig {
            allow_private_hosts: vec![format!("127.0.0.1:{}", self.port)],
            ..DownloadConfig::default()
        }
    }
}

fn request(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1)?.to_owned();
    Some(Seen {
        path,
        head: head.to_lowercase(),
    })
}

/// A whole response.
pub fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )?;
    stream.write_all(body)
}

pub fn is_temporary(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(".tmp-"))
}
