//! A-law and µ-law (ITU-T G.711) to linear samples of 16 bits.
//!
//! G.711 defines its values as 13 bits (A-law) and 14 bits (µ-law) with sign; they stand in the upper bits of a sample
//! here, as everybody has them.

/// Which of the two laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// A-law, of Europe's telephones (G.711 table 1).
    A,
    /// µ-law, of those of North America and Japan (G.711 table 2).
    Mu,
}

const A_LAW: [i16; 256] = table(Law::A);
const MU_LAW: [i16; 256] = table(Law::Mu);

impl Law {
    /// The sample that a code stands for.
    ///
    /// ```
    /// use kineframe_audio::Law;
    ///
    /// assert_eq!(Law::A.sample(0xd5), 8);
    /// assert_eq!(Law::Mu.sample(0xff), 0);
    /// assert_eq!(Law::Mu.sample(0x00), -32_124);
    /// ```
    pub const fn sample(self, code: u8) -> i16 {
        match self {
            Law::A => A_LAW[code as usize],
            Law::Mu => MU_LAW[code as usize],
        }
    }

    /// Samples in little endian, two bytes for each code.
    pub fn decode(self, codes: &[u8]) -> Vec<u8> {
        let table = match self {
            Law::A => &A_LAW,
            Law::Mu => &MU_LAW,
        };
        codes.iter().flat_map(|code| table[usize::from(*code)].to_le_bytes()).collect()
    }
}

const fn table(law: Law) -> [i16; 256] {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        // Even bits are inverted on the line in A-law, all bits in µ-law.
        let bits = match law {
            Law::A => code ^ 0x55,
            Law::Mu => code ^ 0xff,
        };
        let (segment, step) = ((bits >> 4) & 7, bits & 15);
        let magnitude = match (law, segment) {
            // The middle of the step, in units of half a step; the first two segments are of one slope.
            (Law::A, 0) => (2 * step + 1) << 3,
            (Law::A, _) => (2 * step + 33) << (segment - 1 + 3),
            (Law::Mu, _) => (((2 * step + 33) << segment) - 33) << 2,
        } as i16;
        // A set sign bit is positive in A-law; in µ-law it was inverted with the rest.
        let positive = match law {
            Law::A => bits & 0x80 != 0,
            Law::Mu => bits & 0x80 == 0,
        };
        samples[code] = if positive { magnitude } else { -magnitude };
        code += 1;
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extremes_are_those_of_the_tables_of_the_recommendation() {
        // The largest values: 4,032 of 4,096 in A-law, 8,031 of 8,159 in µ-law (G.711 tables 1 and 2).
        assert_eq!((Law::A.sample(0xaa), Law::A.sample(0x2a)), (4_032 << 3, -4_032 << 3));
        assert_eq!((Law::Mu.sample(0x80), Law::Mu.sample(0x00)), (8_031 << 2, -8_031 << 2));
        assert_eq!((Law::Mu.sample(0xff), Law::Mu.sample(0x7f)), (0, 0));
        assert_eq!((Law::A.sample(0xd5), Law::A.sample(0x55)), (8, -8));
    }

    #[test]
    fn samples_rise_with_the_code_that_was_meant() {
        for (law, mask) in [(Law::A, 0xd5u8), (Law::Mu, 0xff)] {
            let positive: Vec<i16> = (0..128).map(|code: u8| law.sample(code ^ mask)).collect();
            assert!(positive.windows(2).all(|pair| pair[0] < pair[1]), "{law:?}: {positive:?}");
            let negative: Vec<i16> = (128..=255).map(|code: u8| law.sample(code ^ mask)).collect();
            assert!(positive.iter().zip(&negative).all(|(up, down)| *up == -*down), "{law:?}");
        }
        assert_eq!(Law::Mu.decode(&[0x80, 0x00]), [0x7c, 0x7d, 0x84, 0x82]);
    }
}
