//! NVIDIA's driver, by its library, which is loaded when it is first asked for.

use std::collections::BTreeMap;
use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::result::{self, DriverError, stream::StreamKind};
use cudarc::driver::sys;

use super::{Address, Driver, QueueId};
use crate::ptx::MODULES;
use crate::{DeviceInfo, Error, Result};

/// Warps of a block: what kernels reserve memory for.
const WARPS: u32 = 4;
/// Blocks that a multiprocessor has work for at most; kernels go over items in strides of the grid.
const BLOCKS_EACH: u32 = 32;

/// The first device that the driver offers, with its kernels loaded.
#[derive(Debug)]
pub(crate) struct Cuda {
    info: DeviceInfo,
    context: sys::CUcontext,
    kernels: BTreeMap<&'static str, sys::CUfunction>,
    blocks_max: u32,
    /// Streams nobody uses; opening one takes longer than a small kernel.
    idle: Mutex<Vec<usize>>,
}

// SAFETY: handles of the driver may be used from any thread once the thread has made the context its own, which every method
// does first.
unsafe impl Send for Cuda {}
// SAFETY: as above; the driver locks what it shares.
unsafe impl Sync for Cuda {}

fn error(call: &'static str, found: DriverError) -> Error {
    let text = |text: Result<&std::ffi::CStr, DriverError>| {
        text.map_or_else(
            |_| "unknown".to_string(),
            |text| text.to_string_lossy().into_owned(),
        )
    };
    Error::Driver {
        call,
        code: text(found.error_name()),
        message: text(found.error_string()),
    }
}

trait OrError<T> {
    fn or_error(self, call: &'static str) -> Result<T>;
}

impl<T> OrError<T> for Result<T, DriverError> {
    fn or_error(self, call: &'static str) -> Result<T> {
        self.map_err(|found| error(call, found))
    }
}

fn memory<T>(
    made: Result<T, DriverError>,
    call: &'static str,
    bytes: usize,
    place: &'static str,
) -> Result<T> {
    made.map_err(|found| match found.0 {
        sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => Error::Memory {
            bytes: bytes as u64,
            place,
        },
        _ => error(call, found),
    })
}

/// Finds the first device. Never panics: where there is no driver, that is the error.
pub(crate) fn open() -> Result<Arc<dyn Driver>> {
    // The names that drivers go by; the loader tries some more.
    let looked_for = || {
        let names = cudarc::get_lib_name_candidates("cuda");
        let last = names.last().cloned();
        names.into_iter().take(1).chain(last).collect()
    };
    // SAFETY: loads the library of that name and runs what it runs when it is loaded, which is what is asked for.
    if !unsafe { sys::is_culib_present() } {
        return Err(Error::NoDriver {
            looked_for: looked_for(),
        });
    }
    // A library of that name without the functions of the driver makes the loader panic.
    match catch_unwind(AssertUnwindSafe(Cuda::open)) {
        Ok(opened) => Ok(Arc::new(opened?)),
        Err(_) => Err(Error::NoDriver {
            looked_for: looked_for(),
        }),
    }
}

impl Cuda {
    fn open() -> Result<Cuda> {
        let no_device = || Error::NoDevice {
            visible: std::env::var("CUDA_VISIBLE_DEVICES")
                .map_or_else(|_| "not set".to_string(), |devices| format!("'{devices}'")),
        };
        match result::init() {
            Err(found) if found.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => return Err(no_device()),
            other => other.or_error("cuInit")?,
        }
        if result::device::get_count().or_error("cuDeviceGetCount")? == 0 {
            return Err(no_device());
        }
        let device = result::device::get(0).or_error("cuDeviceGet")?;
        let name = result::device::get_name(device).or_error("cuDeviceGetName")?;
        use sys::CUdevice_attribute as Attribute;
        // SAFETY: the device is one that the driver gave.
        let attribute = |attribute| unsafe {
            result::device::get_attribute(device, attribute).or_error("cuDeviceGetAttribute")
        };
        let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        if (major, minor) < (7, 5) {
            return Err(Error::TooOld {
                device: name,
                major,
                minor,
            });
        }
        let processors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let mut version = 0;
        // SAFETY: writes one number.
        unsafe { sys::cuDriverGetVersion(&mut version) }
            .result()
            .or_error("cuDriverGetVersion")?;
        // SAFETY: the device is one that the driver gave.
        let memory_bytes =
            unsafe { result::device::total_mem(device).or_error("cuDeviceTotalMem")? } as u64;
        // SAFETY: the device is one that the driver gave; the context is kept for the life of the process, as is this.
        let context = unsafe {
            let context =
                result::primary_ctx::retain(device).or_error("cuDevicePrimaryCtxRetain")?;
            result::ctx::set_current(context).or_error("cuCtxSetCurrent")?;
            context
        };
        let mut kernels = BTreeMap::new();
        for module in MODULES {
            // SAFETY: PTX that ends in a zero byte.
            let loaded = unsafe {
                result::module::load_data(module.ptx.as_ptr().cast())
                    .or_error("cuModuleLoadData")?
            };
            for name in module.kernels {
                let c_name = CString::new(*name).map_err(|_| Error::Unsupported {
                    what: format!("a kernel called {name:?}"),
                })?;
                // SAFETY: the module was just loaded and is never unloaded.
                let function = unsafe {
                    result::module::get_function(loaded, c_name).or_error("cuModuleGetFunction")?
                };
                kernels.insert(*name, function);
            }
        }
        Ok(Cuda {
            info: DeviceInfo {
                name,
                memory_bytes,
                driver: format!("CUDA {}.{}", version / 1000, version % 1000 / 10),
                compute_capability: (major as u32, minor as u32),
            },
            context,
            kernels,
            blocks_max: processors.max(1) as u32 * BLOCKS_EACH,
            idle: Mutex::default(),
        })
    }

    /// Makes the context that of this thread.
    fn enter(&self) -> Result<()> {
        // SAFETY: the context is kept for the life of the process.
        unsafe { result::ctx::set_current(self.context).or_error("cuCtxSetCurrent") }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stream(queue: QueueId) -> sys::CUstream {
    queue.0 as sys::CUstream
}

impl Driver for Cuda {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn free_bytes(&self) -> Result<u64> {
        self.enter()?;
        let (free, _) = result::mem_get_info().or_error("cuMemGetInfo")?;
        Ok(free as u64)
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        self.enter()?;
        // SAFETY: the memory is given back by `release` alone.
        let made = unsafe { result::malloc_sync(bytes.max(1)) };
        memory(made, "cuMemAlloc", bytes, "the memory of the device")
    }

    fn release(&self, address: Address) {
        if self.enter().is_ok() {
            // SAFETY: it is of `allocate`; the driver waits for what uses it. An error says that the context is gone, and the
            // memory with it.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    fn allocate_pinned(&self, bytes: usize) -> Result<NonNull<u8>> {
        self.enter()?;
        // SAFETY: the memory is given back by `release_pinned` alone.
        let made = unsafe { result::malloc_host(bytes.max(1), 0) };
        let made = memory(
            made,
            "cuMemHostAlloc",
            bytes,
            "page-locked memory of the host",
        )?;
        let made = NonNull::new(made.cast::<u8>()).ok_or(Error::Memory {
            bytes: bytes as u64,
            place: "page-locked memory of the host",
        })?;
        // SAFETY: so many bytes were just given.
        unsafe { made.as_ptr().write_bytes(0, bytes) };
        Ok(made)
    }

    unsafe fn release_pinned(&self, memory: NonNull<u8>, _bytes: usize) {
        if self.enter().is_ok() {
            // SAFETY: the caller's promise, passed on.
            let _ = unsafe { result::free_host(memory.as_ptr().cast()) };
        }
    }

    fn open_queue(&self) -> Result<QueueId> {
        self.enter()?;
        if let Some(idle) = self.idle().pop() {
            return Ok(QueueId(idle));
        }
        let stream = result::stream::create(StreamKind::NonBlocking).or_error("cuStreamCreate")?;
        Ok(QueueId(stream as usize))
    }

    fn close_queue(&self, queue: QueueId) {
        if self.wait(queue).is_ok() {
            self.idle().push(queue.0);
        }
    }

    unsafe fn upload(
        &self,
        queue: QueueId,
        from: *const u8,
        to: Address,
        bytes: usize,
    ) -> Result<()> {
        self.enter()?;
        // SAFETY: the caller's promise, passed on.
        unsafe { sys::cuMemcpyHtoDAsync_v2(to, from.cast(), bytes, stream(queue)) }
            .result()
            .or_error("cuMemcpyHtoDAsync")
    }

    unsafe fn download(
        &self,
        queue: QueueId,
        from: Address,
        to: *mut u8,
        bytes: usize,
    ) -> Result<()> {
        self.enter()?;
        // SAFETY: the caller's promise, passed on.
        unsafe { sys::cuMemcpyDtoHAsync_v2(to.cast(), from, bytes, stream(queue)) }
            .result()
            .or_error("cuMemcpyDtoHAsync")
    }

    unsafe fn copy(&self, queue: QueueId, from: Address, to: Address, bytes: usize) -> Result<()> {
        self.enter()?;
        // SAFETY: the caller's promise, passed on.
        unsafe { result::memcpy_dtod_async(to, from, bytes, stream(queue)) }
            .or_error("cuMemcpyDtoDAsync")
    }

    unsafe fn fill(&self, queue: QueueId, at: Address, byte: u8, bytes: usize) -> Result<()> {
        self.enter()?;
        // SAFETY: the caller's promise, passed on.
        unsafe { result::memset_d8_async(at, byte, bytes, stream(queue)) }
            .or_error("cuMemsetD8Async")
    }

    unsafe fn launch(
        &self,
        queue: QueueId,
        kernel: &'static str,
        items: u64,
        arguments: &mut [*mut c_void],
    ) -> Result<()> {
        if items == 0 {
            return Ok(());
        }
        self.enter()?;
        let function = *self.kernels.get(kernel).ok_or_else(|| Error::Unsupported {
            what: format!("a kernel called {kernel}"),
        })?;
        let blocks = items
            .div_ceil(u64::from(WARPS))
            .min(u64::from(self.blocks_max)) as u32;
        let (grid, block) = ((blocks, 1, 1), (32 * WARPS, 1, 1));
        // SAFETY: the caller's promise, passed on; the kernel's own memory is part of it.
        unsafe { result::launch_kernel(function, grid, block, 0, stream(queue), arguments) }
            .or_error("cuLaunchKernel")
    }

    fn wait(&self, queue: QueueId) -> Result<()> {
        self.enter()?;
        // SAFETY: the stream is open.
        unsafe { result::stream::synchronize(stream(queue)) }.or_error("cuStreamSynchronize")
    }
}
