//! H.264 decoder back end over the rust_h264 crate
