//! What somebody may have meant who wrote something else.

/// Letters of a word that are compared; what is longer is no slip of the finger.
const LONGEST: usize = 64;

/// Letters that may differ.
const SLIPS: usize = 3;

/// The word that is spelt most like this one, if any is. Upper and lower case, and spaces for underscores, make no difference.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.chars().take(LONGEST).collect::<String>().to_lowercase().replace(' ', "_");
    let wanted = plain(word);
    let by_distance = words.into_iter().map(|word| (distance(&plain(word), &wanted), word));
    // Of a short word, so many other letters leave nothing.
    by_distance.min().filter(|(distance, _)| *distance <= SLIPS.min(wanted.len() / 3)).map(|(_, word)| word)
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_other_words_are_not() {
        let words = ["reconnect_delay", "positionUpdate", "move"];
        assert_eq!(nearest("reconect_delay", words), Some("reconnect_delay"));
        assert_eq!(nearest("PositionUpdte", words), Some("positionUpdate"));
        assert_eq!(nearest("Reconnect Delay", words), Some("reconnect_delay"));
        assert_eq!(nearest("move!", words), Some("move"));
        assert_eq!(nearest("gone", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest(&"é".repeat(1_000_000), words), None);
    }
}
