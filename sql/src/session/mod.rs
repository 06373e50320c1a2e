//! Sessions: what every door gives its text to, and what programs with a session of DataFusion's own register.

mod error;
mod register;
#[expect(
    clippy::module_inception,
    reason = "the session is the room's main piece"
)]
mod session;

pub use error::{ErrorFields, shortened};
pub use register::register_all;
pub use session::{Session, SessionBuilder};
