//! Random changes of examples: less than libFuzzer, which learns what they reach, but everywhere.

/// xorshift64*: fast, and the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }
}

/// Bytes that mean something to most formats here.
const INTERESTING: &[u8] = &[0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xFE, 0xFF];
const MAX_LENGTH: usize = 4_096;

/// Changes an example in one to eight places, or crosses it with another.
pub fn mutate(example: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut data = example.to_vec();
    for _ in 0..1 + random.below(8) {
        let at = random.below(data.len());
        match random.draw() % 10 {
            0 => flip(&mut data, at, random),
            1 => set(&mut data, at, random.draw() as u8),
            2 => {
                let byte = INTERESTING.get(random.below(INTERESTING.len()));
                set(&mut data, at, byte.copied().unwrap_or_default());
            }
            3 => data.truncate(at),
            4 => {
                let byte = random.draw() as u8;
                data.insert(at.min(data.len()), byte);
            }
            5 => {
                let end = (at + 1 + random.below(8)).min(data.len());
                data.drain(at..end);
            }
            6 => {
                let end = (at + 1 + random.below(16)).min(data.len());
                let again = data.get(at..end).unwrap_or_default().to_vec();
                data.splice(at..at, again);
            }
            7 => {
                let from = random.below(other.len());
                data.truncate(at);
                data.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            8 => {
                let length = random.below(64);
                data.extend(std::iter::repeat_with(|| random.draw() as u8).take(length));
            }
            _ => {
                let from = random.below(other.len());
                let piece = other.get(from..).unwrap_or_default();
                let piece = piece.get(..random.below(32)).unwrap_or(piece).to_vec();
                data.splice(at..at, piece);
            }
        }
    }
    data.truncate(MAX_LENGTH);
    data
}

fn flip(data: &mut [u8], at: usize, random: &mut Random) {
    if let Some(byte) = data.get_mut(at) {
        *byte ^= 1 << (random.draw() % 8);
    }
}

fn set(data: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = data.get_mut(at) {
        *byte = value;
    }
}
