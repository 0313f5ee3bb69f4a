//! Shapes of coded video: avcC, Annex B, parameter sets, random access points.
