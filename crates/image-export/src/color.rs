//! Which formula holds for a picture, after the options and the defaults have had their say.

use kineframe_codec::{ChromaSampling, ColorRange, MatrixCoefficients, Picture};

use crate::{ExportError, ExportOptions};

/// What the three planes are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Model {
    /// G, B, R.
    Gbr,
    /// Y', Cb, Cr by the luma coefficients of R and B (H.273 equations 38 to 43).
    YCbCr { kr: f64, kb: f64 },
}

/// The luma coefficients of BT.601, which are JFIF's.
pub(crate) const BT601: Model = Model::YCbCr { kr: 0.299, kb: 0.114 };

/// The model and the range in force.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colors {
    pub model: Model,
    pub full: bool,
}

impl Colors {
    /// What holds for a picture: the options' overrides, else the stream's words, else the defaults (BT.709
    /// from 720 lines up and BT.601 below, limited range).
    pub fn resolve(picture: &Picture<'_>, options: &ExportOptions) -> Result<Colors, ExportError> {
        let mut color = picture.color;
        // Identity is defined for 4:4:4 only (H.273 §8.3): elsewhere the code says nothing.
        let chroma = picture.format.chroma;
        if color.matrix == Some(MatrixCoefficients::Identity) && chroma != ChromaSampling::Yuv444 {
            color.matrix = None;
        }
        color.matrix = options.matrix.or(color.matrix);
        color.range = options.range.or(color.range);
        let full = color.range_or_default() == ColorRange::Full;
        let coefficients = |kr, kb| Model::YCbCr { kr, kb };
        let model = match color.matrix_or_default(picture.visible.height) {
            // Gray is the same by every matrix.
            _ if chroma == ChromaSampling::Monochrome => BT601,
            MatrixCoefficients::Identity if chroma == ChromaSampling::Yuv444 => Model::Gbr,
            MatrixCoefficients::Bt601 => BT601,
            MatrixCoefficients::Bt709 => coefficients(0.2126, 0.0722),
            MatrixCoefficients::Fcc => coefficients(0.30, 0.11),
            MatrixCoefficients::Smpte240 => coefficients(0.212, 0.087),
            MatrixCoefficients::Bt2020 => coefficients(0.2627, 0.0593),
            other => return Err(ExportError::Matrix(other)),
        };
        Ok(Colors { model, full })
    }
}

/// Rows of a 3×3 matrix.
pub(crate) type Matrix3 = [[f64; 3]; 3];

/// R'G'B' from Y', Pb, Pr (or G, B, R).
pub(crate) fn to_rgb(model: Model) -> Matrix3 {
    match model {
        Model::Gbr => [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        Model::YCbCr { kr, kb } => {
            let kg = 1.0 - kr - kb;
            let (red, blue) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
            [[1.0, 0.0, red], [1.0, -kb * blue / kg, -kr * red / kg], [1.0, blue, 0.0]]
        }
    }
}

/// BT.601's Y', Pb, Pr from R'G'B'.
const FROM_RGB: Matrix3 = [
    [0.299, 0.587, 0.114],
    [-0.299 / 1.772, -0.587 / 1.772, 0.886 / 1.772],
    [0.701 / 1.402, -0.587 / 1.402, -0.114 / 1.402],
];

/// BT.601's Y', Pb, Pr from the planes of a model. The first column of its chroma rows is 0 for every Y'CbCr
/// model, since gray is gray in all of them.
pub(crate) fn to_bt601(model: Model) -> Matrix3 {
    if model == BT601 {
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    }
    let rgb = to_rgb(model);
    let mut product = [[0.0; 3]; 3];
    for (row, out) in FROM_RGB.iter().zip(&mut product) {
        for (column, cell) in out.iter_mut().enumerate() {
            *cell = row.iter().zip(&rgb).map(|(factor, line)| factor * line[column]).sum();
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_stays_gray_and_white_stays_white() {
        for (kr, kb) in [(0.2126, 0.0722), (0.30, 0.11), (0.212, 0.087), (0.2627, 0.0593)] {
            let matrix = to_bt601(Model::YCbCr { kr, kb });
            assert!((matrix[0][0] - 1.0).abs() < 1e-12);
            assert!(matrix[1][0].abs() < 1e-12 && matrix[2][0].abs() < 1e-12);
        }
    }

    #[test]
    fn bt601_by_the_long_way_is_the_identity() {
        let rgb = to_rgb(BT601);
        for (i, row) in FROM_RGB.iter().enumerate() {
            for (j, want) in [0, 1, 2].map(|j| f64::from(u8::from(i == j))).into_iter().enumerate() {
                let cell: f64 = row.iter().zip(&rgb).map(|(factor, line)| factor * line[j]).sum();
                assert!((cell - want).abs() < 1e-12, "{i} {j}: {cell}");
            }
        }
    }
}
