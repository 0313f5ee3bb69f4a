//! Conformance kit: any decoder back end against the same streams
