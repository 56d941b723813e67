//! Copies of what callers publish.

use bytes::{Bytes, BytesMut};

/// Small copies are made in pieces of this many bytes.
const PIECE: usize = 16 * 1024;
/// Larger ones have an allocation of their own, so that one kept for long keeps no piece.
pub const LARGEST_SHARED: usize = 2 * 1024;

/// Where a copy lies: in one of the pieces that are taken together with it.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    piece: u32,
    from: u32,
    length: usize,
}

impl Copied {
    /// The copy itself.
    pub fn of(self, pieces: &[Bytes]) -> Bytes {
        let from = self.from as usize;
        pieces
            .get(self.piece as usize)
            .map_or_else(Bytes::new, |piece| piece.slice(from..from + self.length))
    }
}

/// Bytes to be copied. Large ones are, before any lock is taken.
pub enum Source<'a> {
    Small(&'a [u8]),
    Large(Bytes),
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        match bytes.len() > LARGEST_SHARED {
            true => Source::Large(Bytes::copy_from_slice(bytes)),
            false => Source::Small(bytes),
        }
    }
}

/// Makes copies in shared pieces of memory: an allocation for about a hundred updates, and no count of
/// references for any, for those are made by who takes the pieces. A piece is freed with the last of its
/// copies, or filled again when all are gone.
#[derive(Default)]
pub struct Copies {
    piece: BytesMut,
    /// Pieces, and what began to fill them, up to the current one.
    cut: Vec<Bytes>,
}

impl Copies {
    pub fn copy(&mut self, source: Source<'_>) -> Copied {
        match source {
            Source::Small(bytes) => self.copy_small(bytes),
            Source::Large(bytes) => {
                self.cut();
                let length = bytes.len();
                self.cut.push(bytes);
                self.at(self.cut.len() - 1, 0, length)
            }
        }
    }

    fn copy_small(&mut self, bytes: &[u8]) -> Copied {
        if self.piece.capacity() - self.piece.len() < bytes.len() {
            self.cut();
            // Takes the old piece back when nobody has a copy in it any more.
            self.piece.reserve(PIECE);
        }
        let from = self.piece.len();
        self.piece.extend_from_slice(bytes);
        self.at(self.cut.len(), from, bytes.len())
    }

    /// Pieces are bounded by the commands that wait, and offsets by [`PIECE`].
    fn at(&self, piece: usize, from: usize, length: usize) -> Copied {
        Copied {
            piece: piece as u32,
            from: from as u32,
            length,
        }
    }

    fn cut(&mut self) {
        if !self.piece.is_empty() {
            self.cut.push(self.piece.split().freeze());
        }
    }

    /// Takes the pieces of all copies since the last time; `into` is empty and gives its memory back.
    pub fn take(&mut self, into: &mut Vec<Bytes>) {
        self.cut();
        std::mem::swap(&mut self.cut, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_whole_and_stay() {
        let mut copies = Copies::default();
        let mut pieces = Vec::new();
        let mut kept: Vec<(Vec<u8>, Bytes)> = Vec::new();
        for round in 0..40_usize {
            let made: Vec<(Vec<u8>, Copied)> = (0..50 + round)
                .map(|i| {
                    let bytes = vec![(round * 50 + i) as u8; (round * 50 + i) * 7 % 2_500];
                    let copied = copies.copy(Source::from(bytes.as_slice()));
                    (bytes, copied)
                })
                .collect();
            copies.take(&mut pieces);
            for (bytes, copied) in made {
                let copy = copied.of(&pieces);
                // Every other one is let go, so that pieces are filled again.
                if bytes.len() % 2 == 0 {
                    kept.push((bytes, copy));
                }
            }
            pieces.clear();
        }
        for (bytes, copy) in kept {
            assert_eq!(copy, bytes);
        }
    }

    #[test]
    fn one_piece_carries_many_turns() {
        let mut copies = Copies::default();
        let mut pieces = Vec::new();
        let mut starts = std::collections::HashSet::new();
        for _ in 0..100 {
            let copied = copies.copy(Source::from([7_u8; 100].as_slice()));
            copies.take(&mut pieces);
            assert_eq!(pieces.len(), 1);
            let copy = copied.of(&pieces);
            starts.insert(copy.as_ptr() as usize / PIECE);
            pieces.clear();
        }
        // As they are let go at once, a piece or two serve all of them, each up to two aligned ranges.
        assert!(starts.len() <= 4, "{} ranges of memory", starts.len());
    }
}
