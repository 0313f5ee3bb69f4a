//! EBML and Matroska bytes for tests: a writer, cutters and diffs, with no code shared with what they test
