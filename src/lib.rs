//! ogive
