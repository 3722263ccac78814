//! How figures are written.

/// Three digits that say something, thousands apart.
pub fn plain(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => thousands(value.round()),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        size if size > 0.0 => format!("{value:.3}"),
        _ => "0".to_owned(),
    }
}

/// In thousands and millions.
pub fn rate(value: f64) -> String {
    match value {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e5 => format!("{:.0} k", value / 1e3),
        size if size >= 1e3 => format!("{:.1} k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// What can be counted.
pub fn whole(value: f64) -> String {
    thousands(value.round())
}

/// How many times something.
pub fn times(value: f64) -> String {
    format!("{} x", plain(value))
}

/// Microseconds, as milliseconds from one on.
pub fn time(microseconds: f64) -> String {
    if microseconds >= 999.5 {
        format!("{} ms", plain(microseconds / 1e3))
    } else {
        format!("{} µs", plain(microseconds))
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let all = [0.0, 0.0123, 0.478, 1.5, 15.23, 151.6, 43_812.0, -1_234_567.0].map(plain);
        assert_eq!(all, ["0", "0.012", "0.48", "1.50", "15.2", "152", "43,812", "-1,234,567"]);
        assert_eq!([6.087e6, 669_700.0, 32_900.0, 12.0].map(rate), ["6.09 M", "670 k", "32.9 k", "12"]);
        assert_eq!([15.2, 999.6, 43_812.0].map(time), ["15.2 µs", "1.00 ms", "43.8 ms"]);
        assert_eq!(times(4.567), "4.57 x");
    }
}
