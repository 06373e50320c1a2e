//! A device made of the processor: the same kernels, compiled by a C++ compiler, called by name with the arguments that the
//! driver would take. Memory of the device is memory of the host, with a limit, so that running out of it can be tested.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;
use std::process::Command;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock};

use super::{Address, Driver, QueueId};
use crate::{Device, DeviceInfo, Error, Result};

type RunKernel = unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> c_int;

#[derive(Debug)]
pub(crate) struct Emulated {
    info: DeviceInfo,
    run: RunKernel,
    /// Sizes of what is allocated.
    allocated: Mutex<BTreeMap<Address, usize>>,
    room: usize,
}

/// The kernels, compiled once; `None`, said aloud, where there is no C++ compiler.
fn compiled() -> Option<RunKernel> {
    static COMPILED: OnceLock<Option<RunKernel>> = OnceLock::new();
    *COMPILED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("kernels.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels/host.cc");
        for compiler in ["c++", "g++", "clang++"] {
            let made = Command::new(compiler)
                .args(["-std=c++17", "-O2", "-ffp-contract=off", "-fno-fast-math"])
                .args(["-shared", "-fPIC", "-x", "c++"])
                .arg(&source)
                .arg("-o")
                .arg(&library)
                .output();
            match made {
                Err(_) => continue,
                Ok(made) => assert!(
                    made.status.success(),
                    "{compiler}: {}",
                    String::from_utf8_lossy(&made.stderr)
                ),
            }
            // SAFETY: a library of functions without initialisers, which stays loaded.
            unsafe {
                let library = Box::leak(Box::new(libloading::Library::new(&library).unwrap()));
                let run: RunKernel = *library.get(b"ogive_run_kernel").unwrap();
                return Some(run);
            }
        }
        println!("skipped: no C++ compiler to make the kernels' twins with");
        None
    })
}

/// A device of so many bytes; `None` where there is no C++ compiler.
pub(crate) fn device(room: usize) -> Option<Device> {
    let run = compiled()?;
    Some(Device::of(Arc::new(Emulated {
        info: DeviceInfo {
            name: "emulated".to_string(),
            memory_bytes: room as u64,
            driver: "none".to_string(),
            compute_capability: (0, 0),
        },
        run,
        allocated: Mutex::default(),
        room,
    })))
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes.max(1), 256).unwrap()
}

impl Emulated {
    /// Panics unless the range lies in something allocated.
    fn assert_inside(&self, address: Address, bytes: usize) {
        let allocated = self.allocated.lock().unwrap();
        let (start, length) = allocated.range(..=address).next_back().unwrap();
        assert!(
            address + bytes as u64 <= start + *length as u64,
            "past the end"
        );
    }
}

impl Driver for Emulated {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn free_bytes(&self) -> Result<u64> {
        let used: usize = self.allocated.lock().unwrap().values().sum();
        Ok((self.room - used) as u64)
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        if self.free_bytes()? < bytes as u64 {
            return Err(Error::Memory {
                bytes: bytes as u64,
                place: "the memory of the device",
            });
        }
        // SAFETY: the size is not 0. Filled with something that is not zero, as memory of a device may be.
        let address = unsafe {
            let made = alloc_zeroed(layout(bytes));
            made.write_bytes(0xa5, bytes);
            made as Address
        };
        self.allocated.lock().unwrap().insert(address, bytes);
        Ok(address)
    }

    fn release(&self, address: Address) {
        let bytes = self.allocated.lock().unwrap().remove(&address).unwrap();
        // SAFETY: it was allocated with that layout.
        unsafe { dealloc(address as *mut u8, layout(bytes)) };
    }

    fn allocate_pinned(&self, bytes: usize) -> Result<NonNull<u8>> {
        // SAFETY: the size is not 0.
        Ok(NonNull::new(unsafe { alloc_zeroed(layout(bytes)) }).unwrap())
    }

    unsafe fn release_pinned(&self, memory: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise: it was allocated with that layout.
        unsafe { dealloc(memory.as_ptr(), layout(bytes)) };
    }

    fn open_queue(&self) -> Result<QueueId> {
        Ok(QueueId(0))
    }

    fn close_queue(&self, _queue: QueueId) {}

    unsafe fn upload(&self, _: QueueId, from: *const u8, to: Address, bytes: usize) -> Result<()> {
        self.assert_inside(to, bytes);
        // SAFETY: the caller's promise, and the assertion above.
        unsafe { std::ptr::copy_nonoverlapping(from, to as *mut u8, bytes) };
        Ok(())
    }

    unsafe fn download(&self, _: QueueId, from: Address, to: *mut u8, bytes: usize) -> Result<()> {
        self.assert_inside(from, bytes);
        // SAFETY: the caller's promise, and the assertion above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to, bytes) };
        Ok(())
    }

    unsafe fn copy(&self, _: QueueId, from: Address, to: Address, bytes: usize) -> Result<()> {
        self.assert_inside(from, bytes);
        self.assert_inside(to, bytes);
        // SAFETY: the caller's promise, and the assertions above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    unsafe fn fill(&self, _: QueueId, at: Address, byte: u8, bytes: usize) -> Result<()> {
        self.assert_inside(at, bytes);
        // SAFETY: the caller's promise, and the assertion above.
        unsafe { (at as *mut u8).write_bytes(byte, bytes) };
        Ok(())
    }

    unsafe fn launch(
        &self,
        _: QueueId,
        kernel: &'static str,
        items: u64,
        arguments: &mut [*mut c_void],
    ) -> Result<()> {
        if items == 0 {
            return Ok(());
        }
        let name = CString::new(kernel).unwrap();
        // SAFETY: the caller's promise: the arguments are those of the kernel.
        let found = unsafe { (self.run)(name.as_ptr(), arguments.as_mut_ptr()) };
        assert_eq!(found, 0, "no kernel is called {kernel}");
        Ok(())
    }

    fn wait(&self, _queue: QueueId) -> Result<()> {
        Ok(())
    }
}
