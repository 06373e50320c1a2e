//! The few calls that everything here is made of. [`cuda`] gives them to the driver; in tests `emulated` gives them to kernels
//! that a C++ compiler made for the processor, so that all else is run without a device.

pub(crate) mod cuda;
#[cfg(test)]
pub(crate) mod emulated;

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use crate::{DeviceInfo, Result};

/// A stream of the driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueId(pub(crate) usize);

/// Where bytes of a device are; 0 is nowhere.
pub(crate) type Address = u64;

/// A device. What is enqueued runs in order within a queue; queues run beside each other. Every method may be called from any
/// thread.
pub(crate) trait Driver: Send + Sync + fmt::Debug {
    fn info(&self) -> &DeviceInfo;

    /// Bytes of the device that nobody uses now.
    fn free_bytes(&self) -> Result<u64>;

    /// Bytes of the device, not cleared; [`Error::Memory`](crate::Error::Memory) where there is no room.
    fn allocate(&self, bytes: usize) -> Result<Address>;

    /// Gives back what [`Driver::allocate`] gave. Waits for the work that uses it.
    fn release(&self, address: Address);

    /// Zeroed bytes of the host that the device reads and writes at full speed.
    fn allocate_pinned(&self, bytes: usize) -> Result<NonNull<u8>>;

    /// Gives back what [`Driver::allocate_pinned`] gave.
    ///
    /// # Safety
    /// It is of this driver and of `bytes` bytes, and nothing uses it.
    unsafe fn release_pinned(&self, memory: NonNull<u8>, bytes: usize);

    fn open_queue(&self) -> Result<QueueId>;

    /// Waits for a queue and closes it.
    fn close_queue(&self, queue: QueueId);

    /// Enqueues a copy to the device.
    ///
    /// # Safety
    /// Until the queue is waited for, `from` is valid for reads of `bytes` bytes that do not change, and `to` for writes.
    unsafe fn upload(
        &self,
        queue: QueueId,
        from: *const u8,
        to: Address,
        bytes: usize,
    ) -> Result<()>;

    /// Enqueues a copy from the device.
    ///
    /// # Safety
    /// As [`Driver::upload`], the other way round.
    unsafe fn download(
        &self,
        queue: QueueId,
        from: Address,
        to: *mut u8,
        bytes: usize,
    ) -> Result<()>;

    /// Enqueues a copy within the device.
    ///
    /// # Safety
    /// As [`Driver::upload`]; the two do not overlap.
    unsafe fn copy(&self, queue: QueueId, from: Address, to: Address, bytes: usize) -> Result<()>;

    /// Enqueues the setting of bytes of the device.
    ///
    /// # Safety
    /// `at` is valid for writes of `bytes` bytes until the queue is waited for.
    unsafe fn fill(&self, queue: QueueId, at: Address, byte: u8, bytes: usize) -> Result<()>;

    /// Enqueues a kernel for so many items, a warp an item.
    ///
    /// # Safety
    /// The arguments are those of the kernel, and what they point at is valid for what it does until the queue is waited for.
    unsafe fn launch(
        &self,
        queue: QueueId,
        kernel: &'static str,
        items: u64,
        arguments: &mut [*mut c_void],
    ) -> Result<()>;

    /// Waits until all that was enqueued is done.
    fn wait(&self, queue: QueueId) -> Result<()>;
}
