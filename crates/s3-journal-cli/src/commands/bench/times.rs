//! How long each of many like things took. Pure.

/// In seconds.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// One more.
    pub fn add(&mut self, seconds: f64) {
        let place = self.0.partition_point(|other| *other <= seconds);
        self.0.insert(place, seconds);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// No more than `percent` of 100 took longer than all but this: 50 for the middle one, 100 for the longest. 0 of none.
    pub fn within(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(place).copied().unwrap_or_default()
    }

    /// How many fit into a second, one after the other; 0 of none.
    pub fn per_second(&self) -> f64 {
        let sum: f64 = self.0.iter().sum();
        if sum > 0.0 { self.0.len() as f64 / sum } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_the_99th_and_the_longest_are_found() {
        let mut times = Times::default();
        assert_eq!((times.within(50), times.within(100), times.per_second()), (0.0, 0.0, 0.0));
        // Not in order.
        for number in (1..=100).map(|number| number * 37 % 101) {
            times.add(f64::from(number));
        }
        assert_eq!((times.within(50), times.within(99), times.within(100)), (50.0, 99.0, 100.0));
        assert_eq!(times.count(), 100);
    }

    #[test]
    fn of_few_the_99th_is_the_longest_and_the_middle_is_the_lower_one() {
        let mut times = Times::default();
        times.add(4.0);
        assert_eq!((times.within(50), times.within(99)), (4.0, 4.0));
        times.add(1.0);
        assert_eq!((times.within(50), times.within(99)), (1.0, 4.0));
        assert!((times.per_second() - 0.4).abs() < 1e-9);
    }
}
