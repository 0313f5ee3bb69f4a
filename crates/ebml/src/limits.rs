//! What a stream may ask of its reader at most.

/// Bounds on what is read. Passed at construction; what goes beyond them is an error of kind `Limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest Element ID in bytes (`EBMLMaxIDLength`). Default 4.
    pub id_length: u8,
    /// Longest Element Data Size in bytes (`EBMLMaxSizeLength`). Default 8.
    pub size_length: u8,
    /// Most bytes of one element that is gathered whole (a block, a Tracks element). Default 64 MiB.
    pub element: u64,
    /// Most master elements open inside each other. Default 16.
    pub depth: usize,
    /// Most elements within one gathered master element. Default 65,536.
    pub elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { id_length: 4, size_length: 8, element: 64 << 20, depth: 16, elements: 65_536 }
    }
}
