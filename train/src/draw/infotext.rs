//! A picture's parameters in the words that A1111 writes and `ComfyUI` and model sites read.

use std::fmt::{self, Write as _};

use crate::config::Solver;

/// What a picture was drawn with.
#[derive(Clone, Debug)]
pub struct Infotext {
    /// As it was given, weights and all.
    pub prompt: String,
    /// As it was given; none if none was.
    pub negative_prompt: Option<String>,
    /// Steps of a whole walk.
    pub steps: usize,
    /// The solver.
    pub solver: Solver,
    /// Strength of guidance.
    pub guidance_scale: f64,
    /// Share of its rescaling.
    pub guidance_rescale: f64,
    /// The picture's own seed.
    pub seed: u64,
    /// Width and height.
    pub size: (u32, u32),
    /// The model file's name without its ending.
    pub model: String,
    /// First ten digits of the model file's sha256, if it is known.
    pub model_hash: Option<String>,
    /// Share of the walk that was taken, if it began with a picture.
    pub strength: Option<f64>,
    /// Blur of the mask in pixels, if there was one.
    pub mask_blur: Option<u32>,
    /// Factor and strength of a second walk.
    pub upscale: Option<(f64, f64)>,
}

/// Prompt, negative prompt and a line of settings.
impl fmt::Display for Infotext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.prompt)?;
        if let Some(negative) = self
            .negative_prompt
            .as_deref()
            .filter(|text| !text.is_empty())
        {
            writeln!(f, "Negative prompt: {negative}")?;
        }
        let mut line = format!(
            "Steps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}",
            self.steps,
            self.solver.display_name(),
            self.guidance_scale,
            self.seed,
            self.size.0,
            self.size.1
        );
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                // Writing to a string cannot fail.
                let _ = write!(line, ", {name}: {}", quoted(&value));
            }
        };
        add("Model hash", self.model_hash.clone());
        add("Model", Some(self.model.clone()));
        let rescale = (self.guidance_rescale > 0.0).then(|| self.guidance_rescale.to_string());
        add("CFG Rescale", rescale);
        add("Denoising strength", self.strength.map(|s| s.to_string()));
        add("Mask blur", self.mask_blur.map(|blur| blur.to_string()));
        add(
            "Hires upscale",
            self.upscale.map(|(factor, _)| factor.to_string()),
        );
        add(
            "Hires strength",
            self.upscale.map(|(_, strength)| strength.to_string()),
        );
        add(
            "Version",
            Some(concat!("terminus ", env!("CARGO_PKG_VERSION")).to_owned()),
        );
        f.write_str(&line)
    }
}

/// A value with commas or colons stands in quotes, as readers of these lines expect.
fn quoted(value: &str) -> String {
    if value.contains([',', ':', '\n', '"']) {
        format!("{value:?}")
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_one_that_web_interfaces_read() {
        let text = Infotext {
            prompt: "a (red:1.2) cat, night".to_owned(),
            negative_prompt: Some("blurry".to_owned()),
            steps: 30,
            solver: Solver::DpmPlusPlus2m,
            guidance_scale: 7.5,
            guidance_rescale: 0.7,
            seed: 42,
            size: (1024, 768),
            model: "terminus, v2".to_owned(),
            model_hash: Some("0123456789".to_owned()),
            strength: None,
            mask_blur: None,
            upscale: None,
        };
        let expected = "a (red:1.2) cat, night\nNegative prompt: blurry\nSteps: 30, Sampler: DPM++ 2M, CFG scale: 7.5, \
                        Seed: 42, Size: 1024x768, Model hash: 0123456789, Model: \"terminus, v2\", CFG Rescale: 0.7, \
                        Version: terminus 0.1.0";
        assert_eq!(text.to_string(), expected);
    }
}
