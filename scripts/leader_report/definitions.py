"""The definitions of docs/kpis.md as HTML, cut into their sections, so that no page says them a second time."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup


@dataclass
class Section:
    """A section of the document: its title without a number, its HTML, and the KPI that it defines, if any."""

    title: str
    html: Markup
    kpi: str | None


def sections(path: Path) -> list[Section]:
    """The sections of a definitions document in their order. The KPI is the mart that a section's text begins with.

    Raises FileNotFoundError where the document is missing.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    found = []
    for chapter in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = chapter.partition("\n")
        mart = re.match(r"\s*`kpi_(\w+)`, by ", text)
        html = markdown.render(text)
        # A table of the document may be wider than a phone: it scrolls on its own, with the keyboard too
        html = html.replace("<table>", '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>')
        html = html.replace("</table>", "</table></div>")
        found.append(Section(re.sub(r"^\d+ ", "", title.strip()), Markup(html), mart[1] if mart else None))
    return found
