"""Draws the figures of chart.json as docs/images/speed-light.svg and speed-dark.svg: python3 benches/chart.py

Each figure in chart.json names the page it is taken from and the command that measures it. A bar is solid up to the lowest of
the runs and pale up to the highest. Python's standard library is all that this needs.
"""

import json
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent / "docs" / "images"
THEMES = {
    "light": {"text": "#1f2328", "quiet": "#59636e", "ours": "#0969da", "other": "#8c959f"},
    "dark": {"text": "#f0f6fc", "quiet": "#9198a1", "ours": "#4493f8", "other": "#656c76"},
}
WIDTH, LABELS, BARS = 700, 230, 370
ROW, BAR, HEAD, GAP = 24, 15, 42, 18


def text(x, y, words, fill, size=13, anchor="start", weight="normal"):
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def panel(found, top, theme):
    yield text(0, top + 14, found["title"], theme["text"], weight="bold")
    yield text(0, top + 31, f"{found['better']} is better · {found['command']}", theme["quiet"], size=11)
    digits = max(len(f"{bar[end]:g}".partition(".")[2]) for bar in found["bars"] for end in ("low", "high"))
    largest = max(bar["high"] for bar in found["bars"])
    for index, bar in enumerate(found["bars"]):
        y = top + HEAD + index * ROW
        color = theme["ours" if bar.get("ours") else "other"]
        low, high = (round(BARS * bar[end] / largest, 1) for end in ("low", "high"))
        yield text(LABELS - 10, y + 12, bar["label"], theme["text"], anchor="end")
        yield f'<rect x="{LABELS}" y="{y}" width="{high}" height="{BAR}" rx="2" fill="{color}" fill-opacity="0.45"/>'
        yield f'<rect x="{LABELS}" y="{y}" width="{low}" height="{BAR}" rx="2" fill="{color}"/>'
        ends = [f"{value:.{digits}f}" for value in sorted({bar["low"], bar["high"]})]
        yield text(LABELS + high + 8, y + 12, f"{'–'.join(ends)} {found['unit']}".rstrip(), theme["quiet"], size=12)


def chart(figures, theme):
    body, top = [], 0
    for found in figures["panels"]:
        body += panel(found, top, theme)
        top += HEAD + len(found["bars"]) * ROW + GAP
    top -= GAP - 6
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        'role="img" font-family="-apple-system, BlinkMacSystemFont, Segoe UI, Helvetica, Arial, sans-serif">'
    )
    return "\n".join([head, f"<title>{escape(figures['title'])}</title>", *body, "</svg>", ""])


def main():
    figures = json.loads((HERE / "chart.json").read_text())
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, theme in THEMES.items():
        (IMAGES / f"speed-{name}.svg").write_text(chart(figures, theme))


if __name__ == "__main__":
    main()
