//! The default list of decoder back ends, one feature each
