//! A rectangle of pixels.

use crate::Error;

/// Rows `top .. top + height` and columns `left .. left + width`, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rect {
    pub top: u32,
    pub left: u32,
    pub width: u32,
    pub height: u32,
}

impl Rect {
    pub fn whole(width: u32, height: u32) -> Self {
        Self {
            top: 0,
            left: 0,
            width,
            height,
        }
    }

    /// Refuses a rectangle without area, or one that leaves a picture of this size.
    pub fn check(&self, width_px: u32, height_px: u32) -> Result<(), Error> {
        let fits = |start: u32, extent: u32, limit: u32| {
            extent > 0 && start.checked_add(extent).is_some_and(|end| end <= limit)
        };
        if fits(self.left, self.width, width_px) && fits(self.top, self.height, height_px) {
            return Ok(());
        }
        let Self {
            top,
            left,
            width,
            height,
        } = *self;
        Err(Error::OutsideImage {
            top,
            left,
            width,
            height,
            width_px,
            height_px,
        })
    }

    /// The bytes of this rectangle out of rows of `stride_px` pixels of `channels` bytes.
    /// The rectangle must have been checked against the picture.
    pub fn cut(&self, data: &[u8], stride_px: u32, channels: usize) -> Vec<u8> {
        let stride = stride_px as usize * channels;
        let (start, len) = (
            self.left as usize * channels,
            self.width as usize * channels,
        );
        let mut out = Vec::with_capacity(len * self.height as usize);
        for row in data
            .chunks_exact(stride)
            .skip(self.top as usize)
            .take(self.height as usize)
        {
            out.extend_from_slice(&row[start..start + len]);
        }
        out
    }
}
