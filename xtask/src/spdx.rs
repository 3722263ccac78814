//! Licence expressions as packages state them, and licences recognised by their texts.

use anyhow::{Context, Result, bail};

/// The sets of licences any of which is enough for an expression: `A OR (B AND C)` is `[[A], [B, C]]`.
pub fn alternatives(expression: &str) -> Result<Vec<Vec<String>>> {
    // The old way to write OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let found = either(&mut words)?;
    match words.next() {
        None => Ok(found),
        Some(word) => bail!("what is \"{word}\" in the licence \"{expression}\"?"),
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words) -> Result<Vec<Vec<String>>> {
    let mut found = all(words)?;
    while words.next_if_eq(&"OR").is_some() {
        found.extend(all(words)?);
    }
    Ok(found)
}

fn all(words: &mut Words) -> Result<Vec<Vec<String>>> {
    let mut found = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        let others = one(words)?;
        let joined = found.iter().flat_map(|these| others.iter().map(|those| [these.clone(), those.clone()].concat()));
        found = joined.collect();
    }
    Ok(found)
}

fn one(words: &mut Words) -> Result<Vec<Vec<String>>> {
    let word = words.next().context("a licence expression ends too early")?;
    if word == "(" {
        let found = either(words)?;
        return if words.next() == Some(")") {
            Ok(found)
        } else {
            bail!("a bracket stays open in a licence expression")
        };
    }
    let mut licence = word.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().context("an exception has no name")?);
    }
    Ok(vec![vec![licence]])
}

/// Licences and words that stand in the text of no other one of them.
const MARKS: &[(&str, &str)] = &[
    ("0BSD", "for any purpose with or without fee is hereby granted. the software is provided"),
    ("Apache-2.0", "apache license, version 2.0"),
    ("Apache-2.0", "apache license version 2.0"),
    ("BSD-3-Clause", "may be used to endorse or promote products"),
    ("CDLA-Permissive-2.0", "community data license agreement - permissive - version 2.0"),
    ("ISC", "with or without fee is hereby granted, provided that the above"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy of this software"),
    ("Unicode-3.0", "unicode license v3"),
    ("Unlicense", "this is free and unencumbered software"),
    ("Zlib", "provided 'as-is', without any express or implied warranty"),
];

/// The licences whose words stand in a text.
pub fn recognised(text: &str) -> Vec<&'static str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ").to_lowercase();
    let mut found: Vec<&str> = MARKS.iter().filter(|(_, mark)| line.contains(mark)).map(|(name, _)| *name).collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_taken_apart() {
        let shown = |expression| {
            let all = alternatives(expression).map_err(|error| error.to_string())?;
            Ok::<_, String>(all.iter().map(|these| these.join("+")).collect::<Vec<_>>().join(" | "))
        };
        for (expression, expected) in [
            ("MIT", "MIT"),
            ("MIT/Apache-2.0", "MIT | Apache-2.0"),
            ("Apache-2.0 AND ISC", "Apache-2.0+ISC"),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", "MIT+Unicode-3.0 | Apache-2.0+Unicode-3.0"),
            ("Apache-2.0 WITH LLVM-exception OR MIT", "Apache-2.0 WITH LLVM-exception | MIT"),
        ] {
            assert_eq!(shown(expression).as_deref(), Ok(expected));
        }
        for wrong in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "MIT WITH"] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_texts_of_this_repository_are_recognised() {
        assert_eq!(recognised(include_str!("../../LICENSE-MIT")), ["MIT"]);
        assert_eq!(recognised(include_str!("../../LICENSE-APACHE")), ["Apache-2.0"]);
        assert_eq!(recognised("no licence"), [""; 0]);
    }
}
