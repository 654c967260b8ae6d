//! Tables of text, aligned by what is seen, not by bytes.

use unicode_width::UnicodeWidthStr;

use super::{Paint, Tone};

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// At the left.
    Left,
    /// At the right, as numbers do.
    Right,
}

enum Line {
    Cells(Vec<(String, Tone)>),
    Note(String),
}

/// Rows of cells under a head, with lines of text between them.
pub(crate) struct Table {
    aligns: Vec<Align>,
    lines: Vec<Line>,
}

impl Table {
    /// With these columns.
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let head = columns.iter().map(|(name, _)| ((*name).to_owned(), Tone::Faint)).collect();
        Table { aligns: columns.iter().map(|(_, align)| *align).collect(), lines: vec![Line::Cells(head)] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<(String, Tone)>) {
        self.lines.push(Line::Cells(cells));
    }

    /// Adds a line that belongs to the row before it.
    pub(crate) fn note(&mut self, text: String) {
        self.lines.push(Line::Note(text));
    }

    /// The text, two spaces between columns, each line ended.
    pub(crate) fn text(&self, paint: Paint, indent: &str) -> String {
        let mut widths = vec![0; self.aligns.len()];
        for line in &self.lines {
            if let Line::Cells(cells) = line {
                for (width, (text, _)) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(text.width());
                }
            }
        }
        let mut out = String::new();
        for line in &self.lines {
            out.push_str(indent);
            match line {
                Line::Note(text) => out.push_str(&paint.apply(Tone::Faint, text)),
                Line::Cells(cells) => out.push_str(self.row_text(cells, &widths, paint).trim_end()),
            }
            out.push('\n');
        }
        out
    }

    fn row_text(&self, cells: &[(String, Tone)], widths: &[usize], paint: Paint) -> String {
        let padded = cells.iter().zip(widths).zip(&self.aligns).map(|(((text, tone), width), align)| {
            let gap = " ".repeat(width.saturating_sub(text.width()));
            let text = paint.apply(*tone, text);
            match align {
                Align::Left => format!("{text}{gap}"),
                Align::Right => format!("{gap}{text}"),
            }
        });
        padded.collect::<Vec<_>>().join("  ")
    }
}

/// Text broken into lines of at most `width` columns, each after `indent`.
pub(crate) fn fill(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.width() + line.width() + 1 + word.width() > width {
            out.push_str(&format!("{indent}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.push_str(&format!("{indent}{line}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_what_is_seen() {
        let mut table = Table::new(&[("Name", Align::Left), ("Value", Align::Right), ("", Align::Left)]);
        let cell = |text: &str| (text.to_owned(), Tone::Plain);
        table.row(vec![cell("été"), cell("7.1 %"), cell("▁▂")]);
        table.row(vec![cell("warehouse"), cell("12.4 / day"), cell("")]);
        table.note("    a note longer than any of the columns before it".to_owned());
        assert_eq!(
            table.text(Paint::Plain, " "),
            " Name            Value\n été             7.1 %  ▁▂\n warehouse  12.4 / day\n     a note longer than any of the columns before it\n"
        );
    }

    #[test]
    fn text_is_filled_to_a_width() {
        assert_eq!(fill("one two three four", 10, "  "), "  one two\n  three\n  four\n");
        assert_eq!(fill("", 10, ""), "");
    }
}
