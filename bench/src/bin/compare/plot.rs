//! Draws plots of ratios on a logarithmic axis. Each scenario and server has a row with a point at the
//! median and a line from the smallest to the largest value. Without plots, a reader would have to
//! compare columns of numbers.

use crate::measure::{Spread, short};
use crate::servers::Kind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

pub(crate) struct PlotRow {
    pub scenario: &'static str,
    pub other: Kind,
    pub spread: Spread,
}

const WIDTH: u32 = 900;
const ROW: u32 = 20;
/// The title above the rows and the axis below them take this much space together.
const MARGIN: u32 = 100;
const LABELS: i32 = 400;

/// Draws `rows` into the SVG file `path`.
pub(crate) fn ratios(
    path: &Path,
    title: &str,
    rows: &[PlotRow],
) -> Result<(), Box<dyn std::error::Error>> {
    let height = MARGIN + ROW * rows.len() as u32;
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let low = rows.iter().map(|row| row.spread.min).fold(0.5, f64::min) * 0.8;
    let high = rows.iter().map(|row| row.spread.max).fold(2.0, f64::max) * 1.25;
    let top = rows.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{title}: how many times better the hub is"), ("sans-serif", 18))
        .margin_right(20)
        .set_label_area_size(LabelAreaPosition::Left, LABELS)
        .set_label_area_size(LabelAreaPosition::Bottom, 40)
        .build_cartesian_2d((low..high).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .disable_y_axis()
        .disable_y_mesh()
        .x_label_formatter(&|ratio| short(*ratio))
        .x_desc("above 1 the hub does better")
        .draw()?;
    let even = vec![(1.0, 0.0), (1.0, top)];
    chart.draw_series([PathElement::new(even, BLACK.stroke_width(2))])?;
    let label =
        TextStyle::from(("sans-serif", 13).into_font()).pos(Pos::new(HPos::Right, VPos::Center));
    for (index, row) in rows.iter().enumerate() {
        let y = top - index as f64 - 0.5;
        let colour = colour(row.other);
        let Spread { median, min, max } = row.spread;
        let line = vec![(min, y), (max, y)];
        chart.draw_series([PathElement::new(line, colour.stroke_width(3))])?;
        chart.draw_series([Circle::new((median, y), 5, colour.filled())])?;
        let (x, y) = chart.backend_coord(&(low, y));
        let text = format!("{}, to {}: {}", row.scenario, row.other.name(), short(median));
        area.draw_text(&text, &label, (x - 8, y))?;
    }
    area.present()?;
    Ok(())
}

fn colour(kind: Kind) -> RGBColor {
    match kind {
        Kind::Hub => BLACK,
        Kind::Before => RGBColor(0x2c, 0xa0, 0x2c),
        Kind::Nats => RGBColor(0x1f, 0x77, 0xb4),
        Kind::Redis => RGBColor(0xd6, 0x27, 0x28),
        Kind::Relay => RGBColor(0x59, 0x59, 0x59),
    }
}
