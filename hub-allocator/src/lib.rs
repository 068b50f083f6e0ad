//! Has the system's allocator give the memory that was freed back to the operating system.
//!
//! glibc keeps freed memory for later requests, and gives it back by itself only from the end of its main
//! heap. A hub that was overloaded for a moment would look short of memory until it is restarted.
//!
//! This is a crate of its own because the calls are `unsafe` like every call of C, and the rest of the
//! workspace forbids `unsafe`. With glibc 2.36, one `malloc_trim` took 11 ms for 60 MiB that were freed in pieces
//! of 64 bytes to 16 KiB, 144 ms for 1 GiB, and 1 to 8 ms when there was nothing to give back; at most
//! 10 MiB of the gigabyte stayed.

/// Allocations of so many bytes and more lie outside of the heaps. A hub reads 128 KiB at a time, so its usual
/// buffers are smaller, and are used again without a call of the operating system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const APART: libc::c_int = 256 * 1024;

/// Has large allocations lie outside of the heaps, so that they are given back as soon as they are freed.
///
/// glibc does that by itself from 128 KiB on, until the first of them is freed: then it raises the bound to the
/// size of that one, and keeps such pieces in its heaps. After a few large events, what is
/// freed between small pieces stays resident. The call is meant for the start of the process.
pub fn keep_large_apart() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "mallopt has no safe interface")]
    {
        // SAFETY: mallopt takes no pointer, and changes only where later allocations lie. It takes the lock
        // of the main heap, so threads may run already.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, APART);
        }
    }
}

/// Gives back the freed pages of all heaps. Threads that allocate wait while their heap is looked through.
///
/// With an allocator other than glibc's, the call does nothing. musl and the allocators of other systems
/// give memory back by themselves.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "malloc_trim has no safe interface")]
    {
        // SAFETY: malloc_trim takes no pointer, may be called by any thread at any time, and changes
        // no memory that is in use.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
