//! What ends the bucket stage. What is wrong with one item is a verdict, never one of these.

/// Why the stage could not run, go on or publish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the contract cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] terminus_manifest::Error),
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Nothing to publish.
    #[error(
        "no item of recipe `{recipe}` gives a sample: {entered} came in, {rejected} were rejected, {failed} failed\nhint: `terminus report` shows the reasons; {pending} items have not been captioned yet"
    )]
    NoSamples {
        /// The recipe.
        recipe: String,
        /// Items that captioning passed.
        entered: u64,
        /// Items that the settings do not want.
        rejected: u64,
        /// Items that could not be used.
        failed: u64,
        /// Items that earlier stages have not judged.
        pending: u64,
    },
    /// The asked ratio cannot be reached, and the recipe does not allow less.
    #[error(
        "the mix asks for {missing} places more than samples can take\nhint: add samples, ask for less in `[mix]`, raise `mix.max_repeats`, or set `mix.on_shortfall = \"report\"`"
    )]
    Shortfall {
        /// Places that nothing can take.
        missing: u64,
    },
    /// The plotting library refused a plot.
    #[error("the plot `{plot}` of the report cannot be drawn: {why}")]
    Plot {
        /// What it shows.
        plot: &'static str,
        /// What the library says.
        why: String,
    },
    /// The template engine refused the report's page.
    #[error("the page of the report cannot be put together: {0:#}")]
    Page(#[from] minijinja::Error),
    /// The folder that should be written holds something.
    #[error("`{}` is not empty\nhint: name a folder that does not exist yet, or remove this one", target.display())]
    TargetTaken {
        /// The folder.
        target: std::path::PathBuf,
    },
    /// The address of an object store, where a folder is wanted.
    #[error("`{}` is an address, not a folder: `{scheme}` is not written to\nhint: export to a folder, and copy that with the store's own tool", target.display())]
    NoObjectStore {
        /// The address.
        target: std::path::PathBuf,
        /// What it begins with.
        scheme: String,
    },
    /// Someone asked to stop. Everything finished so far is saved.
    #[error("interrupted")]
    Interrupted,
}
