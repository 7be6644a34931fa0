//! The report as one HTML file that needs nothing beside it.

use minijinja::{AutoEscape, Environment, Value, context, value::Serde};
use serde::Serialize;

use super::{
    Report, Survey, causes,
    gallery::Gallery,
    plots::{self, Mark},
    texts::CLIP_TOKENS,
};
use crate::{BucketPlan, Error};

/// Buckets that the plot shows; the table shows all.
const PLOTTED_BUCKETS: usize = 16;

/// A plot and its heading.
#[derive(Debug, Serialize)]
struct Plot {
    collection: String,
    title: String,
    note: String,
    svg: String,
}

/// The report's page: plots, tables and thumbnails of the originals, which are read for it. Every text of the data is
/// escaped.
///
/// # Errors
/// A plot or the template fails, which no data should bring about.
pub fn page(plan: &BucketPlan, survey: &Survey, report: &Report) -> Result<String, Error> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    engine.add_filter("thousands", thousands);
    engine.add_filter("percent", |share: f64| format!("{:.1} %", 100.0 * share));
    engine.add_filter("megapixels", |pixels: f64| {
        format!("{:.1} MP", pixels / 1e6)
    });
    engine.add_template("page.html", include_str!("page.html"))?;
    let mix = report.mix.as_ref().map(|mix| {
        let asked = mix.total.asked.map(|asked| asked.to_string());
        (asked, causes(mix))
    });
    let (asked, causes) = mix.unwrap_or_default();
    let shown = report.cropping.buckets.len().min(PLOTTED_BUCKETS);
    let page = engine.get_template("page.html")?.render(context! {
        report => Value::from(Serde(report)),
        asked,
        causes,
        clip_tokens => CLIP_TOKENS,
        version => env!("CARGO_PKG_VERSION"),
        adds_up => report.adds_up(),
        bucket_plot => plots::buckets((1000, 300), &report.cropping.buckets[..shown])?,
        kept_plot => plots::histogram(
            "kept area",
            (480, 240),
            "kept area, % of the picture",
            &report.cropping.kept_area_percent,
            &[],
        )?,
        token_plots => Value::from(Serde(token_plots(report)?)),
        score_plots => Value::from(Serde(score_plots(report)?)),
        gallery => Value::from(Serde(Gallery::of(plan, survey))),
    })?;
    Ok(page)
}

fn token_plots(report: &Report) -> Result<Vec<Plot>, Error> {
    report
        .texts
        .iter()
        .filter(|texts| texts.tokens.values > 0)
        .map(|texts| {
            let limit = Mark {
                at: f64::from(CLIP_TOKENS),
                label: format!("{} longer", texts.too_long),
            };
            Ok(Plot {
                collection: texts.collection.clone(),
                title: texts.collection.clone(),
                note: format!(
                    "median {:.0}, longest {:.0} tokens; {} texts, {} distinct",
                    texts.tokens.median, texts.tokens.greatest, texts.captions, texts.unique
                ),
                svg: plots::histogram(
                    "caption lengths",
                    (480, 240),
                    "CLIP tokens",
                    &texts.tokens,
                    &[limit],
                )?,
            })
        })
        .collect()
}

fn score_plots(report: &Report) -> Result<Vec<Plot>, Error> {
    report
        .scores
        .iter()
        .map(|score| {
            let histogram = &score.histogram;
            Ok(Plot {
                collection: score.collection.clone(),
                title: score.score.clone(),
                note: format!(
                    "{} items, {} to {}, median {}",
                    histogram.values,
                    plots::short(histogram.least),
                    plots::short(histogram.greatest),
                    plots::short(histogram.median)
                ),
                svg: plots::histogram(
                    "scores",
                    (350, 200),
                    &score.score,
                    histogram,
                    &Mark::of(&score.thresholds),
                )?,
            })
        })
        .collect()
}

/// A count with its thousands apart.
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
