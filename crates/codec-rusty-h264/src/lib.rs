//! H.264 decoder back end over the rusty_h264 crate
