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
        // Ticks of 1, 2 or 5 times a power of ten, from zero.
        let rough = (most.max(1.0) / 4.0).max(1.0);
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| *step >= rough).unwrap_or(rough);
        let ceiling = ((most / step).floor() + 1.0) * step;
        let y = |value: f64| top + HEIGHT - value / ceiling * HEIGHT;
        let mut tick = 0.0;
        while tick <= ceiling + step / 2.0 {
            let (right, at) = (LEFT + WIDTH, y(tick));
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{tick}</text>",
                LEFT - 8.0,
                at + 4.0
            );
            tick += step;
        }
        for part in 0..=6 {
            let part = f64::from(part) / 6.0;
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.1}</text>",
                LEFT + WIDTH * part,
                top + HEIGHT + 16.0,
                end * part
            );
        }
        let points = line.values.iter().enumerate().map(|(at, value)| {
            let x = LEFT + WIDTH * at as f64 / (line.values.len().max(2) - 1) as f64;
            format!("{x:.1},{:.1}", y(*value))
        });
        let _ = writeln!(
            out,
            "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" points=\"{}\"/>\n<text x=\"{}\" y=\"{:.1}\" \
             fill=\"{}\">{}</text>",
            line.color,
            points.collect::<Vec<_>>().join(" "),
            LEFT + 10.0,
            top + 16.0,
            line.color,
            line.name
        );
    }
    let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{unit}</text>\n</svg>", LEFT + WIDTH, all - 6.0);
    out
}
