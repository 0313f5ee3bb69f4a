//! Where pieces of a body come from: files, standard input, memory, and wrappers for tests
