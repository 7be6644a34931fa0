//! `terminus demo`: draws a collection.

use anyhow::Context as _;
use serde_json::json;
use terminus_demo::{Options, Scale};
use terminus_manifest::run::Progress as _;

use crate::{
    cli::{DemoArgs, DemoScale},
    context::{print_json, set_threads},
    exit::Interrupted,
    interrupt::Interrupt,
    terminal::Terminal,
};

pub(super) fn demo(args: &DemoArgs) -> anyhow::Result<()> {
    set_threads(args.common.threads)?;
    let options = Options {
        folder: args.folder.clone(),
        images: args.images,
        seed: args.seed,
        scale: match args.scale {
            DemoScale::Whole => Scale::Whole,
            DemoScale::Quarter => Scale::Quarter,
            DemoScale::Eighth => Scale::Eighth,
        },
    };
    if args.common.dry_run {
        eprintln!(
            "demo: would draw {} pictures into `{}`",
            args.images,
            args.folder.display()
        );
        return Ok(());
    }
    let interrupt = Interrupt::watch()?;
    let terminal = Terminal::new(args.common.quiet);
    terminal.start("demo", Some(u64::from(args.images)), "pictures");
    let drawn = terminus_demo::draw(&options, &|done| terminal.advance(done), &|| {
        interrupt.cancel.is_cancelled()
    });
    terminal.finish();
    if interrupt.cancel.is_cancelled() {
        let resume = format!("terminus demo {}", args.folder.display());
        return Err(Interrupted {
            signal: interrupt.signal(),
            resume,
        }
        .into());
    }
    let summary = drawn.with_context(|| format!("drawing into `{}`", args.folder.display()))?;
    if args.common.json {
        print_json(&json!({ "schema_version": 1, "verb": "demo", "summary": summary }))
    } else {
        eprintln!(
            "demo: {} pictures in `{}`",
            args.images,
            args.folder.display()
        );
        Ok(())
    }
}
