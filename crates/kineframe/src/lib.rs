//! From a Kinesis Video stream to exact pictures
