//! What is too much for a grammar. The time one takes to recover from errors grows with the square
//! of the length, and scanners written in C keep their state in a kilobyte: YAML's and Python's, one
//! entry per level of indentation, and they abort the process when it is full.

/// Some 800 lines. The worst found, a single sign repeated, takes 3 s at this length.
const MAX_BYTES: usize = 32 * 1024;

/// Deepest indentation, in columns. YAML opens up to two levels at a column, of four bytes each.
const MAX_INDENT: usize = 100;

/// Most levels a single line may open, as in `- - - a`.
const MAX_MARKS: usize = 50;

pub fn allow(code: &str) -> bool {
    code.len() <= MAX_BYTES && code.split(['\n', '\r']).all(is_shallow)
}

fn is_shallow(line: &str) -> bool {
    let text = line.trim_start();
    let margin = &line[..line.len() - text.len()];
    let columns: usize = margin.chars().map(|c| if c == '\t' { 8 } else { 1 }).sum();
    columns <= MAX_INDENT && marks(text) <= MAX_MARKS
}

/// Counts what may open a level of YAML: `-`, `?` or `:` before white space.
fn marks(text: &str) -> usize {
    let mark = |pair: &&[u8]| b"-?:".contains(&pair[0]) && pair[1].is_ascii_whitespace();
    text.as_bytes().windows(2).filter(mark).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_abort_the_process_is_not_tried() {
        assert!(!allow(&"- ".repeat(300)));
        let deep = (0..300).map(|n| " ".repeat(n) + "- a:\n").collect::<String>();
        assert!(!allow(&deep));
        assert!(!allow(&"\t".repeat(13)));
        assert!(!allow(&"a\n".repeat(MAX_BYTES)));
    }

    #[test]
    fn what_people_write_is() {
        assert!(allow("fn main() {\n\t\t\tlet a = b ? c : d;\n}\n"));
        assert!(allow(&"- a: b\n".repeat(1000)));
    }
}
