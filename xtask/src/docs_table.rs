//! Tables in the project's documents that tasks read, so that a rule and its description cannot drift apart.

/// The cells of the first table below `heading`, without its head; backticks around a cell are taken off.
pub fn rows(markdown: &str, heading: &str) -> Vec<Vec<String>> {
    let below = markdown.lines().skip_while(|line| line.trim_end() != heading).skip(1);
    below
        .take_while(|line| !line.starts_with('#'))
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The names in backticks in a cell.
pub fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# A\n\n| x |\n|---|\n| no |\n\n## B\n\ntext\n\n| a | b |\n|---|---|\n| 0 | `c`, `d` |\n| 1 | e |\n\n| z |\n";

    #[test]
    fn finds_the_first_table_below_a_heading() {
        assert_eq!(rows(TEXT, "## B"), [["0", "`c`, `d`"], ["1", "e"]]);
        assert!(rows(TEXT, "## C").is_empty());
        assert_eq!(names("`c`, `d` and e"), ["c", "d"]);
    }
}
