//! Pixels: a decoded image in sRGB, scaled and turned.

use std::io::Cursor;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};

/// Eight bits a channel, without padding: RGB, or RGBA where there is transparency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub data: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub alpha: bool,
}

/// An image as its file holds it: colours by its own profile, turned as the camera was.
pub struct Decoded {
    pixels: Pixels,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

impl Decoded {
    /// Decodes a still image. Its header has been checked against the limits before.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        let broken = |error: image::ImageError| format!("cannot be decoded: {error}");
        if lacks_its_end(bytes) {
            return Err("is cut off: upload or copy it again".to_owned());
        }
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| format!("cannot be decoded: {error}"))?;
        // The header's own limit on pixels stands; this one is for what it does not foretell.
        reader.no_limits();
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let profile = decoder.icc_profile().ok().flatten();
        let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        Ok(Self { pixels: Pixels::from(image), orientation, profile })
    }

    /// Scaled to a width as shown, then turned and put into sRGB: the fewer pixels, the faster.
    pub fn to_width(&self, width: u32) -> Result<Pixels, String> {
        self.shown(width, ResizeAlg::Convolution(FilterType::Lanczos3))
    }

    /// The same for a few pixels that only hint at the image, from a sample of its own.
    pub fn hint(&self, width: u32) -> Result<Pixels, String> {
        self.shown(width, ResizeAlg::SuperSampling(FilterType::Box, 8))
    }

    /// Whether it has few colours for its size, like a logo or a screenshot: such images are often
    /// smaller without loss than with it.
    pub fn is_graphic(&self) -> bool {
        self.pixels.is_graphic()
    }

    /// Whether anything shows through it.
    pub fn has_alpha(&self) -> bool {
        self.pixels.alpha
    }

    fn shown(&self, width: u32, algorithm: ResizeAlg) -> Result<Pixels, String> {
        let Self { pixels, orientation, profile } = self;
        let orientation = *orientation;
        let (shown_width, shown_height) = if super::header::sideways(orientation) {
            (pixels.height, pixels.width)
        } else {
            (pixels.width, pixels.height)
        };
        let height = height_for(shown_width, shown_height, width);
        let (width, height) =
            if super::header::sideways(orientation) { (height, width) } else { (width, height) };
        let mut pixels = pixels.sized(width, height, algorithm)?;
        if let Some(profile) = profile {
            to_srgb(&mut pixels, profile);
        }
        Ok(pixels.turned(orientation))
    }
}

/// A JPEG that is cut off would be shown with grey where its end should be. Its last scan must be
/// followed by the marker of its end; neither marker occurs inside a scan.
fn lacks_its_end(bytes: &[u8]) -> bool {
    let last = |marker: u8| memchr::memmem::rfind(bytes, &[0xff, marker]);
    bytes.starts_with(&[0xff, 0xd8, 0xff]) && last(0xd9) < last(0xda)
}

/// The height that keeps the shape at another width.
pub fn height_for(width: u32, height: u32, wanted: u32) -> u32 {
    let scaled =
        (u64::from(height) * u64::from(wanted) + u64::from(width) / 2) / u64::from(width.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

impl From<DynamicImage> for Pixels {
    fn from(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        if !image.color().has_alpha() {
            return Self { data: image.into_rgb8().into_raw(), width, height, alpha: false };
        }
        let data = image.into_rgba8().into_raw();
        Self { data, width, height, alpha: true }.without_needless_alpha()
    }
}

impl Pixels {
    /// An alpha channel that hides nothing costs time and bytes.
    fn without_needless_alpha(self) -> Self {
        if !self.alpha || self.data.chunks_exact(4).any(|pixel| pixel[3] != 255) {
            return self;
        }
        let data = self.data.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        Self { data: data.collect(), alpha: false, ..self }
    }

    /// Scaled to a width that is not above its own.
    pub fn scaled(&self, width: u32) -> Result<Self, String> {
        let height = height_for(self.width, self.height, width);
        self.sized(width, height, ResizeAlg::Convolution(FilterType::Lanczos3))
    }

    fn sized(&self, width: u32, height: u32, algorithm: ResizeAlg) -> Result<Self, String> {
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        self.resized(width, height, algorithm)
    }

    fn resized(&self, width: u32, height: u32, algorithm: ResizeAlg) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("cannot be scaled: {error}");
        let kind = if self.alpha { PixelType::U8x4 } else { PixelType::U8x3 };
        let source =
            fast_image_resize::images::ImageRef::new(self.width, self.height, &self.data, kind)
                .map_err(|error| failed(&error))?;
        let mut target = Image::new(width, height, kind);
        let options = ResizeOptions::new().resize_alg(algorithm);
        Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
        Ok(Self { data: target.into_vec(), width, height, alpha: self.alpha })
    }

    fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let alpha = self.alpha;
        let Some(mut image) = self.into_image() else { return Self::empty() };
        image.apply_orientation(orientation);
        let (width, height) = (image.width(), image.height());
        Self { data: image.into_bytes(), width, height, alpha }
    }

    /// The same for the image crate's encoders.
    pub fn into_image(self) -> Option<DynamicImage> {
        let (width, height) = (self.width, self.height);
        if self.alpha {
            RgbaImage::from_raw(width, height, self.data).map(DynamicImage::ImageRgba8)
        } else {
            RgbImage::from_raw(width, height, self.data).map(DynamicImage::ImageRgb8)
        }
    }

    fn empty() -> Self {
        Self { data: vec![0; 3], width: 1, height: 1, alpha: false }
    }

    /// See [`Decoded::is_graphic`].
    pub fn is_graphic(&self) -> bool {
        let channels = if self.alpha { 4 } else { 3 };
        let pixels = self.data.len() / channels;
        let step = (pixels / SAMPLE).max(1);
        let sample = self.data.chunks_exact(channels).step_by(step);
        let colours: std::collections::HashSet<&[u8]> = sample.clone().collect();
        colours.len() * 16 < sample.count()
    }
}

/// How many pixels tell a drawing from a photograph.
const SAMPLE: usize = 40_000;

/// Converts by an embedded profile; one that cannot be read, or is not for RGB, changes nothing.
fn to_srgb(pixels: &mut Pixels, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let layout = if pixels.alpha { Layout::Rgba } else { Layout::Rgb };
    let options = TransformOptions::default();
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, options) else {
        return;
    };
    if !changes_colours(&*transform, pixels.alpha) {
        return;
    }
    let mut converted = vec![0; pixels.data.len()];
    if transform.transform(&pixels.data, &mut converted).is_ok() {
        pixels.data = converted;
    }
}

/// Most profiles are sRGB under another name. A cube of colours tells.
fn changes_colours(transform: &(dyn TransformExecutor<u8> + Send + Sync), alpha: bool) -> bool {
    let steps = [0_u8, 32, 64, 96, 128, 160, 192, 224, 255];
    let mut cube = Vec::new();
    for r in steps {
        for g in steps {
            for b in steps {
                cube.extend_from_slice(&[r, g, b]);
                cube.extend(alpha.then_some(255));
            }
        }
    }
    let mut converted = vec![0; cube.len()];
    transform.transform(&cube, &mut converted).is_ok()
        && cube.iter().zip(&converted).any(|(a, b)| a.abs_diff(*b) > 1)
}
