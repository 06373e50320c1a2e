//! Ratio against speed, as an SVG.

use std::fmt::Write;

/// An algorithm.
pub struct Point {
    /// Its name.
    pub name: String,
    /// Bytes before over bytes after.
    pub ratio: f64,
    /// Megabytes a second.
    pub compress: f64,
    /// Megabytes a second.
    pub decompress: f64,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 250.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 52.0;

/// A picture: speed from left to right in powers of ten, ratio upwards; a ring where an algorithm compresses, a disc where it
/// decompresses, a line between.
pub fn plot(points: &[Point]) -> String {
    let speeds = points
        .iter()
        .flat_map(|point| [point.compress, point.decompress]);
    let (mut slowest, mut fastest) = (f64::INFINITY, 1.0_f64);
    for speed in speeds {
        slowest = slowest.min(speed.max(0.1));
        fastest = fastest.max(speed);
    }
    let from = if slowest.is_finite() { slowest } else { 1.0 }
        .log10()
        .floor();
    let to = fastest.log10().ceil().max(from + 1.0);
    let most = points.iter().map(|point| point.ratio).fold(1.5, f64::max) * 1.08;
    let x =
        |speed: f64| LEFT + (speed.max(0.1).log10() - from) / (to - from) * (WIDTH - LEFT - RIGHT);
    let y = |ratio: f64| HEIGHT - BOTTOM - ratio / most * (HEIGHT - TOP - BOTTOM);
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" fill=\"#1f2328\">Ratio against speed, pages of 4 KiB, one thread</text>\n"
    );
    let mut power = from;
    while power <= to {
        let (at, label) = (x(10_f64.powf(power)), 10_f64.powf(power));
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#d8dee4\"/>\n\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#59636e\">{label}</text>\n",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 18.0
        );
        power += 1.0;
    }
    let step = if most > 8.0 { (most / 6.0).ceil() } else { 1.0 };
    let mut ratio = 0.0;
    while ratio <= most {
        let at = y(ratio);
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\" stroke=\"#d8dee4\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#59636e\">{ratio}</text>\n",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
        ratio += step;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#59636e\">MB/s (ring: compress, disc: decompress)</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 12.0
    );
    // Names stand apart, the highest ratio first, each with its colour.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| points[*b].ratio.total_cmp(&points[*a].ratio));
    for (place, index) in order.into_iter().enumerate() {
        let point = &points[index];
        let colour = COLOURS[index % COLOURS.len()];
        let (height, name) = (y(point.ratio), escaped(&point.name));
        let (start, end) = (x(point.compress), x(point.decompress));
        let legend = TOP + 8.0 + 20.0 * place as f64;
        let _ = write!(
            svg,
            "<line x1=\"{start:.1}\" y1=\"{height:.1}\" x2=\"{end:.1}\" y2=\"{height:.1}\" stroke=\"{colour}\" stroke-dasharray=\"2 3\"/>\n\
             <circle cx=\"{start:.1}\" cy=\"{height:.1}\" r=\"5\" fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <circle cx=\"{end:.1}\" cy=\"{height:.1}\" r=\"5\" fill=\"{colour}\"/>\n\
             <circle cx=\"{:.1}\" cy=\"{legend:.1}\" r=\"5\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#1f2328\">{name} ({:.2})</text>\n",
            WIDTH - RIGHT + 16.0,
            WIDTH - RIGHT + 27.0,
            legend + 4.0,
            point.ratio
        );
    }
    svg.push_str("</svg>\n");
    svg
}

const COLOURS: [&str; 8] = [
    "#0969da", "#bc4c00", "#1a7f37", "#8250df", "#cf222e", "#9a6700", "#0a7ea4", "#59636e",
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_in_the_picture_and_inside_of_it() {
        let points: Vec<Point> = ["lz4", "a<b", "slow"]
            .into_iter()
            .zip([2.0, 14.5, 1.0])
            .map(|(name, ratio)| Point {
                name: name.to_owned(),
                ratio,
                compress: 50.0 * ratio,
                decompress: 4000.0 / ratio,
            })
            .collect();
        let svg = plot(&points);
        assert!(
            svg.contains("lz4 (2.00)") && svg.contains("a&lt;b (14.50)"),
            "{svg}"
        );
        assert_eq!(svg.matches("<circle").count(), 9);
        for (name, most) in [("cx=\"", WIDTH), ("cy=\"", HEIGHT)] {
            for part in svg.split(name).skip(1) {
                let number: f64 = part.split('"').next().unwrap().parse().unwrap();
                assert!((0.0..most).contains(&number), "{name}{number}");
            }
        }
        assert!(plot(&[]).ends_with("</svg>\n"));
    }
}
