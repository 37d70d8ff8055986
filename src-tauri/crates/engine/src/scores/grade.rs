//! Grades: two scores as one label.

use carillon_model::score::{GradeAxis, GradeBand};

/// A grid: the band of one score beside the band of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Grade {
    axes: [GradeAxis; 2],
}

impl Grade {
    pub(super) fn new(rows: &GradeAxis, columns: &GradeAxis) -> Grade {
        Grade {
            axes: [rows.clone(), columns.clone()],
        }
    }

    /// The keys of the two scores.
    pub fn scores(&self) -> [&str; 2] {
        [&self.axes[0].score, &self.axes[1].score]
    }

    /// All labels there may be, from the highest bands down: for each row its columns.
    pub fn labels(&self) -> Vec<String> {
        let [rows, columns] = &self.axes;
        let of_row = |row: &GradeBand| {
            let columns = columns.bands.iter();
            columns
                .map(|column| format!("{}{}", row.label, column.label))
                .collect::<Vec<_>>()
        };
        rows.bands.iter().flat_map(of_row).collect()
    }

    /// The label for the points of both; `None` while one of them was not measured.
    pub fn label(&self, rows: Option<i64>, columns: Option<i64>) -> Option<String> {
        let [a, b] = &self.axes;
        Some(format!("{}{}", band(&a.bands, rows?)?, band(&b.bands, columns?)?))
    }
}

fn band(bands: &[GradeBand], points: i64) -> Option<&str> {
    let reached = |band: &&GradeBand| band.at_least.is_none_or(|least| i64::from(least) <= points);
    bands.iter().find(reached).map(|band| band.label.as_str())
}
