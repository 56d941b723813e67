//! Bytes as a source of decisions.

/// Takes values from the front; zeros when nothing is left.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Input(data)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    pub fn flag(&mut self) -> bool {
        self.u8() & 1 == 1
    }

    /// A value below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.u8()) % bound.max(1)
    }

    /// As many bytes as the next one says.
    pub fn piece(&mut self) -> &'a [u8] {
        let length = usize::from(self.u8()).min(self.0.len());
        let (piece, rest) = self.0.split_at(length);
        self.0 = rest;
        piece
    }
}
