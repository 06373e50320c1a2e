//! Statements that ogive answers itself, one file each.

pub(crate) mod attach;
pub(crate) mod attached_tables;
pub(crate) mod index;
pub(crate) mod prepared;
pub(crate) mod recall;
pub(crate) mod selections;
pub(crate) mod settings;
pub(crate) mod transaction;
