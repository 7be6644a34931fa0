//! The words of a request.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use terminus_pixels::{PillowFilter, RgbImage, Subsampling, encode_jpeg};

use crate::speaker::Ask;

/// JPEG quality of the pictures that are sent.
const QUALITY: u8 = 92;

/// A picture as a `data:` address, its longer side at most `max_side_px`.
///
/// # Errors
/// It cannot be encoded.
pub(super) fn picture(
    image: &RgbImage,
    max_side_px: u32,
) -> Result<String, terminus_pixels::Error> {
    let longer = image.width_px.max(image.height_px);
    let small;
    let image = if longer > max_side_px {
        let scaled = |side: u32| {
            let side = u64::from(side) * u64::from(max_side_px) / u64::from(longer);
            (side as u32).max(1)
        };
        let (width, height) = (scaled(image.width_px), scaled(image.height_px));
        small = image.resized_as_pillow(width, height, PillowFilter::Lanczos);
        &small
    } else {
        image
    };
    let bytes = encode_jpeg(image, QUALITY, Subsampling::Both)?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}

/// The request for one answer.
pub(super) fn request(model: &str, ask: &Ask<'_>, picture: &str) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [{
            "role": "user",
            "content": [
                { "type": "image_url", "image_url": { "url": picture } },
                { "type": "text", "text": ask.prompt },
            ],
        }],
        "max_tokens": ask.max_new_tokens,
        "temperature": 0.0,
    });
    if let (Some(sampling), Some(body)) = (ask.sampling, body.as_object_mut()) {
        body.insert("temperature".to_owned(), json!(sampling.temperature));
        body.insert("top_p".to_owned(), json!(sampling.top_p));
        // Below 2^53, so that no reader of JSON rounds it.
        body.insert("seed".to_owned(), json!(ask.seed >> 33));
    }
    body
}
