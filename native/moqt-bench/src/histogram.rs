//! Durations in µs, kept in buckets whose width is 1/64 of their value.

/// Buckets of one power of two, as a power of two.
const BITS: u32 = 6;

#[derive(Clone, Default, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub fn add(&mut self, value: u64) {
        let index = bucket(value);
        if self.buckets.len() <= index {
            self.buckets.resize(index + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// The value below which this share of all lies; 0 when there are none.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= rank {
                return upper(index).min(self.max);
            }
        }
        self.max
    }

    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "p50": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "max": self.max,
        })
    }
}

fn bucket(value: u64) -> usize {
    let exponent = (64 - value.leading_zeros()).saturating_sub(BITS + 1);
    ((u64::from(exponent) << BITS) + (value >> exponent)) as usize
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let exponent = (index as u64 >> BITS).saturating_sub(1);
    let mantissa = index as u64 - (exponent << BITS);
    ((mantissa + 1) << exponent) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_bucket() {
        let mut histogram = Histogram::default();
        for value in 1..=10_000 {
            histogram.add(value);
        }
        for (share, exact) in [(0.5, 5_000.0), (0.99, 9_900.0), (0.001, 10.0)] {
            let found = histogram.quantile(share) as f64;
            assert!((found / exact - 1.0).abs() < 0.02, "{share}: {found}");
        }
        assert_eq!(histogram.quantile(1.0), 10_000);
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn buckets_are_contiguous() {
        let mut last = 0;
        for value in 0..100_000 {
            let index = bucket(value);
            assert!(index == last || index == last + 1, "{value}");
            assert!(upper(index) >= value);
            last = index;
        }
    }
}
