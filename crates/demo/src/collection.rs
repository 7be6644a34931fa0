//! The collection on disk: folders, sidecars, the truth file, and the run that fills them.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

use crate::encode;
use crate::options::{Error, Options, Scale, Summary};
use crate::picture;
use crate::plan::{Plan, Subject};

/// The version of the drawings: pictures of another version are other pictures.
const DRAWING_VERSION: u32 = 1;

/// `demo.json`: which collection lies in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    drawing_version: u32,
    seed: u64,
    scale: Scale,
    images: u32,
}

impl Stamp {
    fn words(&self) -> String {
        let Self {
            drawing_version,
            seed,
            scale,
            images,
        } = self;
        format!(
            "{images} images, seed {seed}, scale {scale}, drawings of version {drawing_version}"
        )
    }
}

/// Draws the collection into `options.folder`:
///
/// - `midjourney/<index>_<words>.{png,jpg,webp}` with a prompt in `.txt` beside each,
/// - `anchors/<index>.{jpg,png,webp}`: about one image in ten, photo-like, without captions,
/// - `truth.jsonl`: file, size, prompt and attributes of every image in order of index,
/// - `demo.json`: seed, scale and number of images.
///
/// Every image depends on its index and the seed alone, so the bytes are the same whatever the
/// number of threads. Images that lie there already, of the same seed and scale, are kept; a call
/// for more images adds to them. Runs on rayon's current pool. `on_image` is told the number of
/// finished images (kept ones included) after each; `cancelled` is asked before each.
///
/// # Errors
/// [`Error::OtherCollection`] where the folder holds a collection of another seed, scale or
/// version, or a larger one; [`Error::Cancelled`]; I/O errors with their path.
pub fn draw(
    options: &Options,
    on_image: &(dyn Fn(u64) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Summary, Error> {
    let folder = options.folder.as_path();
    for part in ["midjourney", "anchors"] {
        fs_err::create_dir_all(folder.join(part))?;
    }
    stamp(options)?;
    let plan = |index| Plan::new(options.seed, index, options.scale);
    write_truth(folder, (0..u64::from(options.images)).map(plan))?;
    let done = AtomicU64::new(0);
    let summary = (0..u64::from(options.images))
        .into_par_iter()
        .map(|index| {
            let images = u64::from(options.images);
            if cancelled() {
                return Err(Error::Cancelled {
                    done: done.load(Ordering::Relaxed),
                    images,
                });
            }
            let summary = draw_one(folder, &plan(index))?;
            on_image(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(summary)
        })
        .try_reduce(Summary::default, |a, b| Ok(a.plus(&b)));
    match summary {
        // The count of a cancelled run is that of the moment when its last image was finished.
        Err(Error::Cancelled { images, .. }) => Err(Error::Cancelled {
            done: done.into_inner(),
            images,
        }),
        summary => summary,
    }
}

impl Summary {
    fn plus(self, other: &Self) -> Self {
        Self {
            images: self.images + other.images,
            drawn: self.drawn + other.drawn,
            kept: self.kept + other.kept,
            characters: self.characters + other.characters,
            scenes: self.scenes + other.scenes,
            grids: self.grids + other.grids,
            anchors: self.anchors + other.anchors,
            size_bytes: self.size_bytes + other.size_bytes,
        }
    }
}

/// Makes sure that the folder holds this collection or none, and says so in `demo.json`.
fn stamp(options: &Options) -> Result<(), Error> {
    let Options {
        folder,
        images,
        seed,
        scale,
    } = options;
    let asked = Stamp {
        drawing_version: DRAWING_VERSION,
        seed: *seed,
        scale: *scale,
        images: *images,
    };
    let path = folder.join("demo.json");
    if path.exists() {
        let text = fs_err::read_to_string(&path)?;
        let found: Stamp = serde_json::from_str(&text).map_err(|source| Error::BadStamp {
            path: path.clone(),
            source,
        })?;
        if found == asked {
            return Ok(());
        }
        // A call for more pictures of the same collection adds to it; any other call would mix two.
        let grown = Stamp {
            images: asked.images.max(found.images),
            ..found
        };
        if grown != asked {
            return Err(Error::OtherCollection {
                folder: folder.clone(),
                found: found.words(),
                asked: asked.words(),
            });
        }
    }
    let mut text = serde_json::to_vec(&asked).map_err(|source| Error::BadStamp {
        path: path.clone(),
        source,
    })?;
    text.push(b'\n');
    write_atomically(&path, &text)?;
    Ok(())
}

fn write_truth(folder: &Path, plans: impl Iterator<Item = Plan>) -> Result<(), Error> {
    let path = folder.join("truth.jsonl");
    let mut lines = Vec::new();
    for plan in plans {
        serde_json::to_writer(&mut lines, &plan.truth()).map_err(std::io::Error::from)?;
        lines.push(b'\n');
    }
    write_atomically(&path, &lines)?;
    Ok(())
}

fn draw_one(folder: &Path, plan: &Plan) -> Result<Summary, Error> {
    let path = folder.join(plan.file());
    if let Some(prompt) = &plan.prompt {
        let sidecar = path.with_extension("txt");
        if !sidecar.exists() {
            write_atomically(&sidecar, prompt.as_bytes())?;
        }
    }
    let mut summary = Summary {
        images: 1,
        grids: u64::from(plan.is_grid),
        ..Summary::default()
    };
    match plan.subject {
        Subject::Character(..) => summary.characters = 1,
        Subject::Scene(_) => summary.scenes = 1,
        Subject::Photo(_) => summary.anchors = 1,
    }
    if path.exists() {
        summary.kept = 1;
        summary.size_bytes = fs_err::metadata(&path)?.len();
        return Ok(summary);
    }
    let (width_px, height_px) = plan.size;
    let picture = picture::draw(plan).ok_or_else(|| Error::NoPixels {
        path: path.clone(),
        width_px,
        height_px,
    })?;
    let bytes = encode::encode(&picture, plan.format).map_err(|source| Error::Encode {
        path: path.clone(),
        source,
    })?;
    write_atomically(&path, &bytes)?;
    summary.drawn = 1;
    summary.size_bytes = bytes.len() as u64;
    Ok(summary)
}

/// Writes to a hidden name in the same folder, syncs and renames.
fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp"));
    let mut file = fs_err::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs_err::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn options(folder: &Path, images: u32) -> Options {
        Options {
            folder: folder.to_owned(),
            images,
            seed: 7,
            scale: Scale::Eighth,
        }
    }

    fn drawn(folder: &Path, images: u32, threads: usize) -> Summary {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| draw(&options(folder, images), &|_| (), &|| false))
            .unwrap()
    }

    /// Every file below `folder` with its bytes.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for part in ["", "midjourney", "anchors"] {
            for entry in fs_err::read_dir(folder.join(part)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let bytes = fs_err::read(&path).unwrap();
                    files.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
                }
            }
        }
        files
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_number_of_threads() {
        let (one, four) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let summary = drawn(one.path(), 30, 1);
        assert_eq!(drawn(four.path(), 30, 4), summary);
        assert_eq!(summary.images, 30);
        assert_eq!(summary.anchors, 3);
        assert_eq!(summary.anchors + summary.characters + summary.scenes, 30);
        // An image each, a sidecar for each drawing, truth and stamp.
        let files_of_one = files(one.path());
        assert_eq!(files_of_one.len(), 30 + 27 + 2);
        assert!(files_of_one == files(four.path()));
    }

    #[test]
    fn a_second_call_keeps_everything_and_a_larger_one_adds() {
        let (grown, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        drawn(grown.path(), 6, 2);
        let before = files(grown.path());
        let again = drawn(grown.path(), 6, 2);
        assert_eq!((again.drawn, again.kept), (0, 6));
        assert!(before == files(grown.path()));
        let more = drawn(grown.path(), 11, 2);
        assert_eq!((more.drawn, more.kept), (5, 6));
        drawn(whole.path(), 11, 2);
        assert!(files(grown.path()) == files(whole.path()));
    }

    #[test]
    fn another_seed_scale_or_a_smaller_number_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drawn(folder.path(), 4, 1);
        let good = options(folder.path(), 4);
        let others = [
            Options {
                seed: 8,
                ..good.clone()
            },
            Options {
                scale: Scale::Quarter,
                ..good.clone()
            },
            Options { images: 3, ..good },
        ];
        for other in others {
            let error = draw(&other, &|_| (), &|| false).unwrap_err();
            assert!(matches!(error, Error::OtherCollection { .. }), "{error}");
            assert!(error.to_string().contains("hint: "), "{error}");
        }
    }

    #[test]
    fn a_cancelled_call_leaves_whole_files_and_the_next_one_finishes() {
        let (stopped, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let done = AtomicU64::new(0);
        let count = |n| done.store(n, Ordering::Relaxed);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let asked = options(stopped.path(), 12);
        let error = pool
            .install(|| draw(&asked, &count, &|| done.load(Ordering::Relaxed) >= 5))
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Cancelled {
                    done: 5,
                    images: 12
                }
            ),
            "{error}"
        );
        assert_eq!(drawn(stopped.path(), 12, 2).kept, 5);
        drawn(whole.path(), 12, 2);
        assert!(files(stopped.path()) == files(whole.path()));
    }

    #[test]
    fn every_image_decodes_at_the_size_that_the_truth_names() {
        let folder = tempfile::tempdir().unwrap();
        drawn(folder.path(), 20, 2);
        for line in fs_err::read_to_string(folder.path().join("truth.jsonl"))
            .unwrap()
            .lines()
        {
            let truth: serde_json::Value = serde_json::from_str(line).unwrap();
            let bytes = fs_err::read(folder.path().join(truth["file"].as_str().unwrap())).unwrap();
            let header =
                terminus_pixels::inspect(&bytes, &terminus_pixels::Limits::default()).unwrap();
            assert_eq!(
                u64::from(header.width_px),
                truth["width_px"].as_u64().unwrap()
            );
            assert_eq!(
                u64::from(header.height_px),
                truth["height_px"].as_u64().unwrap()
            );
        }
    }
}
