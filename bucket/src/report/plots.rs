//! Plots as SVG.

use plotters::{
    prelude::{
        ChartBuilder, DrawingArea, IntoDrawingArea, IntoFont, IntoSegmentedCoord, PathElement,
        RGBColor, Rectangle, SVGBackend, SegmentValue, Text,
    },
    style::{
        Color, ShapeStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{cropping::BucketCropping, histogram::Histogram, scores::Threshold};
use crate::Error;

/// What there is.
const MAIN: RGBColor = RGBColor(0x3b, 0x6e, 0xa5);
/// What is lost.
const LOST: RGBColor = RGBColor(0xd9, 0xdf, 0xe7);
/// Where a line is drawn.
const LIMIT: RGBColor = RGBColor(0xc2, 0x3b, 0x4b);
/// Axes and words.
const INK: RGBColor = RGBColor(0x55, 0x5f, 0x6e);

/// A line across a plot, and what it says.
pub(super) struct Mark {
    /// Where it stands.
    pub at: f64,
    /// What it says.
    pub label: String,
}

impl Mark {
    /// The lines of a score's thresholds.
    pub(super) fn of(thresholds: &[Threshold]) -> Vec<Self> {
        thresholds
            .iter()
            .map(|threshold| Self {
                at: threshold.value,
                label: format!("{} {}", threshold.reason, threshold.items),
            })
            .collect()
    }
}

/// A histogram, `size_px` large, with its marks; `unit` names the x axis.
pub(super) fn histogram(
    plot: &'static str,
    size_px: (u32, u32),
    unit: &str,
    histogram: &Histogram,
    marks: &[Mark],
) -> Result<String, Error> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size_px).into_drawing_area();
        draw_histogram(&area, unit, histogram, marks).map_err(|why| Error::Plot { plot, why })?;
    }
    Ok(responsive(&svg))
}

fn draw_histogram(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    unit: &str,
    histogram: &Histogram,
    marks: &[Mark],
) -> Result<(), String> {
    let from = marks.iter().fold(histogram.start, |x, mark| x.min(mark.at));
    let end = histogram.start + histogram.step * histogram.counts.len() as f64;
    let to = marks.iter().fold(end, |x, mark| x.max(mark.at));
    let margin = (to - from).max(histogram.step) * 0.02;
    let tallest = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .x_label_area_size(34)
        .y_label_area_size(40)
        .build_cartesian_2d(from - margin..to + margin, 0.0..tallest * 1.15)
        .map_err(|error| error.to_string())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(ShapeStyle::from(&INK.mix(0.0)))
        .bold_line_style(INK.mix(0.15))
        .axis_style(INK.mix(0.5))
        .label_style(("sans-serif", 11).into_font().color(&INK))
        .x_desc(unit)
        .x_labels(7)
        .y_labels(4)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|count| short(*count))
        .draw()
        .map_err(|error| error.to_string())?;
    let bars = histogram
        .bars()
        .filter(|(.., count)| *count > 0)
        .map(|(from, to, count)| {
            let gap = (to - from) * 0.06;
            Rectangle::new([(from + gap, 0.0), (to - gap, count as f64)], MAIN.filled())
        });
    chart.draw_series(bars).map_err(|error| error.to_string())?;
    for mark in marks {
        let line = vec![(mark.at, 0.0), (mark.at, tallest * 1.05)];
        let is_right = mark.at > f64::midpoint(from, to);
        let side = if is_right { HPos::Right } else { HPos::Left };
        let word = ("sans-serif", 11)
            .into_font()
            .color(&LIMIT)
            .pos(Pos::new(side, VPos::Top));
        chart
            .draw_series(std::iter::once(PathElement::new(
                line,
                LIMIT.stroke_width(2),
            )))
            .map_err(|error| error.to_string())?;
        chart
            .draw_series(std::iter::once(Text::new(
                mark.label.clone(),
                (mark.at, tallest * 1.14),
                word,
            )))
            .map_err(|error| error.to_string())?;
    }
    area.present().map_err(|error| error.to_string())
}

/// Samples of each bucket, and above them, in the same measure, what was cut off: lost ÷ kept pixels.
pub(super) fn buckets(size_px: (u32, u32), buckets: &[BucketCropping]) -> Result<String, Error> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size_px).into_drawing_area();
        draw_buckets(&area, buckets).map_err(|why| Error::Plot {
            plot: "buckets",
            why,
        })?;
    }
    Ok(responsive(&svg))
}

fn draw_buckets(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    buckets: &[BucketCropping],
) -> Result<(), String> {
    let megapixels = |pixels: u64| pixels as f64 / 1e6;
    let tallest = buckets
        .iter()
        .map(|bucket| megapixels(bucket.kept_pixels + bucket.lost_pixels))
        .fold(0.001, f64::max);
    // An axis of one bucket has no length.
    let last = buckets.len().max(2) - 1;
    let label = |value: &SegmentValue<usize>| match value {
        SegmentValue::CenterOf(at) => buckets
            .get(*at)
            .map_or(String::new(), |b| format!("{}×{}", b.width, b.height)),
        _ => String::new(),
    };
    let labels = ("sans-serif", 11).into_font().color(&INK);
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .x_label_area_size(24)
        .y_label_area_size(52)
        .build_cartesian_2d((0..last).into_segmented(), 0.0..tallest * 1.08)
        .map_err(|error| error.to_string())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(ShapeStyle::from(&INK.mix(0.0)))
        .bold_line_style(INK.mix(0.15))
        .axis_style(INK.mix(0.5))
        .x_labels(buckets.len().max(1))
        .x_label_formatter(&label)
        .x_label_style(labels)
        .y_label_style(("sans-serif", 11).into_font().color(&INK))
        .axis_desc_style(("sans-serif", 11).into_font().color(&INK))
        .y_desc("megapixels")
        .y_labels(5)
        .draw()
        .map_err(|error| error.to_string())?;
    let bar = |at: usize, from: f64, to: f64, colour: RGBColor| {
        let corners = [
            (SegmentValue::Exact(at), from),
            (SegmentValue::Exact(at + 1), to),
        ];
        let mut bar = Rectangle::new(corners, colour.filled());
        bar.set_margin(0, 0, 3, 3);
        bar
    };
    let kept = buckets.iter().map(|bucket| megapixels(bucket.kept_pixels));
    let lost = buckets.iter().map(|bucket| megapixels(bucket.lost_pixels));
    let bars: Vec<_> = kept
        .zip(lost)
        .enumerate()
        .flat_map(|(at, (kept, lost))| [bar(at, 0.0, kept, MAIN), bar(at, kept, kept + lost, LOST)])
        .collect();
    chart.draw_series(bars).map_err(|error| error.to_string())?;
    area.present().map_err(|error| error.to_string())
}

/// A number as briefly as it can be told apart from its neighbours on an axis.
pub(super) fn short(number: f64) -> String {
    let decimals = match number.abs() {
        size if size >= 100.0 => 0,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The plot as wide as its place allows.
fn responsive(svg: &str) -> String {
    svg.replacen("<svg ", "<svg class=\"plot\" role=\"img\" ", 1)
}
