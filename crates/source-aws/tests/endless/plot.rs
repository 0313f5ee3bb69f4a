//! A plot as SVG.

use std::fmt::Write;

/// A line of a plot, on an axis of its own.
pub struct Line<'a> {
    pub name: &'a str,
    pub color: &'a str,
    pub values: Vec<f64>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 44.0;

/// Lines above each other over the same time; `end` is its length, in `unit`.
pub fn svg(title: &str, lines: &[Line<'_>], end: f64, unit: &str) -> String {
    let (mut out, all) = (String::new(), TOP + (HEIGHT + 40.0) * lines.len() as f64 + 16.0);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 {all}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"960\" height=\"{all}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{title}</text>\n"
    );
    for (index, line) in lines.iter().enumerate() {
        let top = TOP + (HEIGHT + 40.0) * index as f64;
        let most = line.values.iter().copied().fold(0.0, f64::max);
        let step = step(most, 4.0);
        let ceiling = ((most / step).floor() + 1.0) * step;
        let y = |value: f64| top + HEIGHT - value / ceiling * HEIGHT;
        for tick in ticks(step, ceiling) {
            let (right, at) = (LEFT + WIDTH, y(tick));
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{tick}</text>",
                LEFT - 8.0,
                at + 4.0
            );
        }
        for tick in ticks(self::step(end, 6.0), end) {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
                LEFT + WIDTH * tick / end,
                top + HEIGHT + 16.0
            );
        }
        let points = line.values.iter().enumerate().map(|(at, value)| {
            let x = LEFT + WIDTH * at as f64 / (line.values.len().max(2) - 1) as f64;
            format!("{x:.1},{:.1}", y(*value))
        });
        let _ = writeln!(
            out,
            "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" points=\"{}\"/>\n<text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\" fill=\"{}\">{}</text>",
            line.color,
            points.collect::<Vec<_>>().join(" "),
            LEFT + WIDTH,
            top - 8.0,
            line.color,
            line.name
        );
    }
    let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{unit}</text>\n</svg>", LEFT + WIDTH, all - 6.0);
    out
}

/// 1, 2 or 5 times a power of ten, so that at most so many reach to `most`, and at least 1.
fn step(most: f64, parts: f64) -> f64 {
    let rough = (most / parts).max(1.0);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| *step >= rough).unwrap_or(rough)
}

/// From zero to `end`.
fn ticks(step: f64, end: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |tick| f64::from(tick) * step).take_while(move |tick| *tick <= end + step / 100.0)
}
