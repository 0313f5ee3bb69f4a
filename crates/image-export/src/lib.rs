//! Decoded pictures to JPEG, PNG, WebP, NPY and raw planes
