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
    /// The address of an object store that cannot be used.
    #[error("`{}` is no place to export to: {why}\nhint: name a folder, or `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`", target.display())]
    StoreAddress {
        /// The address.
        target: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something else lies where an export shall go.
    #[error(
        "`{address}` holds {by}\nhint: export to another prefix, or remove what is there with the store's own tool"
    )]
    StoreTaken {
        /// The address.
        address: String,
        /// What is there.
        by: String,
    },
    /// An object store does not do what it was asked for. No key is in the text.
    #[error("`{address}`: {doing}: {why}\nhint: {hint}")]
    Store {
        /// The address.
        address: String,
        /// What was being done.
        doing: String,
        /// What the store says.
        why: String,
        /// What may help.
        hint: &'static str,
    },
    /// Someone asked to stop. Everything finished so far is saved.
    #[error("interrupted")]
    Interrupted,
}
