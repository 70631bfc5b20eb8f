//! Contrast and distance of the colours, computed from the style sheet's variables.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../src/asset/bartizan.css");

type Rgb = [f64; 3];

/// Light and dark of each `--name: light-dark(#.., #..)`.
fn variables() -> BTreeMap<&'static str, [Rgb; 2]> {
    let mut all = BTreeMap::new();
    for line in STYLE.lines() {
        let Some((name, value)) = line.trim().strip_prefix("--").and_then(|l| l.split_once(": light-dark(")) else { continue };
        let Some((light, dark)) = value.trim_end_matches(");").split_once(", ") else { continue };
        if let (Some(light), Some(dark)) = (hex(light), hex(dark)) {
            all.insert(name, [light, dark]);
        }
    }
    all
}

fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#')?.get(..6)?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok().map(|v| f64::from(v) / 255.0);
    Some([part(0)?, part(2)?, part(4)?])
}

fn linear(rgb: Rgb) -> Rgb {
    rgb.map(|v| if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) })
}

/// WCAG 2 contrast ratio.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let light = |c| {
        let [r, g, b] = linear(c);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Vision without one kind of cone, in linear light: Machado, Oliveira, Fernandes 2009, severity 1.
const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("protan", [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]]),
    ("deutan", [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]]),
    ("tritan", [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]]),
];

fn lab(rgb: Rgb, vision: &[[f64; 3]; 3]) -> [f64; 3] {
    let l = linear(rgb);
    let [r, g, b] = vision.map(|row| row.iter().zip(l).map(|(m, v)| m * v).sum::<f64>().clamp(0.0, 1.0));
    let xyz = [
        (0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175_0 * b,
        (0.019_333_9 * r + 0.119_192_0 * g + 0.950_304_1 * b) / 1.088_83,
    ];
    let [x, y, z] = xyz.map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000: Sharma, Wu, Dalal 2005.
fn distance([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let mean_c = (a1.hypot(b1) + a2.hypot(b2)) / 2.0;
    let g = 0.5 * (1.0 - (mean_c.powi(7) / (mean_c.powi(7) + 25_f64.powi(7))).sqrt());
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let dh = if grey { 0.0 } else { (h2 - h1 + 540.0).rem_euclid(360.0) - 180.0 };
    let big_h = 2.0 * (c1 * c2).sqrt() * (dh.to_radians() / 2.0).sin();
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let h = if grey { h1 + h2 } else { (h1 + dh / 2.0).rem_euclid(360.0) };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0) - 0.20 * cos(4.0 * h - 63.0);
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rotation = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let rc = 2.0 * (c.powi(7) / (c.powi(7) + 25_f64.powi(7))).sqrt();
    let rt = -(2.0 * rotation).to_radians().sin() * rc;
    let (dl, dc, dh) = ((l2 - l1) / sl, (c2 - c1) / sc, big_h / sh);
    (dl * dl + dc * dc + dh * dh + rt * dc * dh).sqrt()
}

#[test]
fn distances_agree_with_the_published_ones() {
    for (a, b, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        assert!((distance(a, b) - expected).abs() < 1e-3, "{}", distance(a, b));
    }
}

#[test]
fn text_is_readable() {
    let v = variables();
    let pairs = [
        ("text", "page"),
        ("text", "panel"),
        ("text", "raised"),
        ("muted", "page"),
        ("muted", "panel"),
        ("muted", "raised"),
        ("link", "page"),
        ("link", "panel"),
        ("link", "raised"),
        ("on-link", "link"),
        ("good", "panel"),
        ("good", "page"),
        ("mark-text", "mark"),
        ("critical-text", "critical"),
        ("high-text", "high"),
        ("medium-text", "medium"),
        ("low-text", "low"),
        ("info-text", "info"),
    ];
    for (text, ground) in pairs {
        for (theme, look) in [(0, "light"), (1, "dark")] {
            let ratio = contrast(v[text][theme], v[ground][theme]);
            assert!(ratio >= 4.5, "{text} on {ground}, {look}: {ratio:.2}");
        }
    }
}

#[test]
fn shapes_are_seen() {
    let v = variables();
    let shapes = ["critical", "high", "medium-edge", "low", "info", "edge", "data-strong", "mark-edge"];
    for shape in shapes {
        for (theme, look) in [(0, "light"), (1, "dark")] {
            let ratio = contrast(v[shape][theme], v["panel"][theme]);
            assert!(ratio >= 3.0, "{shape} on panel, {look}: {ratio:.2}");
        }
    }
}

#[test]
fn severities_differ_for_every_eye() {
    let v = variables();
    let all = ["critical", "high", "medium", "low", "info"];
    for (theme, look) in [(0, "light"), (1, "dark")] {
        for (vision, matrix) in &VISIONS {
            for (i, a) in all.iter().enumerate() {
                for b in &all[i + 1..] {
                    let d = distance(lab(v[a][theme], matrix), lab(v[b][theme], matrix));
                    assert!(d >= 12.0, "{a} and {b}, {look}, {vision}: {d:.1}");
                }
            }
        }
    }
}
