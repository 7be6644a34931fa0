//! The report as tables for a terminal.

use std::fmt;

use comfy_table::{Cell, CellAlignment, Table, presets};
use terminus_manifest::{plan::AnchorRatio, words::Stage};

use super::{Report, causes};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.generation, &self.created_at) {
            (Some(number), Some(at)) => {
                writeln!(
                    f,
                    "recipe {}, generation {number}, published {at}",
                    self.recipe
                )?;
            }
            _ => writeln!(f, "recipe {}, nothing published yet", self.recipe)?,
        }
        writeln!(f, "\n{}", self.stages())?;
        let reasons = self.reasons();
        if !reasons.is_empty() {
            writeln!(f, "\n{reasons}")?;
        }
        if self.generation.is_some() {
            writeln!(f, "\n{}", self.mix_table())?;
            self.write_ratio(f)?;
            writeln!(f, "\n{}", self.bucket_table())?;
            writeln!(f, "\n{}", self.packing_table())?;
        }
        write!(f, "\n{}", self.yield_table())
    }
}

/// A table with a header, the first `texts` columns of which are text and the others numbers.
pub(super) fn table(header: &[&str], texts: usize) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(header.to_vec());
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if number >= texts {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

impl Report {
    fn stages(&self) -> Table {
        let header = [
            "collection",
            "role",
            "stage",
            "in",
            "passed",
            "rejected",
            "failed",
            "pending",
            "gone",
        ];
        let mut table = table(&header, 3);
        for collection in &self.collections {
            let account = &collection.account;
            for &stage in Stage::ALL {
                let counts = account.stages.get(&stage).copied().unwrap_or_default();
                let is_first = stage == Stage::Ingest;
                let mut row = vec![
                    Cell::new(if is_first { account.name.as_str() } else { "" }),
                    Cell::new(if is_first { account.role.as_str() } else { "" }),
                    Cell::new(stage),
                ];
                row.extend(
                    [
                        counts.entered,
                        counts.passed,
                        counts.rejected,
                        counts.failed,
                        counts.pending,
                        counts.gone,
                    ]
                    .map(Cell::new),
                );
                table.add_row(row);
            }
        }
        table
    }

    fn reasons(&self) -> Table {
        let mut table = table(&["collection", "stage", "reason", "items"], 3);
        for collection in &self.collections {
            for (stage, reasons) in &collection.account.reasons {
                for (reason, count) in reasons {
                    table.add_row([
                        Cell::new(&collection.account.name),
                        Cell::new(stage),
                        Cell::new(reason),
                        Cell::new(count),
                    ]);
                }
            }
        }
        table
    }

    fn mix_table(&self) -> Table {
        let header = [
            "collection",
            "role",
            "samples",
            "in train",
            "places",
            "unique",
            "repeats",
            "fill",
        ];
        let mut table = table(&header, 2);
        for collection in &self.collections {
            let mix = collection.mix;
            let mut row = vec![
                Cell::new(&collection.account.name),
                Cell::new(collection.account.role),
            ];
            row.extend(
                [
                    collection.samples,
                    mix.available,
                    mix.places,
                    mix.unique,
                    mix.repeats,
                    mix.fill,
                ]
                .map(Cell::new),
            );
            table.add_row(row);
        }
        table
    }

    fn write_ratio(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mix) = &self.mix else { return Ok(()) };
        let total = &mix.total;
        let places = total.by_role.train.places + total.by_role.anchor.places;
        let anchors = total.by_role.anchor.places;
        let achieved = total.achieved;
        match total.asked {
            Some(asked) => {
                let of = match asked {
                    AnchorRatio::ShareOfAll(_) => places,
                    AnchorRatio::RatioToTrain(_) => total.by_role.train.places,
                };
                write!(
                    f,
                    "anchors: asked {asked}, achieved {achieved:.6} = {anchors} of {of} places"
                )?;
            }
            None => write!(f, "anchors: no ratio asked, {anchors} of {places} places")?,
        }
        if total.shortfall > 0 {
            write!(f, "; {} places short", total.shortfall)?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "  {} samples are held out for validation",
            self.validation_samples
        )?;
        for cause in causes(mix) {
            writeln!(f, "  {cause}")?;
        }
        Ok(())
    }

    fn bucket_table(&self) -> Table {
        let mut table = table(&["bucket", "samples"], 1);
        for bucket in &self.buckets {
            let size = format!("{}x{}", bucket.width, bucket.height);
            table.add_row([Cell::new(size), Cell::new(bucket.samples)]);
        }
        table
    }

    fn packing_table(&self) -> Table {
        let mut table = table(&["packing", "samples"], 1);
        for (packing, count) in &self.packings {
            table.add_row([Cell::new(packing), Cell::new(count)]);
        }
        table
    }

    fn yield_table(&self) -> Table {
        let mut table = table(
            &["collection", "size", "pictures", "samples", "kept area"],
            2,
        );
        for row in &self.yields {
            table.add_row([
                Cell::new(&row.collection),
                Cell::new(format!("{}x{}", row.width, row.height)),
                Cell::new(row.pictures),
                Cell::new(row.samples),
                Cell::new(format!("{:.1} %", 100.0 * row.kept_area)),
            ]);
        }
        table
    }
}
