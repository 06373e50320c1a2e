//! Memory of syntax trees: counted by thread, so that a parse can be stopped that takes too much, and small blocks are kept for
//! the next.
//!
//! Parsers take and give back tens of millions of small blocks. Those that a thread gives back wait in lists by size, up to
//! [`KEPT_BYTES_MAX`]; all others are the C library's. Every block comes from its `malloc`, so that a tree made before this was
//! installed is freed rightly, and so is one that leaves its thread. Where the C library does not say how large a block is,
//! nothing is installed, and [`live`] is 0.

#[cfg(target_os = "linux")]
pub(super) use linux::{install, live, trim};

#[cfg(not(target_os = "linux"))]
pub(super) fn install() {}

#[cfg(not(target_os = "linux"))]
pub(super) fn live() -> isize {
    0
}

#[cfg(not(target_os = "linux"))]
pub(super) fn trim() {}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the parser's library is C and takes functions of C's kind"
)]
mod linux {
    use std::cell::Cell;
    use std::ffi::c_void;
    use std::ptr::null_mut;
    use std::sync::Once;

    use tree_sitter::Allocator;

    /// Bytes of blocks that a thread keeps.
    const KEPT_BYTES_MAX: usize = 4 << 20;
    /// Lists of blocks, by size in steps of 16 bytes.
    const CLASSES: usize = 64;

    /// A block that waits; its first word leads to the next.
    #[repr(C)]
    struct Waiting {
        next: *mut Waiting,
    }

    /// What a thread has.
    struct Heap {
        /// Bytes taken by the thread and not given back by it: negative where it frees what others made.
        live: Cell<isize>,
        kept: Cell<usize>,
        lists: [Cell<*mut Waiting>; CLASSES],
    }

    thread_local! {
        static HEAP: Heap = const {
            Heap {
                live: Cell::new(0),
                kept: Cell::new(0),
                lists: [const { Cell::new(null_mut()) }; CLASSES],
            }
        };
    }

    impl Drop for Heap {
        fn drop(&mut self) {
            for list in &self.lists {
                let mut block = list.replace(null_mut());
                while !block.is_null() {
                    // SAFETY: blocks of the lists are of `malloc`, large enough for a pointer, and in one list once.
                    unsafe {
                        let next = (*block).next;
                        libc::free(block.cast());
                        block = next;
                    }
                }
            }
        }
    }

    /// Bytes that this thread has taken and not given back.
    pub fn live() -> isize {
        HEAP.try_with(|heap| heap.live.get()).unwrap_or(0)
    }

    /// Gives memory that is free back to the system.
    pub fn trim() {
        #[cfg(target_env = "gnu")]
        // SAFETY: `malloc_trim` may be called at any time.
        unsafe {
            libc::malloc_trim(0);
        }
    }

    /// Makes the parser's library take its memory here. Only the first call does anything.
    pub fn install() {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let allocator = Allocator {
                malloc,
                calloc,
                realloc,
                free,
            };
            // SAFETY: all blocks are of the C library's `malloc`, as they were before, so it does not matter which of both
            // gave a block and which takes it back; no function returns null.
            unsafe { tree_sitter::set_allocator(Some(allocator)) };
        });
    }

    fn count(taken: usize, given_back: usize) {
        let _ = HEAP.try_with(|heap| {
            let change = taken.cast_signed() - given_back.cast_signed();
            heap.live.set(heap.live.get() + change);
        });
    }

    fn size_of_block(block: *mut c_void) -> usize {
        // SAFETY: the caller has the block of `malloc`, or null, of which the size is 0.
        unsafe { libc::malloc_usable_size(block) }
    }

    /// Counts a block of the C library; without memory the program ends, as with the library's own functions.
    fn taken(block: *mut c_void, size: usize) -> *mut c_void {
        if block.is_null() && size > 0 {
            std::process::abort();
        }
        count(size_of_block(block), 0);
        block
    }

    /// A waiting block of at least `size` bytes.
    fn take_waiting(size: usize) -> Option<*mut c_void> {
        // Blocks of list n hold 16 n + 8 bytes or more: what glibc's hold.
        let class = size.checked_add(7)? / 16;
        HEAP.try_with(|heap| {
            let list = heap.lists.get(class)?;
            let block = list.get();
            if block.is_null() {
                return None;
            }
            // SAFETY: a block in a list is nobody else's, and begins with the pointer to the next.
            list.set(unsafe { (*block).next });
            let held = size_of_block(block.cast());
            heap.kept.set(heap.kept.get() - held);
            heap.live.set(heap.live.get() + held.cast_signed());
            Some(block.cast())
        })
        .ok()
        .flatten()
    }

    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        // SAFETY: `malloc` may be called with any size.
        take_waiting(size).unwrap_or_else(|| taken(unsafe { libc::malloc(size) }, size))
    }

    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        if let Some(bytes) = count.checked_mul(size)
            && let Some(block) = take_waiting(bytes)
        {
            // SAFETY: the block holds at least that many bytes and is nobody else's.
            unsafe { block.cast::<u8>().write_bytes(0, bytes) };
            return block;
        }
        // SAFETY: `calloc` may be called with any sizes; it checks their product.
        taken(
            unsafe { libc::calloc(count, size) },
            count.saturating_mul(size),
        )
    }

    unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
        if block.is_null() {
            // SAFETY: as `malloc`.
            return unsafe { malloc(size) };
        }
        count(0, size_of_block(block));
        // SAFETY: the caller gives a block of `malloc` that it does not use again.
        taken(unsafe { libc::realloc(block, size) }, size)
    }

    unsafe extern "C" fn free(block: *mut c_void) {
        if block.is_null() {
            return;
        }
        let size = size_of_block(block);
        let is_kept = HEAP.try_with(|heap| {
            heap.live.set(heap.live.get() - size.cast_signed());
            let Some(list) = size
                .checked_sub(8)
                .and_then(|size| heap.lists.get(size / 16))
            else {
                return false;
            };
            if size < size_of::<Waiting>() || heap.kept.get() + size > KEPT_BYTES_MAX {
                return false;
            }
            heap.kept.set(heap.kept.get() + size);
            let block: *mut Waiting = block.cast();
            // SAFETY: the caller gave the block away; it is aligned as `malloc`'s are and holds a pointer.
            unsafe { block.write(Waiting { next: list.get() }) };
            list.set(block);
            true
        });
        if !is_kept.unwrap_or(false) {
            // SAFETY: a block of `malloc` that is in no list.
            unsafe { libc::free(block) };
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn blocks_hold_what_was_asked_for_and_are_counted() {
            let before = live();
            let mut blocks: Vec<(*mut u8, usize, u8)> = Vec::new();
            for round in 0..4_u8 {
                for size in (1..1200).step_by(7) {
                    // SAFETY: sizes are above 0, and blocks are written within theirs.
                    unsafe {
                        let block: *mut u8 = match round % 2 {
                            0 => malloc(size).cast(),
                            _ => calloc(1, size).cast(),
                        };
                        if round % 2 == 1 {
                            assert!((0..size).all(|at| *block.add(at) == 0));
                        }
                        block.write_bytes(round, size);
                        blocks.push((block, size, round));
                    }
                }
                // Every third is made larger, every second is given back.
                for at in (0..blocks.len()).step_by(3) {
                    let (block, size, mark) = blocks[at];
                    // SAFETY: the block is of this module and replaced.
                    unsafe {
                        let block: *mut u8 = realloc(block.cast(), size + 100).cast();
                        assert!((0..size).all(|at| *block.add(at) == mark));
                        blocks[at].0 = block;
                    }
                }
                let mut at = 0;
                blocks.retain(|(block, size, mark)| {
                    at += 1;
                    if at % 2 == 0 {
                        return true;
                    }
                    // SAFETY: the block is of this module and leaves the list.
                    unsafe {
                        assert!((0..*size).all(|at| *block.add(at) == *mark));
                        free(block.cast());
                    }
                    false
                });
            }
            assert!(live() - before > 0);
            for (block, _, _) in blocks {
                // SAFETY: the block is of this module and not used again.
                unsafe { free(block.cast()) };
            }
            assert_eq!(live(), before);
        }
    }
}
