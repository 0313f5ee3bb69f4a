//! Where the contexts of each syntax element lie, and the values that they begin with (H.265 tables 9-5 to 9-37).

pub(super) const SAO_MERGE: usize = 0;
pub(super) const SAO_TYPE: usize = 1;
pub(super) const SPLIT_CU: usize = 2;
pub(super) const TRANSQUANT_BYPASS: usize = 5;
pub(super) const SKIP: usize = 6;
pub(super) const QP_DELTA: usize = 9;
pub(super) const PRED_MODE: usize = 11;
pub(super) const PART_MODE: usize = 12;
pub(super) const PREV_INTRA: usize = 16;
pub(super) const CHROMA_MODE: usize = 17;
pub(super) const MERGE_FLAG: usize = 18;
pub(super) const MERGE_INDEX: usize = 19;
pub(super) const INTER_PRED: usize = 20;
pub(super) const REF_INDEX: usize = 25;
pub(super) const MVD_GREATER0: usize = 27;
pub(super) const MVD_GREATER1: usize = 28;
pub(super) const MVP_FLAG: usize = 29;
pub(super) const ROOT_CBF: usize = 30;
pub(super) const SPLIT_TRANSFORM: usize = 31;
pub(super) const CBF_LUMA: usize = 34;
pub(super) const CBF_CHROMA: usize = 36;
pub(super) const TRANSFORM_SKIP: usize = 41;
pub(super) const LAST_X: usize = 43;
pub(super) const LAST_Y: usize = 61;
pub(super) const CODED_SUB_BLOCK: usize = 79;
pub(super) const SIGNIFICANT: usize = 83;
pub(super) const GREATER1: usize = 127;
pub(super) const GREATER2: usize = 151;
pub(super) const RDPCM: usize = 157;
pub(super) const RDPCM_DIR: usize = 159;
pub(super) const RES_SCALE: usize = 161;
pub(super) const RES_SCALE_SIGN: usize = 169;
pub(super) const CHROMA_OFFSET_FLAG: usize = 171;
pub(super) const CHROMA_OFFSET_INDEX: usize = 172;
pub(super) const CONTEXTS: usize = 173;

/// `initValue` of each context, by `initType`; 154 where a type has none.
#[rustfmt::skip]
pub(super) const INIT: [[u8; CONTEXTS]; 3] = [
    [
        153, 200, 139, 141, 157, 154, 154, 154, 154, 154, 154, 154, 184, 154, 154, 154, 184, 63, 154, 154,
        154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 153, 138, 138, 111, 141, 94, 138, 182, 154, 154,
        139, 139,
        110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63,
        110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63,
        91, 171, 134, 141,
        111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125, 107,
        125, 141, 179, 153, 125, 140, 139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111, 141, 111,
        140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, 139, 107, 122, 152, 140, 179, 166, 182, 140, 227,
        122, 197, 138, 153, 136, 167, 152, 152,
        139, 139, 139, 139, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154,
    ],
    [
        153, 185, 107, 139, 126, 154, 197, 185, 201, 154, 154, 149, 154, 139, 154, 154, 154, 152, 110, 122,
        95, 79, 63, 31, 31, 153, 153, 140, 198, 168, 79, 124, 138, 94, 153, 111, 149, 107, 167, 154, 154,
        139, 139,
        125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108,
        125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108,
        121, 140, 61, 154,
        155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 166,
        183, 140, 136, 153, 154, 170, 153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140, 140, 140,
        154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 137, 169, 194, 166, 167, 154, 167,
        137, 182, 107, 167, 91, 122, 107, 167,
        139, 139, 139, 139, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154,
    ],
    [
        153, 160, 107, 139, 126, 154, 197, 185, 201, 154, 154, 134, 154, 139, 154, 154, 183, 152, 154, 137,
        95, 79, 63, 31, 31, 153, 153, 169, 198, 168, 79, 224, 167, 122, 153, 111, 149, 92, 167, 154, 154,
        139, 139,
        125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93,
        125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93,
        121, 140, 61, 154,
        170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 166,
        183, 140, 136, 153, 154, 170, 153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140, 140, 140,
        154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 122, 169, 208, 166, 167, 154, 152,
        167, 182, 107, 167, 91, 107, 107, 167,
        139, 139, 139, 139, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154,
    ],
];

/// `ctxIdxMap` of `sig_coeff_flag` in 4×4 blocks (table 9-50), by line and column.
pub(super) const SIGNIFICANT_4X4: [u8; 16] = [0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8, 8];

/// Column and line of each place of a 4×4 scan (§6.5.3 to §6.5.5): diagonal, horizontal, vertical.
pub(super) const SCAN_4X4: [[(u8, u8); 16]; 3] = [diagonal(), rows(), columns()];

const fn diagonal() -> [(u8, u8); 16] {
    let mut scan = [(0, 0); 16];
    let (mut place, mut sum) = (0, 0);
    while sum < 7 {
        // Each diagonal from its lower left end.
        let mut x = 0;
        while x <= sum && x < 4 {
            if sum - x < 4 {
                scan[place] = (x, sum - x);
                place += 1;
            }
            x += 1;
        }
        sum += 1;
    }
    scan
}

const fn rows() -> [(u8, u8); 16] {
    let mut scan = [(0, 0); 16];
    let mut place = 0;
    while place < 16 {
        scan[place] = (place as u8 % 4, place as u8 / 4);
        place += 1;
    }
    scan
}

const fn columns() -> [(u8, u8); 16] {
    let mut scan = [(0, 0); 16];
    let mut place = 0;
    while place < 16 {
        scan[place] = (place as u8 / 4, place as u8 % 4);
        place += 1;
    }
    scan
}

/// Column and line of each sub-block of a block with `side` of them a line (1, 2, 4 or 8), in the order of the scan.
pub(super) fn sub_block(scan: usize, side: u8, place: u8) -> (u8, u8) {
    match scan {
        // 8×8 blocks alone have sub-blocks in these scans: two a line.
        1 => (place % side, place / side),
        2 => (place / side, place % side),
        _ => {
            let (mut left, mut sum) = (place, 0);
            loop {
                // Places of the diagonal: columns from `first` on, up to the lesser of `sum` and the last one.
                let first = (sum + 1_u8).saturating_sub(side);
                let count = sum.min(side - 1) - first + 1;
                if left < count {
                    return (first + left, sum - first - left);
                }
                left -= count;
                sum += 1;
            }
        }
    }
}
