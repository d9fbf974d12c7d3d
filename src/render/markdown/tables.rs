//! Tables, each in a box of its own that scrolls sideways, by keyboard as well.

use pulldown_cmark::Alignment;

/// A group, not a region: a page may hold many, and every region is a landmark.
pub const OPEN: &str =
    "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>";
pub const CLOSE: &str = "</table></div>";

#[derive(Default)]
pub struct Tables {
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
    /// Where the current cell's tag and content begin.
    cell: [usize; 2],
}

impl Tables {
    pub fn begin(&mut self, out: &mut String, columns: Vec<Alignment>) {
        self.columns = columns;
        out.push_str(OPEN);
    }

    pub fn end(out: &mut String) {
        let rowless = out.strip_suffix("<tbody>").map(str::len);
        match rowless {
            Some(length) => out.truncate(length),
            None => out.push_str("</tbody>"),
        }
        out.push_str(CLOSE);
    }

    pub fn begin_head(&mut self, out: &mut String) {
        (self.in_head, self.column) = (true, 0);
        out.push_str("<thead><tr>");
    }

    pub fn end_head(&mut self, out: &mut String) {
        self.in_head = false;
        out.push_str("</tr></thead><tbody>");
    }

    pub fn begin_row(&mut self, out: &mut String) {
        self.column = 0;
        out.push_str("<tr>");
    }

    pub fn begin_cell(&mut self, out: &mut String) {
        self.cell[0] = out.len();
        out.push_str(if self.in_head { "<th" } else { "<td" });
        out.push_str(match self.columns.get(self.column) {
            Some(Alignment::Right) => " class=\"align-right\">",
            Some(Alignment::Center) => " class=\"align-center\">",
            _ => ">",
        });
        self.cell[1] = out.len();
        self.column += 1;
    }

    /// A head cell without words names nothing: it becomes an ordinary cell.
    pub fn end_cell(&mut self, out: &mut String) {
        if self.in_head && out.len() == self.cell[1] {
            out.replace_range(self.cell[0]..=self.cell[0] + 2, "<td");
        }
        out.push_str(if out[self.cell[0]..].starts_with("<th") { "</th>" } else { "</td>" });
    }
}
