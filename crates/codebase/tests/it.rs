//! Tests of the crate from outside, in one program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod it {
    mod archive;
    mod bad_input;
    mod cache;
    mod compress;
    mod python_ast;
    mod second_opinion;
    mod walk;
}
