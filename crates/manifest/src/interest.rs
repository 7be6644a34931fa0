//! Where pictures are busiest: what a crop by interest needs of the pixels, measured once.

use crate::{
    ids::{PictureId, hash},
    log::LogRow,
    table::table,
};

table! {
    /// The busiest crop of one size of one picture. Derived from pixels alone; whoever loses it measures again.
    #[derive(Clone, Debug, PartialEq)]
    pub struct InterestRow as "interest" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// `H("interest", picture_id, its size when cut, the crop's, crop index, grid, logic version)`.
        interest_key: String,
        /// The picture.
        picture_id: PictureId,
        /// Rows of the picture above the crop.
        crop_top: u32,
        /// Columns of the picture left of the crop.
        crop_left: u32,
        /// The share of the picture's edges that the crop shows, 0 to 1.
        share: f64,
    }
}

/// What a measurement is about: a crop of `size`, the `index`th of its picture, which is `whole` large when it is
/// cut, on the grid `grid`, by the rules of `logic_version`.
pub fn interest_key(
    picture: PictureId,
    whole: (u32, u32),
    size: (u32, u32),
    index: u32,
    grid: (u32, u32),
    logic_version: u32,
) -> String {
    let numbers = [
        whole.0,
        whole.1,
        size.0,
        size.1,
        index,
        grid.0,
        grid.1,
        logic_version,
    ]
    .map(|n| n.to_string());
    let mut fields = vec![picture.to_string()];
    fields.extend(numbers);
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    hex::encode(hash("interest", &fields))
}

impl LogRow for InterestRow {
    type Key = String;

    fn key(&self) -> String {
        self.interest_key.clone()
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn set_run(&mut self, run: u32) {
        self.run = run;
    }
}
