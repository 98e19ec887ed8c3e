// SPDX-License-Identifier: MIT
//! Milliseconds since the Unix epoch as a date that people read, in UTC.
//!
//! Knows the Gregorian calendar, but no time zone and no leap second.

/// Writes times, and remembers the last second: most lines differ in their milliseconds alone.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Seconds since the epoch that `text` says.
    second: u64,
    /// `2026-08-22T12:00:00.123Z`.
    text: [u8; 24],
}

impl Stamp {
    /// Begins at the epoch.
    #[must_use]
    pub fn new() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00.000Z" }
    }

    /// `unix_ms` as in `2026-08-22T12:00:00.123Z` (RFC 3339). Years beyond 9999 are written as
    /// 9999.
    pub fn rfc3339(&mut self, unix_ms: u64) -> &[u8; 24] {
        let second = unix_ms / 1000;
        if second != self.second {
            self.set_second(second);
        }
        let ms = (unix_ms % 1000) as u32;
        write_digits(&mut self.text[20..23], ms);
        &self.text
    }

    /// `unix_ms` as in `2026/08/22 12:00:00`.
    pub fn plain(&mut self, unix_ms: u64) -> [u8; 19] {
        let mut plain = [0; 19];
        plain.copy_from_slice(&self.rfc3339(unix_ms)[..19]);
        (plain[4], plain[7], plain[10]) = (b'/', b'/', b' ');
        plain
    }

    fn set_second(&mut self, second: u64) {
        self.second = second;
        let of_day = (second % 86_400) as u32;
        let (year, month, day) = civil_from_days(second / 86_400);
        let text = &mut self.text;
        write_digits(&mut text[0..4], year);
        write_digits(&mut text[5..7], month);
        write_digits(&mut text[8..10], day);
        write_digits(&mut text[11..13], of_day / 3600);
        write_digits(&mut text[14..16], of_day / 60 % 60);
        write_digits(&mut text[17..19], of_day % 60);
    }
}

impl Default for Stamp {
    fn default() -> Self {
        Self::new()
    }
}

/// Fills `out` with the last digits of `value`.
fn write_digits(out: &mut [u8], mut value: u32) {
    for place in out.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of the day that lies `days` after 1970-01-01.
///
/// Counts in eras of 400 years, each of which begins on the first of March, so that the leap day
/// is the last day of its year.
fn civil_from_days(days: u64) -> (u32, u32, u32) {
    const DAYS_PER_ERA: u64 = 146_097;
    const LAST: u64 = 2_932_896; // 9999-12-31
    let since_march = days.min(LAST) + 719_468; // from 0000-03-01
    let of_era = since_march % DAYS_PER_ERA;
    let leap_days = of_era / 1460 + of_era / 146_096 - of_era / 36_524;
    let year_of_era = (of_era - leap_days) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let in_next_year = months_since_march >= 10;
    let month = if in_next_year { months_since_march - 9 } else { months_since_march + 3 };
    let year = since_march / DAYS_PER_ERA * 400 + year_of_era + u64::from(in_next_year);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unix_ms: u64, want: &str) {
        assert_eq!(std::str::from_utf8(Stamp::new().rfc3339(unix_ms)).unwrap(), want);
    }

    #[test]
    fn days_that_calendars_get_wrong_are_right() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(951_868_800_000, "2000-03-01T00:00:00.000Z");
        check(1_709_251_199_007, "2024-02-29T23:59:59.007Z");
        check(1_735_689_599_000, "2024-12-31T23:59:59.000Z");
        check(1_787_400_000_123, "2026-08-22T12:00:00.123Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
        check(u64::MAX, "9999-12-31T23:34:33.615Z".replace("23:34:33", &tail()).as_str());
    }

    /// The time of day at the end of all milliseconds.
    fn tail() -> String {
        let second = u64::MAX / 1000 % 86_400;
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..60_000 {
            assert_eq!(civil_from_days(days), (year, month, day), "day {days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn a_remembered_second_does_not_outlive_its_second() {
        let mut stamp = Stamp::new();
        assert_eq!(stamp.rfc3339(1_787_400_000_123)[11..23], *b"12:00:00.123");
        assert_eq!(stamp.rfc3339(1_787_400_000_009)[11..23], *b"12:00:00.009");
        assert_eq!(stamp.rfc3339(1_787_400_001_009)[11..23], *b"12:00:01.009");
        assert_eq!(&stamp.plain(1_787_400_001_009), b"2026/08/22 12:00:01");
    }
}
