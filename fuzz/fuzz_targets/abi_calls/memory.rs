//! Memory of the host: exactly as long as it is said to be, so that AddressSanitizer sees each byte too far.

use std::alloc::{Layout, alloc, dealloc};

/// What a call is given. It goes when the call has returned.
#[derive(Default)]
pub struct Memory(Vec<(*mut u8, Layout)>);

/// The alignment of everything here.
const ALIGN: usize = 8;

impl Memory {
    /// A copy of these bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(bytes.len().max(1), ALIGN) else { unreachable!() };
        // SAFETY: the size is not 0; what is given has room for the copy.
        let room = unsafe {
            let room = alloc(layout);
            room.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            room
        };
        self.0.push((room, layout));
        room
    }

    /// A copy of these values.
    pub fn array<T: Copy>(&mut self, values: &[T]) -> *mut T {
        // SAFETY: the types of the boundary have no padding but in unions, which were zeroed.
        self.bytes(unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) }).cast()
    }

    /// A struct that begins with its size, of a size that the input chooses. Fields that it does not hold as a whole
    /// are 0: no compiler cuts them.
    pub fn sized<T>(&mut self, value: &T, choice: u8) -> Given<T> {
        let known = size_of::<T>();
        let (declared, tail) = match choice {
            0 => (known, 0),
            1 => (0, 0),
            2 => (4, 0),
            3 => (7, 0),
            4 => (8, 0),
            5 => (known - 1, 0),
            6 => (known + 8, 0),
            7 => (known + 8, 1),
            8 => (16, 0),
            9 => (24, 0),
            10 => (4096, 0),
            other => (usize::from(other), 0),
        };
        let mut image = vec![0u8; declared.max(known).max(4)];
        // SAFETY: the image is at least as long as the struct.
        unsafe { image.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(std::ptr::from_ref(value).cast(), known) };
        image[..4].copy_from_slice(&(declared as u32).to_ne_bytes());
        if declared < known {
            image[(declared & !7).max(4)..].fill(0);
        }
        if tail != 0 {
            image[known..].fill(0x55);
        }
        image.truncate(declared.max(4));
        Given { pointer: self.bytes(&image).cast(), before: image }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (room, layout) in self.0.drain(..) {
            // SAFETY: it was given by `alloc` with this layout, and nothing points to it any more.
            unsafe { dealloc(room, layout) };
        }
    }
}

/// A struct of the host.
pub struct Given<T> {
    pub pointer: *mut T,
    before: Vec<u8>,
}

impl<T> Given<T> {
    fn now(&self) -> &[u8] {
        // SAFETY: it is as long as it was made, and the memory that it lies in is still there.
        unsafe { std::slice::from_raw_parts(self.pointer.cast::<u8>(), self.before.len()) }
    }

    /// Whether nothing was written.
    pub fn is_untouched(&self) -> bool {
        self.now() == self.before
    }

    /// Its bytes now, with zeros for what it does not hold.
    pub fn read(&self) -> T {
        let mut image = vec![0u8; size_of::<T>()];
        let held = self.before.len().min(image.len());
        image[..held].copy_from_slice(&self.now()[..held]);
        // SAFETY: plain data, for which all bytes are a value.
        unsafe { image.as_ptr().cast::<T>().read_unaligned() }
    }

    /// Bytes that it holds.
    pub fn len(&self) -> usize {
        self.before.len()
    }
}
