//! The bodies of the fuzz targets, compiled and tested with the crate.

use kineframe_codec::{
    BitDepth, ChromaSampling, ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients, PacketId, Picture, PixelFormat,
    Plane, Rect, Samples,
};

use crate::{
    Depth, ExportOptions, Exporter, Fit, ImageFormat, NameFields, NameTemplate, Names, Quality, Resize, SampleAspect,
    Upsampling,
};

/// Numbers from the fuzzer's bytes; 0 past their end.
struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Mostly small, sometimes any.
    fn number(&mut self) -> u32 {
        match self.byte() {
            255 => u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
            254 => u32::from(self.byte()) << 8,
            small => u32::from(small & 63),
        }
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }
}

/// Any geometry, any options, planes that may be too short: an error or a file of the promised size, never a panic.
pub fn exporter(data: &[u8]) {
    let mut dice = Dice(data);
    let mut options = ExportOptions::new(dice.pick(&ImageFormat::ALL));
    options.limits.side = 300;
    options.limits.samples = 10_000;
    options.quality = Quality::new(dice.byte() % 100 + 1).unwrap_or_default();
    let side = |dice: &mut Dice<'_>| dice.number().max(1).try_into().ok();
    options.resize = match (dice.byte() % 4, side(&mut dice), side(&mut dice)) {
        (1, Some(width), _) => Resize::Width(width),
        (2, _, Some(height)) => Resize::Height(height),
        (3, Some(width), Some(height)) => Resize::Both(width, height),
        _ => Resize::Keep,
    };
    options.fit = dice.pick(&[Fit::Stretch, Fit::Contain, Fit::Cover]);
    options.sample_aspect = SampleAspect::new(dice.number(), dice.number());
    options.square_pixels = dice.byte() & 1 == 1;
    options.depth = dice.pick(&[Depth::Eight, Depth::Sixteen]);
    options.upsampling = dice.pick(&[Upsampling::Bilinear, Upsampling::Nearest]);
    options.matrix = dice.pick(&[None, None, Some(MatrixCoefficients::Bt2020), Some(MatrixCoefficients::Other(200))]);
    options.range = dice.pick(&[None, Some(ColorRange::Full), Some(ColorRange::Limited)]);
    let chroma = dice.pick(&[
        ChromaSampling::Yuv420,
        ChromaSampling::Yuv422,
        ChromaSampling::Yuv444,
        ChromaSampling::Monochrome,
    ]);
    let depth = BitDepth::new(dice.pick(&[8, 8, 10, 9, 12, 16])).unwrap_or(BitDepth::EIGHT);
    let color = ColorSpace {
        matrix: MatrixCoefficients::from_code(dice.byte() % 12),
        range: dice.pick(&[None, Some(ColorRange::Full)]),
        siting: dice.pick(&[
            None,
            Some(ChromaSiting::Left),
            Some(ChromaSiting::Center),
            Some(ChromaSiting::TopLeft),
            Some(ChromaSiting::Top),
            Some(ChromaSiting::BottomLeft),
            Some(ChromaSiting::Bottom),
        ]),
        ..ColorSpace::default()
    };
    let visible = Rect { left: dice.number(), top: dice.number(), width: dice.number(), height: dice.number() };
    let strides = [dice.number(), dice.number(), dice.number()].map(|stride| stride as usize);
    let wrong_width = dice.byte() == 77;
    let count = if dice.byte() == 78 { 2 } else { 3 };
    // Samples repeat what is left of the bytes; how many there are is up to the fuzzer too.
    let length = dice.number().min(500) as usize * 64;
    let eight: Vec<u8> = dice.0.iter().copied().chain([7]).cycle().take(length).collect();
    let deep: Vec<u16> =
        eight.iter().zip((0..=u16::MAX).cycle()).map(|(&byte, at)| u16::from(byte) << 8 | at & 0xff).collect();
    let planes = strides.map(|stride| {
        let samples = if (depth == BitDepth::EIGHT) != wrong_width { Samples::U8(&eight) } else { Samples::U16(&deep) };
        Plane { samples, stride }
    });
    let planes = if chroma == ChromaSampling::Monochrome { &planes[..1] } else { &planes[..count] };
    let picture = Picture {
        id: PacketId(0),
        visible,
        format: PixelFormat { chroma, depth },
        color,
        damaged: false,
        planes,
        shared: None,
    };
    let format = options.format;
    let promised = (visible.width > 0 && visible.height > 0)
        .then(|| options.output_size(kineframe_codec::Size { width: visible.width, height: visible.height }));
    let mut exporter = Exporter::new(options);
    let mut first = Vec::new();
    let result = exporter.encode(&picture, &mut first);
    if let Ok(size) = result {
        assert_eq!(Some(size), promised);
        assert!(!first.is_empty());
        if format == ImageFormat::Yuv {
            let (width, height) = (size.width as usize, size.height as usize);
            let of_chroma = chroma.shifts().map_or(0, |(x, y)| width.div_ceil(1 << x) * height.div_ceil(1 << y));
            let bytes = if depth == BitDepth::EIGHT { 1 } else { 2 };
            assert_eq!(first.len(), (width * height + 2 * of_chroma) * bytes);
        }
    }
    // Buffers in use do not change what comes out.
    let mut second = Vec::new();
    assert_eq!(exporter.encode(&picture, &mut second), result);
    if result.is_ok() {
        assert!(first == second);
    }
}

/// Any template and any text: names stay in their folder and differ from each other.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (template, text) = text.split_once('\n').unwrap_or((&text, "x"));
    let Ok(template) = template.parse::<NameTemplate>() else { return };
    let mut names = Names::new(template.with_track(), "png");
    let mut seen = std::collections::HashSet::new();
    for piece in text.split('\n').take(50) {
        let fields = NameFields { fragment: Some(piece), stream: Some(piece), ..NameFields::default() };
        let name = names.next(&fields);
        let normal = |part| matches!(part, std::path::Component::Normal(_));
        assert!(name.components().all(normal), "{name:?}");
        assert!(seen.insert(name.to_string_lossy().to_lowercase()), "{name:?} twice");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_bytes_to_the_exporter(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            super::exporter(&data);
        }

        #[test]
        fn any_text_to_the_names(data in "[a-c/.{}:0\\n]{0,30}|\\{(fragment|stream|index)\\}.{0,9}\\n(.|\\n){0,50}") {
            super::names(data.as_bytes());
        }
    }
}
