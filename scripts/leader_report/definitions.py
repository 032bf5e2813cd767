"""The definitions of docs/kpis.md as HTML, cut into their sections, so that no page says them a second time."""

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markupsafe import Markup, escape


@dataclass
class Section:
    """A section of the document: its title without a number, its HTML, and the KPI that it defines, if any."""

    title: str
    html: Markup
    kpi: str | None


def scrolling(html: str, title: str) -> str:
    """The HTML with tables and code that scroll on their own where a screen is narrow, with the keyboard too."""
    numbers = count(1)

    def wrapped(match: re.Match) -> str:
        label = escape(f"{title}, {'table' if match[2] == 'table' else 'query'} {next(numbers)}")
        return f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">{match[1]}</div>'

    return re.sub(r"(<(table|pre)>.*?</\2>)", wrapped, html, flags=re.DOTALL)


def sections(path: Path) -> list[Section]:
    """The sections of a definitions document in their order. The KPI is the mart that a section's text begins with.

    Raises FileNotFoundError where the document is missing.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    found = []
    for chapter in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = chapter.partition("\n")
        mart = re.match(r"\s*`kpi_(\w+)`, by ", text)
        title = re.sub(r"^\d+ ", "", title.strip())
        found.append(Section(title, Markup(scrolling(markdown.render(text), title)), mart[1] if mart else None))
    return found


def version(path: Path) -> int | None:
    """The definition version in a mart's YAML, thus of the text here; None where the mart is not in the project."""
    if not path.is_file():
        return None
    return yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]["config"]["meta"]["definition_version"]
