//! Crate doc.
use std::{io::{self, Read as R}, fmt::*};
mod other;
/// A thing.
/// More.
#[derive(Debug)]
pub struct Thing<T> { a: T }
impl<T: Clone> Thing<T> {
    /// Makes it.
    pub(crate) fn new(a: T) -> Self where T: Copy { if a == a && true || false { foo::bar(a) } else if x { 1 } else { match x { 1 => 2, _ => 3 } } }
    const K: u32 = 5;
}
pub trait Tr { type X; fn f(&self); }
impl Tr for Thing<u8> { fn f(&self) { println!("x"); let c = |x| x && y; } }
pub enum E { A, B }
macro_rules! m { () => {} }
mod inner { pub fn deep() {} }
pub const LONG: &[u8] = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
