//! Bounded reading of received bytes and writing of messages.

use super::error::WireError;
use super::varint::{VarintCoding, MAX_VARINT_LEN};
use bytes::{BufMut, Bytes, BytesMut};

/// Reads from the front of received bytes. Nothing is allocated from a declared length: byte
/// strings are slices that share the source.
pub struct Reader<'a> {
    source: &'a Bytes,
    pos: usize,
    end: usize,
    coding: VarintCoding,
}

impl<'a> Reader<'a> {
    /// Reads all of `source`.
    pub fn new(source: &'a Bytes, coding: VarintCoding) -> Self {
        Reader {
            source,
            pos: 0,
            end: source.len(),
            coding,
        }
    }

    /// Bytes consumed since the start of the source.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.end - self.pos
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.pos == self.end
    }

    /// The integer form in use.
    pub fn coding(&self) -> VarintCoding {
        self.coding
    }

    fn peek_rest(&self) -> &'a [u8] {
        &self.source[self.pos..self.end]
    }

    /// A variable-length integer.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let (value, used) = self
            .coding
            .decode(self.peek_rest())
            .map_err(|missing| WireError::Truncated { missing })?;
        self.pos += used;
        Ok(value)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        let byte = *self
            .peek_rest()
            .first()
            .ok_or(WireError::Truncated { missing: 1 })?;
        self.pos += 1;
        Ok(byte)
    }

    /// A 16-bit integer in network order.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        let high = self.u8()?;
        let low = self.u8()?;
        Ok(u16::from_be_bytes([high, low]))
    }

    /// The next `len` bytes, sharing the source. `len` may be any declared 64-bit length.
    pub fn bytes(&mut self, len: u64) -> Result<Bytes, WireError> {
        let left = self.remaining();
        let len = match usize::try_from(len) {
            Ok(len) if len <= left => len,
            Ok(len) => {
                return Err(WireError::Truncated {
                    missing: len - left,
                })
            }
            Err(_) => {
                return Err(WireError::Truncated {
                    missing: usize::MAX,
                })
            }
        };
        let out = self.source.slice(self.pos..self.pos + len);
        self.pos += len;
        Ok(out)
    }

    /// A byte string with a length before it; `max` bounds the length, with `reason` for a
    /// `PROTOCOL_VIOLATION` above it.
    pub fn length_prefixed(&mut self, max: u64, reason: &'static str) -> Result<Bytes, WireError> {
        let len = self.varint()?;
        if len > max {
            return Err(WireError::violation(reason));
        }
        self.bytes(len)
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> Bytes {
        let out = self.source.slice(self.pos..self.end);
        self.pos = self.end;
        out
    }

    /// A violation unless everything was read.
    pub fn expect_end(&self) -> Result<(), WireError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(WireError::violation("message longer than its fields"))
        }
    }
}

/// Appends to a buffer.
pub struct Writer<'a> {
    out: &'a mut BytesMut,
    coding: VarintCoding,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut BytesMut, coding: VarintCoding) -> Self {
        Writer { out, coding }
    }

    /// The integer form in use.
    pub fn coding(&self) -> VarintCoding {
        self.coding
    }

    /// A variable-length integer in its shortest form.
    #[inline]
    pub fn varint(&mut self, value: u64) {
        let mut scratch = [0; MAX_VARINT_LEN];
        let len = self.coding.encode(value, &mut scratch);
        self.out.put_slice(&scratch[..len]);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.put_u8(value);
    }

    /// A 16-bit integer in network order.
    pub fn u16(&mut self, value: u16) {
        self.out.put_u16(value);
    }

    /// Raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    /// A length and the bytes.
    pub fn length_prefixed(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.bytes(bytes);
    }
}
