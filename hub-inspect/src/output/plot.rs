//! The time-sequence plot of a connection: sequence numbers over time, as in Stevens' books.
//!
//! Each segment is a vertical line from its first number to its last. A step line below follows the
//! acknowledgements, and one above follows the end of the receiver's window. A sender that runs into the
//! upper line waits for the receiver; one that stays between the lines has nothing to send. No list of
//! segments shows that at a glance.

use super::points::{Direction, Point, Points};
use plotters::prelude::*;
use thiserror::Error;

const SIZE: (u32, u32) = (1200, 800);

/// A plot could not be drawn.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The capture has no such connection, or the connection has no data.
    #[error("the capture has no such connection with data")]
    Nothing,
    /// The drawing has failed.
    #[error("the plot cannot be drawn: {0}")]
    Draw(String),
}

impl Points {
    /// Draws the direction that sent more bytes, and returns the SVG.
    ///
    /// # Errors
    /// The connection is not there, or has no data.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        let [left, right] = &self.directions;
        let sender = usize::from(right.bytes > left.bytes);
        let direction = &self.directions[sender];
        let Some(title) = self.title.as_ref().filter(|_| direction.bytes > 0) else {
            return Err(PlotError::Nothing);
        };
        let mut title = format!("{} to {}", title[sender], title[1 - sender]);
        if self.left_out > 0 {
            title += &format!(" (without the last {} points)", self.left_out);
        }
        let mut svg = String::new();
        draw(&mut svg, &title, direction).map_err(|error| PlotError::Draw(error.to_string()))?;
        Ok(svg)
    }
}

/// The lines and marks of a plot, by what they stand for.
#[derive(Default)]
struct Marks {
    sent: Vec<[(f64, f64); 2]>,
    again: Vec<[(f64, f64); 2]>,
    acknowledged: Vec<(f64, f64)>,
    window: Vec<(f64, f64)>,
    frames: Vec<(f64, f64)>,
}

impl Marks {
    fn of(direction: &Direction) -> Self {
        let mut marks = Marks::default();
        // A step line keeps its height until the next point.
        let step = |line: &mut Vec<(f64, f64)>, time: f64, height: f64| {
            if let Some(&(_, before)) = line.last() {
                line.push((time, before));
            }
            line.push((time, height));
        };
        for &(time, point) in &direction.points {
            match point {
                Point::Data { from, to, again } => {
                    let line = [(time, from as f64), (time, to as f64)];
                    if again { marks.again.push(line) } else { marks.sent.push(line) }
                }
                Point::Acknowledged { ack, edge } => {
                    step(&mut marks.acknowledged, time, ack as f64);
                    step(&mut marks.window, time, edge as f64);
                }
                Point::FrameEnd { at } => marks.frames.push((time, at as f64)),
            }
        }
        marks
    }
}

/// Writes a number with a space between each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn draw(
    svg: &mut String,
    title: &str,
    direction: &Direction,
) -> Result<(), Box<dyn std::error::Error>> {
    let marks = Marks::of(direction);
    let last = direction.points.last().map_or(0.0, |point| point.0).max(1e-6);
    let top = (direction.points.iter())
        .map(|(_, point)| match *point {
            Point::Data { to, .. } => to,
            // A window that is far above the data would press the data flat.
            Point::Acknowledged { ack, edge } => edge.min(ack + direction.bytes.max(1)),
            Point::FrameEnd { at } => at,
        })
        .max()
        .unwrap_or(1) as f64;
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .set_label_area_size(LabelAreaPosition::Left, 90)
        .set_label_area_size(LabelAreaPosition::Bottom, 45)
        .build_cartesian_2d(0.0..last * 1.02, 0.0..top * 1.05)?;
    chart
        .configure_mesh()
        .max_light_lines(2)
        .x_desc("seconds")
        .y_desc("sequence number")
        .y_label_formatter(&|number| grouped(*number as u64))
        .draw()?;
    let green = RGBColor(30, 140, 60);
    let orange = RGBColor(220, 130, 0);
    let lines = |lines: &[[(f64, f64); 2]], color: RGBColor| {
        lines
            .iter()
            .map(move |line| PathElement::new(line.to_vec(), color.stroke_width(2)))
            .collect::<Vec<_>>()
    };
    let legend = |color: RGBColor| {
        move |(x, y): (i32, i32)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2))
    };
    chart
        .draw_series([PathElement::new(marks.window, orange.stroke_width(1))])?
        .label("end of the receiver's window")
        .legend(legend(orange));
    chart
        .draw_series([PathElement::new(marks.acknowledged, green.stroke_width(1))])?
        .label("acknowledged")
        .legend(legend(green));
    chart.draw_series(lines(&marks.sent, BLUE))?.label("segments").legend(legend(BLUE));
    chart.draw_series(lines(&marks.again, RED))?.label("sent again").legend(legend(RED));
    chart
        .draw_series(marks.frames.iter().map(|at| Circle::new(*at, 2, BLACK.filled())))?
        .label("ends of hub frames")
        .legend(legend(BLACK));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
