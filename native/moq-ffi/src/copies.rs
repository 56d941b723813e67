//! Copies of what callers publish.

use bytes::{Bytes, BytesMut};

/// Small copies are cut from pieces of this many bytes.
const PIECE: usize = 16 * 1024;
/// Larger ones have an allocation of their own, so that one kept for long keeps no piece.
const LARGEST_SHARED: usize = 2 * 1024;

/// Cuts copies from shared pieces of memory: an allocation for about a hundred updates, not one or
/// two for each. A piece is freed with the last of its copies, or cut again when all are gone.
#[derive(Default)]
pub struct Copies {
    piece: BytesMut,
}

impl Copies {
    pub fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.len() > LARGEST_SHARED {
            return Bytes::copy_from_slice(bytes);
        }
        if self.piece.capacity() < bytes.len() {
            // Takes the old piece back when nobody has a copy in it any more.
            self.piece.reserve(PIECE);
        }
        self.piece.extend_from_slice(bytes);
        self.piece.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_whole_and_stay() {
        let mut copies = Copies::default();
        let kept: Vec<(Vec<u8>, Bytes)> = (0..2_000_usize)
            .map(|i| {
                let bytes = vec![i as u8; i * 7 % 2_500];
                let copy = copies.copy(&bytes);
                (bytes, copy)
            })
            .collect();
        for (bytes, copy) in kept {
            assert_eq!(copy, bytes);
        }
    }
}
