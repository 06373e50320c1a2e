//! What a query wants its user to know beside its rows.

use parking_lot::Mutex;

/// Warnings of a session, in the order they came up; put it into the session's configuration
/// with `SessionConfig::with_extension` and take them out after each statement.
#[derive(Debug, Default)]
pub struct Warnings {
    messages: Mutex<Vec<String>>,
}

impl Warnings {
    /// Adds one, and logs it for programs that do not ask.
    pub fn push(&self, message: String) {
        log::warn!("{message}");
        self.messages.lock().push(message);
    }

    /// The warnings so far; the next call starts afresh.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.messages.lock())
    }
}
