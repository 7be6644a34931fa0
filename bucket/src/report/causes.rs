//! Why a mix is what it is, in sentences.

use terminus_manifest::{generation::MixRecord, plan::CollectionRule};

/// What made the achieved mix differ from the asked one, or repeat samples; nothing if it is just what was asked.
pub fn causes(record: &MixRecord) -> Vec<String> {
    let mut causes = Vec::new();
    let mix = &record.total;
    let anchor = mix.by_role.anchor;
    for (collection, short) in &record.short_by_collection {
        let most = record
            .rules
            .max_repeats
            .map_or(0, std::num::NonZeroU32::get);
        causes.push(format!(
            "`{collection}` is {short} places short: `max_repeats = {most}` lets none of its samples come more often"
        ));
    }
    if mix.shortfall > 0 && anchor.available == 0 && anchor.places == 0 {
        causes.push(format!(
            "{} places are short: there are no anchors",
            mix.shortfall
        ));
    }
    for (collection, rule) in &record.rules.collections {
        let Some(part) = record.by_collection.get(collection) else {
            causes.push(format!(
                "`{collection}` has a rule in `[mix]` and no sample in the train split"
            ));
            continue;
        };
        let asked = match rule {
            CollectionRule::Share(share) => format!("asked for {share} of its role's places"),
            CollectionRule::Weight(weight) => format!("weighs {weight}"),
        };
        causes.push(format!(
            "`{collection}` {asked}, and has {} of {} samples",
            part.places, part.available
        ));
    }
    if anchor.places > anchor.available && anchor.available > 0 {
        let (least, rest) = (
            anchor.places / anchor.available,
            anchor.places % anchor.available,
        );
        let times = if rest == 0 {
            format!("{least} times")
        } else {
            format!("{least} or {} times", least + 1)
        };
        causes.push(format!(
            "{} anchors fill {} places, so each comes {times}",
            anchor.available, anchor.places
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
