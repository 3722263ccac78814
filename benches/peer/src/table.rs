//! A table of four columns, for a terminal. Each row can be printed as soon as it is known.

const WIDTHS: [usize; 4] = [30, 40, 32, 15];

pub fn head(cells: [&str; 4]) -> String {
    format!("{}\n{}", row(cells), WIDTHS.map(|width| "-".repeat(width)).join("  "))
}

/// The cells side by side, wrapped to their columns.
pub fn row(cells: [&str; 4]) -> String {
    let columns: Vec<Vec<String>> = cells.iter().zip(WIDTHS).map(|(cell, width)| wrap(cell, width)).collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let cells = columns.iter().zip(WIDTHS).map(|(column, width)| {
            let cell = column.get(at).map(String::as_str).unwrap_or_default();
            format!("{cell:width$}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

/// Lines of at most `width` characters. A longer word is broken.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let characters: Vec<char> = word.chars().collect();
        for part in characters.chunks(width) {
            let used = lines.last().map_or(0, |line| line.chars().count());
            if used > 0 && used + 1 + part.len() > width {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.extend(part);
            }
        }
    }
    lines
}
