"""A picture of a certificate chain: each lifetime as a bar from its begin to its end, with the day it was seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from cutover.facts.certificate import Certificate, Link
from cutover.redact import visible
from cutover.report.words import Words

WIDTH, HEAD, ROW, BAR = 640, 26, 62, 14
DAY = timedelta(days=1)
SUBJECT = 70  # characters of a name that are drawn
# They read on white and on black: 4.5 to 1 on both.
GOOD, BAD, REST = "#3b8250", "#c9463d", "#8a8f98"


def lifetimes(certificate: Certificate, words: Words) -> str:
    """The SVG; text in it takes the page's colour. Each bar has a scale of its own, as lifetimes differ by decades."""
    title = words("pictures.certificate", address=certificate.address)
    height = HEAD + ROW * len(certificate.chain)
    root = ET.Element("svg", viewBox=f"0 0 {WIDTH} {height}", width=str(WIDTH), height=str(height), role="img")
    root.set("class", "picture")
    ET.SubElement(root, "title").text = visible(title)
    _text(root, 0, 15, visible(title), size=14)
    for number, link in enumerate(certificate.chain):
        _bar(root, HEAD + number * ROW, link, certificate.at, words)
    return ET.tostring(root, encoding="unicode")


def _bar(root: ET.Element, top: int, link: Link, at: datetime, words: Words) -> None:
    whole = (link.not_after - link.not_before).total_seconds()
    gone = min(max((at - link.not_before).total_seconds() / whole, 0.0), 1.0) if whole > 0 else 1.0
    in_time = link.not_before <= at < link.not_after
    subject = visible(link.subject)
    _text(root, 0, top + 14, subject if len(subject) <= SUBJECT else f"{subject[: SUBJECT - 1]}…")
    _text(root, WIDTH, top + 14, _left(link, at, words), anchor="end")
    place = {"x": "0", "y": str(top + 22), "height": str(BAR), "rx": "3"}
    ET.SubElement(root, "rect", place, width=str(WIDTH), fill=GOOD if in_time else BAD)
    ET.SubElement(root, "rect", place, width=f"{gone * WIDTH:.1f}", fill=REST)
    seen = min(max(gone * WIDTH, 1.5), WIDTH - 1.5)
    line = {"x1": f"{seen:.1f}", "x2": f"{seen:.1f}", "y1": str(top + 18), "y2": str(top + 40)}
    line |= {"stroke": "currentColor", "stroke-width": "3"}
    ET.SubElement(root, "line", line)
    _text(root, 0, top + 50, f"{link.not_before:%Y-%m-%d}", size=11)
    _text(root, WIDTH, top + 50, f"{link.not_after:%Y-%m-%d}", size=11, anchor="end")


def _left(link: Link, at: datetime, words: Words) -> str:
    if at < link.not_before:
        return words("pictures.not-yet", days=(link.not_before - at).days)
    if at >= link.not_after:
        return words("pictures.expired", days=(at - link.not_after).days)
    return words(
        "pictures.left", left=(link.not_after - at).days, whole=round((link.not_after - link.not_before) / DAY)
    )


def _text(root: ET.Element, x: int, y: int, told: str, size: int = 13, anchor: str = "start") -> None:
    place = {"x": str(x), "y": str(y), "font-size": str(size), "text-anchor": anchor, "fill": "currentColor"}
    ET.SubElement(root, "text", place).text = told
