// SPDX-License-Identifier: GPL-2.0-only
//! Figures in columns.

/// A figure, and how it compares.
pub struct Cell {
    cost: Option<f64>,
    ratio: Option<f64>,
}

impl Cell {
    /// Just a figure.
    pub fn cost(cost: Option<f64>) -> Cell {
        Cell { cost, ratio: None }
    }

    /// A peer's figure, and how many times that is ours.
    pub fn beside(ours: Option<f64>, cost: Option<f64>) -> Cell {
        let ratio = ours.zip(cost).map(|(ours, cost)| ours / cost);
        Cell { cost, ratio }
    }

    /// One of several figures of ours, and how many times the usual one that is.
    pub fn times(cost: f64, usual: f64) -> Cell {
        let (cost, ratio) = (Some(cost), Some(cost / usual));
        Cell { cost, ratio }
    }

    fn text(&self) -> String {
        let Some(cost) = self.cost else {
            return "impossible".into();
        };
        match self.ratio {
            Some(ratio) => format!("{} ({ratio:.2}x)", thousands(cost)),
            None => thousands(cost),
        }
    }
}

/// A table that is printed row by row.
pub struct Table {
    width: usize,
}

const LABEL: usize = 28;

impl Table {
    /// Begins a table with its heading; `corner` is above the labels. With
    /// `targets`, rows may have one.
    pub fn new(corner: &str, columns: &[&str], targets: bool) -> Table {
        let width = 20.max(columns.iter().map(|name| name.len()).max().unwrap_or(0) + 2);
        print!("{corner:LABEL$}");
        for name in columns {
            print!("{name:>width$}");
        }
        println!("{}", if targets { "  target" } else { "" });
        Table { width }
    }

    /// A table with a column for KBUS and each peer.
    pub fn of_carriers(targets: bool) -> Table {
        Table::new("", &["kbus", "SEQPACKET", "pipe", "POSIX mq"], targets)
    }

    /// A row. The ratio in the column that `target` names should be that at most.
    pub fn row(&mut self, label: &str, cells: &[Cell], target: Option<(usize, f64)>) {
        let width = self.width;
        print!("{label:LABEL$}");
        for cell in cells {
            print!("{:>width$}", cell.text());
        }
        if let Some((column, most)) = target {
            let met = cells[column].ratio.is_some_and(|ratio| ratio <= most);
            print!("  <= {most:.2}x {}", if met { "met" } else { "MISSED" });
        }
        println!();
    }
}

/// A figure with a comma every three digits.
pub fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
