//! H.264 decoder back end over Cisco's OpenH264
