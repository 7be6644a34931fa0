//! Why a mix is what it is, in sentences.

use terminus_manifest::plan::Mix;

/// What made the achieved mix differ from the asked one, or repeat samples; nothing if it is just what was asked.
pub fn causes(mix: &Mix) -> Vec<String> {
    let mut causes = Vec::new();
    let anchor = mix.by_role.anchor;
    if mix.shortfall > 0 {
        causes.push(format!(
            "{} places are short: no sample could take them",
            mix.shortfall
        ));
    }
    if anchor.places > anchor.available && anchor.available > 0 {
        causes.push(format!(
            "{} anchors fill {} places, so each comes {} or {} times",
            anchor.available,
            anchor.places,
            anchor.places / anchor.available,
            anchor.places.div_ceil(anchor.available)
        ));
    } else if anchor.places < anchor.available && anchor.places > 0 {
        causes.push(format!(
            "{} of {} anchors have a place in each epoch; all have had one after {} epochs",
            anchor.places,
            anchor.available,
            anchor.available.div_ceil(anchor.places)
        ));
    }
    if mix.asked.is_some() && mix.shortfall == 0 && anchor.places > 0 {
        causes.push(
            "the count of anchors is the nearest whole number to the ratio; what is left is rounding"
                .to_owned(),
        );
    }
    causes
}
