//! What a Discord message of Midjourney or Niji says: the prompt, and what kind of output hangs on it.

/// Account ids of the bots.
const MIDJOURNEY_BOT: &str = "936929561302675456";
const NIJI_BOT: &str = "1022952195194359889";

/// A message, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// What stands between `**` and the last `** - `.
    pub prompt: Option<String>,
    /// What its picture is.
    pub kind: Kind,
    /// `n` of `Image #n`.
    pub image_number: Option<u32>,
}

/// What the picture of a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Four pictures.
    Grid,
    /// One of the four.
    Single,
    /// One, enlarged.
    Upscale,
    /// Work that had not ended.
    NotFinal,
    /// Final, but reduced.
    Reduced,
    /// A person's picture, or something else.
    #[default]
    Other,
}

impl Kind {
    /// The word of the ledger.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Grid => Some("grid"),
            Self::Single => Some("single"),
            Self::Upscale => Some("upscale"),
            Self::NotFinal => Some("progress"),
            Self::Reduced => Some("reduced"),
            Self::Other => None,
        }
    }
}

/// The generator that a bot stands for.
pub(crate) fn generator_of(author_id: &str) -> Option<&'static str> {
    match author_id {
        MIDJOURNEY_BOT => Some("midjourney"),
        NIJI_BOT => Some("niji"),
        _ => None,
    }
}

/// Whether an address is one of Discord's signed ones, which expire.
pub(crate) fn is_discord_cdn(host: &str) -> bool {
    matches!(
        host,
        "cdn.discordapp.com" | "media.discordapp.net" | "cdn.discord.com"
    )
}

/// Reads the text of a message.
pub(crate) fn read(content: &str) -> Message {
    let content = content.trim();
    let begins_work = ["Making variations for", "Upscaling image #", "Upscaling by"]
        .iter()
        .any(|start| content.starts_with(start));
    let Some(open) = content.find("**") else {
        return Message {
            kind: if begins_work {
                Kind::NotFinal
            } else {
                Kind::Other
            },
            ..Message::default()
        };
    };
    let rest = &content[open + 2..];
    // The prompt may hold `**` itself: the last one before ` - ` ends it.
    let Some(close) = rest.rfind("** - ") else {
        let prompt = rest.rfind("**").map(|close| rest[..close].to_owned());
        let tail = rest.rfind("**").map_or("", |close| &rest[close + 2..]);
        let kind = if begins_work || is_unfinished(tail) {
            Kind::NotFinal
        } else {
            Kind::Other
        };
        return Message {
            prompt: prompt.filter(|prompt| !prompt.trim().is_empty()),
            kind,
            image_number: None,
        };
    };
    let (kind, image_number) = kind_of(&rest[close + 5..]);
    Message {
        prompt: Some(rest[..close].trim().to_owned()).filter(|prompt| !prompt.is_empty()),
        kind: if begins_work { Kind::NotFinal } else { kind },
        image_number,
    }
}

/// Kind and number of an image, from what stands behind the prompt.
fn kind_of(tail: &str) -> (Kind, Option<u32>) {
    if tail.contains("(Open on website for full quality)") {
        return (Kind::Reduced, None);
    }
    if is_unfinished(tail) {
        return (Kind::NotFinal, None);
    }
    if let Some(rest) = tail.strip_prefix("Image #") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return (Kind::Single, digits.parse().ok());
    }
    let starts = |words: &[&str]| words.iter().any(|word| tail.starts_with(word));
    if starts(&["Upscaled"]) {
        return (Kind::Upscale, None);
    }
    if starts(&["<@", "Variations", "Remix", "Zoom Out", "Pan ", "Remaster"]) {
        return (Kind::Grid, None);
    }
    (Kind::Other, None)
}

/// Whether the work had not ended: waiting, a percentage, stopped, paused.
fn is_unfinished(tail: &str) -> bool {
    let marks = ["(Waiting to start)", "(Stopped)", "(paused)", "(Paused)"];
    marks.iter().any(|mark| tail.contains(mark))
        || tail.match_indices("%)").any(|(at, _)| {
            let digits = tail[..at].rsplit('(').next().unwrap_or_default();
            !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(tail: &str) -> (Kind, Option<u32>) {
        let message = read(&format!("**a cat --niji 5** - {tail}"));
        assert_eq!(message.prompt.as_deref(), Some("a cat --niji 5"), "{tail}");
        (message.kind, message.image_number)
    }

    #[test]
    fn the_tail_tells_the_kind() {
        for tail in [
            "<@1> (fast)",
            "<@1> (relaxed, stealth)",
            "Variations by <@1> (fast)",
            "Variations (Strong) by <@1> (fast)",
            "Variations (Region) by <@1> (fast)",
            "Remix by <@1> (fast)",
            "Remix (Subtle) by <@1> (turbo)",
            "Zoom Out by <@1> (fast)",
            "Pan Left by <@1> (fast)",
            "Remaster by <@1> (fast)",
        ] {
            assert_eq!(kind(tail), (Kind::Grid, None), "{tail}");
        }
        assert_eq!(kind("Image #3 <@1>"), (Kind::Single, Some(3)));
        for tail in [
            "Upscaled by <@1> (fast)",
            "Upscaled (Beta) by <@1> (fast)",
            "Upscaled (2x) by <@1> (fast)",
        ] {
            assert_eq!(kind(tail), (Kind::Upscale, None), "{tail}");
        }
        for tail in [
            "<@1> (Waiting to start)",
            "<@1> (0%) (fast)",
            "<@1> (93%) (fast)",
            "<@1> (Stopped)",
            "<@1> (paused) (relaxed)",
        ] {
            assert_eq!(kind(tail), (Kind::NotFinal, None), "{tail}");
        }
        assert_eq!(
            kind("<@1> (fast) (Open on website for full quality)"),
            (Kind::Reduced, None)
        );
    }

    #[test]
    fn a_prompt_ends_at_the_last_mark_and_may_hold_stars() {
        let message = read("**a **bold** cat ** - <@x> --ar 1:1** - <@1> (fast)");
        assert_eq!(
            message.prompt.as_deref(),
            Some("a **bold** cat ** - <@x> --ar 1:1")
        );
        assert_eq!(message.kind, Kind::Grid);
    }

    #[test]
    fn work_that_begins_is_not_final() {
        for content in [
            "Making variations for image #1 with prompt **a cat** - <@1> (fast)",
            "Upscaling image #2 with **a cat** - <@1> (Waiting to start)",
        ] {
            assert_eq!(read(content).kind, Kind::NotFinal, "{content}");
        }
        assert_eq!(read("look at my drawing").kind, Kind::Other);
        assert_eq!(read("").kind, Kind::Other);
    }
}
