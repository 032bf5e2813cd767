"""The charts of the report as Vega-Lite specifications, drawn with Altair.

A specification names its data; report.js puts in the rows that the filters choose, and formats numbers through
`asText(value, unit)`. Colours are CSS variables of the page, so that one drawing serves light, dark and print.
Shapes and dashes repeat what colours say.
"""

import altair as alt
import vl_convert

ROWS = alt.NamedData("rows")
STRONG = "var(--chart-strong)"
SOFT = "var(--chart-soft)"
OTHER = "var(--chart-other)"
PAPER = "var(--paper)"
INK = "var(--ink)"

CONFIG = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "aria": False,  # the page describes each chart in words, and gives its table
    "axis": {
        "labelColor": "var(--ink-soft)",
        "labelFontSize": 12,
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--grid)",
        "titleColor": "var(--ink-soft)",
        "labelPadding": 6,
    },
    "text": {"color": INK, "fontSize": 12},
}

TIP = [
    alt.Tooltip("label:N", title="What"),
    alt.Tooltip("text:N", title="Figure"),
    alt.Tooltip("parts:N", title="From"),
]
SERIES = alt.Tooltip("series:N", title="Of")
NUMBERS = alt.Axis(labelExpr="asText(datum.value, unit, true)", tickCount=5, domain=False, ticks=False)
PERIODS = alt.X(
    "label:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=10)
)


def _unit() -> alt.Parameter:
    """What the values of a chart are measured in; report.js sets it."""
    return alt.param(name="unit", value="count")


def _ends() -> list[alt.Parameter]:
    """The ends of the axis of bars, with room for the figures beside them, and for the names; report.js sets them."""
    return [alt.param(name=name, value=value) for name, value in (("low", 0), ("high", 1), ("names", 150))]


def _lengths(field: str) -> alt.X:
    """The lengths of bars."""
    scale = alt.Scale(domainMin=alt.expr("low"), domainMax=alt.expr("high"), nice=False)
    return alt.X(f"{field}:Q", title=None, axis=NUMBERS, scale=scale)


def _members() -> alt.Y:
    """Members down the side in the order of the rows, one line each."""
    axis = alt.Axis(labelLimit=alt.expr("names"), domain=False, ticks=False)
    return alt.Y("label:N", sort=None, title=None, axis=axis)


def _beyond(base: alt.Chart) -> list[alt.Chart]:
    """Triangles for points that lie beyond the axis, at its edge; the page names them."""
    mark = {"color": OTHER, "fill": OTHER, "size": 90, "opacity": 1}
    return [
        base.mark_point(shape=f"triangle-{side}", **mark).transform_filter(f"datum.beyond == '{side}'")
        for side in ("up", "down")
    ]


def spark() -> alt.LayerChart:
    """The last periods of a KPI in small, the chosen period as the last point, hollow where it is not final."""
    base = alt.Chart(ROWS, width="container", height=44).encode(
        x=alt.X("label:O", sort=None, axis=None),
        y=alt.Y("drawn:Q", axis=None),
        tooltip=TIP[:2],
    )
    return alt.layer(
        base.mark_line(color=STRONG, strokeWidth=2).transform_filter("!datum.running"),
        base.mark_line(color=STRONG, strokeWidth=2, strokeDash=[3, 3]).transform_filter("datum.tail"),
        base.mark_point(color=STRONG, fill=PAPER, size=40).transform_filter("datum.last && datum.note"),
        base.mark_point(color=STRONG, fill=STRONG, size=40).transform_filter("datum.last && !datum.note"),
        *_beyond(base),
    )


def trend() -> alt.LayerChart:
    """A measure over time; what is not final yet is hollow and named."""
    base = alt.Chart(ROWS, width="container", height=260).encode(
        x=PERIODS, y=alt.Y("drawn:Q", title=None, axis=NUMBERS), tooltip=TIP
    )
    unfinished = base.transform_filter("datum.note")
    name = {"align": "right", "dx": 6}
    return alt.layer(
        base.mark_line(color=STRONG, strokeWidth=2.5).transform_filter("!datum.running"),
        base.mark_line(color=STRONG, strokeWidth=2, strokeDash=[4, 4]).transform_filter("datum.tail"),
        base.mark_point(color=STRONG, fill=STRONG, size=45, opacity=1).transform_filter("!datum.note && !datum.beyond"),
        unfinished.mark_point(color=STRONG, fill=PAPER, size=60, opacity=1).transform_filter("!datum.beyond"),
        *_beyond(base),
        # Where the line does not run
        unfinished.transform_filter("datum.last && !datum.falls").mark_text(**name, dy=-17).encode(text="note:N"),
        unfinished.transform_filter("datum.last && datum.falls").mark_text(**name, dy=19).encode(text="note:N"),
    ).add_params(_unit())


def pair() -> alt.LayerChart:
    """Two amounts over time; the second is dashed and has squares. The page has the legend, beside the title."""
    colour = alt.Color("series:N", sort=None, scale=alt.Scale(range=[STRONG, OTHER]), legend=None)
    shape = alt.Shape("series:N", sort=None, scale=alt.Scale(range=["circle", "square"]), legend=None)
    base = alt.Chart(ROWS, width="container", height=240).encode(
        x=PERIODS, y=alt.Y("value:Q", title=None, axis=NUMBERS), tooltip=[SERIES, *TIP], color=colour
    )
    dash = alt.StrokeDash("series:N", sort=None, scale=alt.Scale(range=[[1, 0], [6, 3]]), legend=None)
    full = base.transform_filter("!datum.running").mark_point(size=45, filled=True, opacity=1)
    hollow = base.transform_filter("datum.running").mark_point(size=60, fill=PAPER, opacity=1)
    return alt.layer(
        base.mark_line(strokeWidth=2.5).encode(strokeDash=dash),
        full.encode(shape=shape),
        hollow.encode(shape=shape),
        base.transform_filter("datum.running && datum.upper").mark_text(align="right", dx=6, dy=-17, text="running"),
    ).add_params(_unit())


def members() -> alt.LayerChart:
    """A measure by member as bars with their figures; a line for the whole company; the chosen member stands out."""
    base = alt.Chart(ROWS, width="container", height=alt.Step(26)).encode(y=_members(), tooltip=TIP)
    value = _lengths("value")
    colour = alt.condition("datum.chosen", alt.value(STRONG), alt.value(SOFT))
    figures = base.encode(x=value, text="text:N")
    company = alt.Chart(alt.NamedData("company"))
    return alt.layer(
        base.mark_bar(height=16, cornerRadius=2, stroke=STRONG, strokeWidth=1).encode(x=value, color=colour),
        company.mark_rule(color=OTHER, strokeWidth=2, strokeDash=[6, 3]).encode(x="value:Q"),
        figures.mark_text(align="left", dx=6).transform_filter("datum.value >= 0"),
        figures.mark_text(align="right", dx=-6).transform_filter("datum.value < 0"),
    ).add_params(_unit(), *_ends())


def funnel() -> alt.LayerChart:
    """Deals that entered each stage, and those of them that advanced, with the rate."""
    base = alt.Chart(ROWS, width="container", height=alt.Step(46)).encode(y=_members(), tooltip=TIP)
    entered = _lengths("value")
    return alt.layer(
        base.mark_bar(height=30, color=SOFT, stroke=STRONG, strokeWidth=1, cornerRadius=2).encode(x=entered),
        base.mark_bar(height=16, color=STRONG, cornerRadius=2).encode(x=_lengths("advanced")),
        base.mark_text(align="left", dx=6).encode(x=entered, text="text:N"),
    ).add_params(_unit(), *_ends())


def stage_days() -> alt.LayerChart:
    """Median and average days in each stage."""
    base = alt.Chart(ROWS, width="container", height=alt.Step(25)).encode(
        y=_members(), yOffset=alt.YOffset("series:N", sort=None), tooltip=TIP
    )
    value = _lengths("value")
    colour = alt.Color("series:N", sort=None, legend=None, scale=alt.Scale(range=[STRONG, SOFT]))
    return alt.layer(
        base.mark_bar(height=14, cornerRadius=2, stroke=STRONG, strokeWidth=1).encode(x=value, color=colour),
        base.mark_text(align="left", dx=6).encode(x=value, text="text:N"),
    ).add_params(_unit(), *_ends())


def specifications() -> dict[str, dict]:
    """{name: Vega-Lite specification} of all charts."""
    drawn = {}
    for chart in (spark, trend, pair, members, funnel, stage_days):
        specification = chart().to_dict()
        specification |= {"config": CONFIG, "autosize": {"type": "fit-x", "contains": "padding"}}
        drawn[chart.__name__] = specification
    return drawn


def library() -> str:
    """The JavaScript that draws them: Vega, Vega-Lite and Vega-Embed of the version that Altair writes for."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    # In a function, so that its many short names are not those of the page
    return f"(() => {{{vl_convert.javascript_bundle(vl_version=version)}}})();\n"
