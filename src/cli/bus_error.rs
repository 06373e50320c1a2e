//! A mapped file that is cut short while it is read.
//!
//! The system then sends SIGBUS, and nothing can be read on. What can be done is to say which file it was.

/// Says in one line, before the process ends, which file was cut short.
#[cfg(unix)]
#[expect(unsafe_code, reason = "signal handlers are installed by libc")]
pub fn name_files_on_bus_error() {
    // SAFETY: an all-zero `sigaction` is a valid one; the handler has the signature that `SA_SIGINFO` asks for, and calls
    // only what is allowed in a signal handler.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            on_bus_error;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
    }
}

#[cfg(not(unix))]
pub fn name_files_on_bus_error() {}

#[cfg(unix)]
#[expect(unsafe_code, reason = "signal handlers speak to the system directly")]
extern "C" fn on_bus_error(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    // SAFETY: the system passes a valid `info` to a handler with `SA_SIGINFO`.
    let address = unsafe { (*info).si_addr() } as usize;
    let Some(name) = ogive_table_providers::mapped_file_at(address) else {
        // Not ours: what would have happened without this handler, as the faulting instruction runs again.
        // SAFETY: restoring the default is allowed in a handler.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        return;
    };
    for text in [
        "error: ",
        name,
        " was cut short while it was read; run the query again, or SET ogive.memory_map = off to read without a map\n",
    ] {
        // SAFETY: `write` is allowed in a handler, and the text is valid for its length.
        unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: `_exit` is allowed in a handler.
    unsafe { libc::_exit(1) }
}
