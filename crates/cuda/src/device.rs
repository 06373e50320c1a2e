//! A device, and what programs hold of it: memory, queues, calls of kernels.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use crate::driver::{Address, Driver, QueueId, cuda};
use crate::{Error, Result};

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name, as its maker gives it.
    pub name: String,
    /// Bytes of its memory, used and not.
    pub memory_bytes: u64,
    /// The version of CUDA that the driver offers.
    pub driver: String,
    /// Major and minor.
    pub compute_capability: (u32, u32),
}

/// A device with its kernels loaded. Clones are the same device; all queries of a process share it.
#[derive(Clone)]
pub struct Device {
    driver: Arc<dyn Driver>,
}

impl Device {
    /// The first device that the driver offers (`CUDA_VISIBLE_DEVICES` chooses). Looked for on the first call; the answer is
    /// kept.
    ///
    /// # Errors
    /// [`Error::NoDriver`], [`Error::NoDevice`], [`Error::TooOld`], or [`Error::Driver`] where the driver is too old for the
    /// kernels or fails.
    pub fn discover() -> Result<Device> {
        static FOUND: OnceLock<Result<Device>> = OnceLock::new();
        FOUND.get_or_init(|| Ok(Device::of(cuda::open()?))).clone()
    }

    pub(crate) fn of(driver: Arc<dyn Driver>) -> Device {
        Device { driver }
    }

    /// What the device is.
    pub fn info(&self) -> &DeviceInfo {
        self.driver.info()
    }

    /// Bytes of memory that nobody uses now.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn free_bytes(&self) -> Result<u64> {
        self.driver.free_bytes()
    }

    /// Memory of the device for so many numbers, of any value.
    pub(crate) fn allocate<T: Plain>(&self, count: usize) -> Result<Memory<T>> {
        let bytes = count.checked_mul(size_of::<T>()).ok_or(Error::Memory {
            bytes: u64::MAX,
            place: "the memory of the device",
        })?;
        Ok(Memory {
            address: self.driver.allocate(bytes)?,
            driver: Arc::clone(&self.driver),
            count,
            of: PhantomData,
        })
    }

    /// Page-locked memory of the host for so many numbers, zeros.
    pub(crate) fn allocate_pinned<T: Plain>(&self, count: usize) -> Result<Pinned<T>> {
        let bytes = count.checked_mul(size_of::<T>()).ok_or(Error::Memory {
            bytes: u64::MAX,
            place: "page-locked memory of the host",
        })?;
        Ok(Pinned {
            memory: self.driver.allocate_pinned(bytes)?.cast(),
            driver: Arc::clone(&self.driver),
            count,
        })
    }

    pub(crate) fn open_queue(&self) -> Result<Queue> {
        Ok(Queue {
            id: self.driver.open_queue()?,
            driver: Arc::clone(&self.driver),
        })
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Device").field(self.info()).finish()
    }
}

/// Numbers that are their bytes, of which any are a number, on both sides.
pub(crate) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for f32 {}
impl Plain for f64 {}

/// Memory of a device.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    driver: Arc<dyn Driver>,
    address: Address,
    count: usize,
    of: PhantomData<T>,
}

impl<T> Memory<T> {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The address as an argument of a kernel.
    pub(crate) fn address(&self) -> Address {
        self.address
    }

    /// The address of an element.
    pub(crate) fn at(&self, index: usize) -> Address {
        assert!(index <= self.count, "an element past the end");
        self.address + (index * size_of::<T>()) as u64
    }
}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        self.driver.release(self.address);
    }
}

/// Page-locked memory of the host.
#[derive(Debug)]
pub(crate) struct Pinned<T> {
    driver: Arc<dyn Driver>,
    memory: NonNull<T>,
    count: usize,
}

// SAFETY: it is memory like a box's.
unsafe impl<T: Plain + Send> Send for Pinned<T> {}
// SAFETY: as above.
unsafe impl<T: Plain + Sync> Sync for Pinned<T> {}

impl<T> Deref for Pinned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: so many numbers were allocated and zeroed, and any bytes are numbers of `Plain` types, the only ones this is
        // made for.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.count) }
    }
}

impl<T> DerefMut for Pinned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.count) }
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        // SAFETY: it is of this driver and nothing else has it. Queues that use it were dropped before, which waits for
        // them.
        unsafe {
            self.driver
                .release_pinned(self.memory.cast(), self.count * size_of::<T>());
        }
    }
}

/// Work of a device, in order. Dropping it waits for all of it.
///
/// What is enqueued uses memory until [`Queue::wait`] returns: whoever enqueues keeps that memory, and does not look at it or
/// change it, until then. The methods that rely on it are unsafe. Queues are dropped before the memory that they use: a field
/// stands before it, a variable comes after it.
#[derive(Debug)]
pub(crate) struct Queue {
    driver: Arc<dyn Driver>,
    id: QueueId,
}

impl Queue {
    /// Enqueues a copy of `from` to the elements of `to` from `first` on.
    ///
    /// # Safety
    /// As the type says.
    pub(crate) unsafe fn upload<T: Plain>(
        &self,
        from: &[T],
        to: &Memory<T>,
        first: usize,
    ) -> Result<()> {
        assert!(
            first <= to.count && from.len() <= to.count - first,
            "a copy past the end"
        );
        let bytes = size_of_val(from);
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: both are that long, and stay so by the caller's promise.
        unsafe {
            self.driver
                .upload(self.id, from.as_ptr().cast(), to.at(first), bytes)
        }
    }

    /// Enqueues a copy of the elements of `from` from `first` on to `to`.
    ///
    /// # Safety
    /// As the type says.
    pub(crate) unsafe fn download<T: Plain>(
        &self,
        from: &Memory<T>,
        first: usize,
        to: &mut [T],
    ) -> Result<()> {
        assert!(
            first <= from.count && to.len() <= from.count - first,
            "a copy past the end"
        );
        let bytes = size_of_val(to);
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: both are that long, and stay so by the caller's promise.
        unsafe {
            self.driver
                .download(self.id, from.at(first), to.as_mut_ptr().cast(), bytes)
        }
    }

    /// Enqueues a copy of all of `from` to the start of `to`.
    ///
    /// # Safety
    /// As the type says.
    pub(crate) unsafe fn copy<T: Plain>(&self, from: &Memory<T>, to: &Memory<T>) -> Result<()> {
        assert!(from.count <= to.count, "a copy past the end");
        // SAFETY: both are that long, and are two.
        unsafe {
            self.driver.copy(
                self.id,
                from.address,
                to.address,
                from.count * size_of::<T>(),
            )
        }
    }

    /// Enqueues the setting of all bytes of the first elements.
    ///
    /// # Safety
    /// As the type says.
    pub(crate) unsafe fn fill<T: Plain>(
        &self,
        memory: &Memory<T>,
        byte: u8,
        count: usize,
    ) -> Result<()> {
        assert!(count <= memory.count, "a fill past the end");
        if count == 0 {
            return Ok(());
        }
        // SAFETY: it is that long.
        unsafe {
            self.driver
                .fill(self.id, memory.address, byte, count * size_of::<T>())
        }
    }

    /// Enqueues a kernel for so many items.
    ///
    /// # Safety
    /// As the type says, and the arguments are those of the kernel.
    pub(crate) unsafe fn launch(
        &self,
        kernel: &'static str,
        items: u64,
        arguments: &mut Arguments,
    ) -> Result<()> {
        let mut pointers: Vec<*mut c_void> = arguments
            .words
            .iter_mut()
            .map(|word| std::ptr::from_mut(word).cast())
            .collect();
        // SAFETY: the caller's promise; a word is read as far as the argument is wide, and this machine is little-endian.
        unsafe {
            self.driver
                .launch(self.id, kernel, items, pointers.as_mut_slice())
        }
    }

    /// Waits until all that was enqueued is done.
    pub(crate) fn wait(&self) -> Result<()> {
        self.driver.wait(self.id)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.driver.close_queue(self.id);
    }
}

/// Arguments of a kernel, in order.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    words: Vec<u64>,
}

impl Arguments {
    pub(crate) fn new() -> Arguments {
        Arguments::default()
    }

    /// Memory.
    pub(crate) fn memory<T>(self, memory: &Memory<T>) -> Arguments {
        self.address(memory.address())
    }

    /// Memory, or none.
    pub(crate) fn address(mut self, address: Address) -> Arguments {
        self.words.push(address);
        self
    }

    /// A whole number of 64 bits.
    pub(crate) fn long(mut self, number: usize) -> Arguments {
        self.words.push(number as u64);
        self
    }

    /// A whole number of 32 bits.
    pub(crate) fn int(mut self, number: u32) -> Arguments {
        self.words.push(u64::from(number));
        self
    }

    /// A number of single precision.
    pub(crate) fn float(mut self, number: f32) -> Arguments {
        self.words.push(u64::from(number.to_bits()));
        self
    }
}
