//! Variable-length integers: MOQT's leading-ones form (draft-17 and later) and RFC 9000's.

/// Which integer form a draft uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum VarintCoding {
    /// Leading one bits give the length, 1 to 9 bytes, all 64-bit values (draft-17 and later).
    #[default]
    LeadingOnes,
    /// RFC 9000 section 16, 1 to 8 bytes, values below 2^62 (up to draft-16).
    Quic,
}

/// Longest encoding in bytes of any coding.
pub const MAX_VARINT_LEN: usize = 9;

impl VarintCoding {
    /// The largest value that can be written.
    pub const fn max(self) -> u64 {
        match self {
            VarintCoding::LeadingOnes => u64::MAX,
            VarintCoding::Quic => (1 << 62) - 1,
        }
    }

    /// Length in bytes of an encoding that starts with `first`.
    pub const fn len_from_first(self, first: u8) -> usize {
        match self {
            VarintCoding::LeadingOnes => first.leading_ones() as usize + 1,
            VarintCoding::Quic => 1 << (first >> 6),
        }
    }

    /// Length in bytes of the shortest encoding of `value`.
    pub const fn len(self, value: u64) -> usize {
        match self {
            VarintCoding::LeadingOnes => {
                let bits = 64 - value.leading_zeros() as usize;
                if bits <= 7 {
                    1
                } else if bits > 56 {
                    9
                } else {
                    bits.div_ceil(7)
                }
            }
            VarintCoding::Quic => {
                if value < 1 << 6 {
                    1
                } else if value < 1 << 14 {
                    2
                } else if value < 1 << 30 {
                    4
                } else {
                    8
                }
            }
        }
    }

    /// Decodes from the front of `data`: value and bytes used, or `Err(missing bytes)`.
    #[inline]
    pub fn decode(self, data: &[u8]) -> Result<(u64, usize), usize> {
        let Some(&first) = data.first() else {
            return Err(1);
        };
        let len = self.len_from_first(first);
        let Some(rest) = data.get(1..len) else {
            return Err(len - data.len());
        };
        let mask = match self {
            VarintCoding::LeadingOnes => 0xFFu32.checked_shr(len as u32).unwrap_or(0) as u8,
            VarintCoding::Quic => 0x3F,
        };
        let mut value = u64::from(first & mask);
        for byte in rest {
            value = (value << 8) | u64::from(*byte);
        }
        Ok((value, len))
    }

    /// Writes the shortest encoding of `value` into `out` and gives its length. Values above
    /// [`VarintCoding::max`] are written as the maximum: callers bound what they send.
    #[inline]
    pub fn encode(self, value: u64, out: &mut [u8; MAX_VARINT_LEN]) -> usize {
        let value = value.min(self.max());
        let len = self.len(value);
        let bytes = value.to_be_bytes();
        if len == 9 {
            out[0] = 0xFF;
            out[1..].copy_from_slice(&bytes);
            return 9;
        }
        out[..len].copy_from_slice(&bytes[8 - len..]);
        out[0] |= match self {
            VarintCoding::LeadingOnes => !(0xFFu32 >> (len - 1)) as u8,
            VarintCoding::Quic => (len.trailing_zeros() as u8) << 6,
        };
        len
    }
}
