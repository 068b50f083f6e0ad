//! Has the system's allocator give the memory that was freed back to the operating system.
//!
//! glibc keeps freed memory for later requests, and gives it back by itself only from the end of its main
//! heap. A hub that was overloaded for a moment would look short of memory until it is restarted.
//!
//! This is a crate of its own because the call is `unsafe` like every call of C, and the rest of the
//! workspace forbids `unsafe`. With glibc 2.36, one call took 11 ms for 60 MiB that were freed in pieces
//! of 64 bytes to 16 KiB, 144 ms for 1 GiB, and 1 to 8 ms when there was nothing to give back; at most
//! 10 MiB of the gigabyte stayed.

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
