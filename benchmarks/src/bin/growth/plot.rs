//! An SVG of a few curves side by side. Knows nothing of what they mean.

use std::fmt::Write;

use s3_journal_benchmarks::measure::{Sample, median};

/// What was measured at one place, and at the least place in turns with it, a value for each round.
#[derive(Debug, Clone, Default)]
pub struct Point {
    /// Where.
    pub x: usize,
    /// What it took there.
    pub ours: Vec<Sample>,
    /// What it took where there is least of what grows.
    pub least: Vec<Sample>,
}

/// Nanoseconds of wall time for one.
pub fn wall(sample: &Sample) -> f64 {
    sample.wall.as_secs_f64() * 1e9 / sample.amount
}

/// Nanoseconds of processor time for one.
pub fn cpu(sample: &Sample) -> f64 {
    sample.cpu.as_secs_f64() * 1e9 / sample.amount
}

impl Point {
    /// Nothing measured yet.
    pub fn at(x: usize) -> Self {
        Self { x, ..Self::default() }
    }

    /// The rounds' own ratios.
    pub fn ratios(&self, of: fn(&Sample) -> f64) -> Vec<f64> {
        self.ours.iter().zip(&self.least).map(|(ours, least)| of(ours) / of(least)).collect()
    }

    /// Their median.
    pub fn ratio(&self, of: fn(&Sample) -> f64) -> f64 {
        median(&self.ratios(of))
    }
}

/// One curve with its axes.
pub struct Panel<'a> {
    /// What is along the axis.
    pub title: &'a str,
    /// From left to right.
    pub points: &'a [Point],
    /// The axis is.
    pub is_logarithmic: bool,
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 40.0;
/// The highest ratio that is drawn; from 0.
const RATIO_MAX: f64 = 2.0;

/// The panels in one row: ratios of the time per entry there to that at the least, the line of 1 drawn through.
pub fn svg(panels: &[Panel<'_>]) -> String {
    let width = WIDTH * panels.len() as f64;
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    for (number, panel) in panels.iter().enumerate() {
        let _ = writeln!(out, "<g transform=\"translate({},0)\">", number as f64 * WIDTH);
        panel.draw(&mut out);
        let _ = writeln!(out, "</g>");
    }
    out.push_str("</svg>\n");
    out
}

impl Panel<'_> {
    fn draw(&self, out: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let _ = writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"16\" font-size=\"13\">time per entry: {}</text>\n\
             <text x=\"{LEFT}\" y=\"29\" font-size=\"9\" fill=\"#777\">as a ratio to the least, in turns; dark: processor time, light: wall time</text>",
            self.title
        );
        for step in 0..=4 {
            let ratio = RATIO_MAX * f64::from(step) / 4.0;
            let y = height(ratio);
            let colour = if step == 2 { "#999" } else { "#ddd" };
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"{colour}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{ratio}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        let mut labelled = f64::NEG_INFINITY;
        for (number, point) in self.points.iter().enumerate() {
            let x = self.place(number, right);
            for ratio in point.ratios(wall) {
                let _ = write!(
                    out,
                    "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"1.5\" fill=\"#9bd\"/>",
                    height(ratio)
                );
            }
            if x - labelled > 26.0 {
                let y = bottom + 16.0;
                let _ =
                    writeln!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", point.x);
                labelled = x;
            }
        }
        self.curve(out, wall, "#9bd");
        self.curve(out, cpu, "#136");
    }

    fn curve(&self, out: &mut String, of: fn(&Sample) -> f64, colour: &str) {
        let at = |(number, point): (usize, &Point)| {
            format!("{:.1} {:.1}", self.place(number, WIDTH - RIGHT), height(point.ratio(of)))
        };
        let path: Vec<String> = self.points.iter().enumerate().map(at).collect();
        let path = path.join("L");
        let _ = writeln!(out, "<path d=\"M{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
    }

    fn place(&self, number: usize, right: f64) -> f64 {
        let scale = |x: usize| if self.is_logarithmic { (x as f64).ln() } else { x as f64 };
        let (first, last) = match self.points {
            [first, .., last] => (scale(first.x), scale(last.x)),
            _ => return LEFT,
        };
        LEFT + 8.0 + (right - LEFT - 16.0) * (scale(self.points[number].x) - first) / (last - first)
    }
}

fn height(ratio: f64) -> f64 {
    let bottom = HEIGHT - BOTTOM;
    bottom - (bottom - TOP - 6.0) * ratio.clamp(0.0, RATIO_MAX) / RATIO_MAX
}
