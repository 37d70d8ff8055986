//! Memory that was freed, given back to the system.

use std::time::Duration;

/// How often. A window is open all day, and what one count took is another program's in between.
const EVERY: Duration = Duration::from_secs(10);

/// Gives freed memory back from time to time: the allocator by itself does so only while more is asked of it.
///
/// # Errors
/// When no thread can be started.
pub fn give_back() -> std::io::Result<()> {
    let giving = || {
        // A thread that never asked for memory is unknown to the allocator, which then does nothing.
        let known = std::hint::black_box(Box::new(EVERY));
        loop {
            std::thread::sleep(*known);
            // It may be called at any time from any thread, and touches nothing that is in use.
            #[allow(unsafe_code)]
            unsafe {
                libmimalloc_sys::mi_collect(true);
            }
        }
    };
    std::thread::Builder::new()
        .name("carillon-memory".to_owned())
        .spawn(giving)
        .map(drop)
}
