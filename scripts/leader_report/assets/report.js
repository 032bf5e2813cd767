// Fills the filters, charts and tables of a page from the figures in it (see figures.py for their shape).
// No figure is computed here: what is shown is a mart's number, formatted by its unit.
"use strict";

const $ = (id) => document.getElementById(id);
const page = $("page-data") ? JSON.parse($("page-data").textContent) : null;

const WHOLE = "the whole company";
const GRAIN_NAMES = { month: "month", quarter: "quarter", year: "year" };
const PERIODS_A_YEAR = { month: 12, quarter: 4, year: 1 };
const MOST_BARS = 25;
const SPARK_PERIODS = 13;

// --- Numbers as text ---------------------------------------------------------------------------------------------

function number(value, digits, compact = false) {
  const notation = compact && Math.abs(value) >= 10000 ? { notation: "compact", maximumFractionDigits: 1 } : {};
  return value.toLocaleString("en-US", {
    minimumFractionDigits: notation.notation ? 0 : digits,
    maximumFractionDigits: digits,
    signDisplay: "negative",
    ...notation,
  });
}

// The number alone, as a table's cell shows it below a heading that names the unit. compact: for axes.
function asCell(value, unit, compact = false) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  const digits = compact ? 0 : 1;
  if (unit === "share") return number(value * 100, digits);
  if (unit === "count") return number(value, 0, compact);
  if (unit === "multiple") return number(value, compact ? 1 : 2);
  if (unit === "seconds") return number(value / 3600, digits);
  if (unit.startsWith("currency")) return number(value, compact || Math.abs(value) >= 100 ? 0 : 2, compact);
  return number(value, unit === "whole days" ? 0 : digits);
}

function unitName(unit) {
  if (unit === "share") return "%";
  if (unit === "multiple") return "x";
  if (unit === "seconds") return "hours";
  if (unit === "whole days") return "days";
  if (unit === "count" || unit === "flag") return "";
  return unit.replace("currency", page.currency);
}

function asText(value, unit, compact = false) {
  if (value === null || value === undefined) return "–";
  if (compact && unit.startsWith("currency")) return asCell(value, unit, true);
  return `${asCell(value, unit, compact)} ${unitName(unit)}`.trim();
}

function changeAsText(change, unit) {
  const size = Math.abs(change);
  return unit === "share" ? `${number(size * 100, 1)} points` : asText(size, unit);
}

const upper = (word) => word[0].toUpperCase() + word.slice(1);
const lower = (label) => (/^[A-Z][a-z]/.test(label) ? label[0].toLowerCase() + label.slice(1) : label);

// Why a column has no value: by its parts where they say it, else in the words of its description
function reason(column, columns, values) {
  const valueOf = (name) => values[columns.findIndex((other) => other.name === name)];
  for (const name of column.parts) {
    if (valueOf(name) === null) return `${lower(columns.find((other) => other.name === name).label)} not known`;
  }
  const divisor = column.parts.at(-1);
  if (divisor && valueOf(divisor) === 0) return `no ${lower(columns.find((other) => other.name === divisor).label)}`;
  if (column.no_value?.startsWith("when ")) return column.no_value.slice(5);
  return column.no_value ? `no value ${column.no_value}` : "no value";
}

function partsAsText(column, columns, values) {
  return column.parts
    .map((name) => {
      const place = columns.findIndex((other) => other.name === name);
      const part = columns[place];
      const saysUnit = values[place] !== null && (part.unit === "count" || part.label.includes(unitName(part.unit)));
      return saysUnit
        ? `${asCell(values[place], part.unit)} ${lower(part.label)}`
        : `${lower(part.label)} ${asText(values[place], part.unit)}`;
    })
    .join(column.is_quotient ? " / " : ", ");
}

// --- Elements ----------------------------------------------------------------------------------------------------

// An element with attributes and children; text is always put in as text, never as HTML
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const hidden = (text) => make("span", { class: "visually-hidden" }, text);

function valueElement(value, unit, text) {
  return make("data", { value: String(value) }, text ?? asText(value, unit));
}

function fill(id, options, fallback) {
  const select = $(id);
  const wanted = select.options.length ? select.value : chosen[id];
  select.replaceChildren(...options.map(({ value, label }) => make("option", { value }, label)));
  const values = options.map((option) => String(option.value));
  select.value = values.includes(wanted) ? wanted : values.includes(String(fallback)) ? fallback : values[0];
  return select.value;
}

// A table into a container. columns: {label, unit, description}; rows and foot: {label, mark, values, whys}.
function table(id, { caption, head, columns, rows, foot = [], sortable = false }) {
  const heading = (column, place) => {
    const unit = unitName(column.unit);
    const text = column.label + (unit && !column.label.includes(unit) ? `, ${unit}` : "");
    const cell = make("th", { scope: "col", class: "number", title: column.description });
    if (!sortable) cell.append(text);
    else {
      const button = make("button", { type: "button" }, text);
      button.addEventListener("click", () => sortBy(cell, place));
      cell.append(button);
    }
    return cell;
  };
  const line = (row) => {
    const cells = row.values.map((value, place) => {
      if (value === null) {
        const why = row.whys?.[place] ?? "no value";
        return make("td", { class: "number none", title: why }, make("span", { "aria-hidden": "true" }, "–"), hidden(why));
      }
      const unit = columns[place].unit;
      return make("td", { class: "number" }, valueElement(value, unit, asCell(value, unit)));
    });
    const mark = row.mark ? make("span", { class: "badge" }, row.mark) : null;
    return make("tr", {}, make("th", { scope: "row" }, row.label, mark ? " " : null, mark), ...cells);
  };
  const body = make("tbody", {}, ...rows.map(line));
  const sortBy = (cell, place) => {
    const down = cell.getAttribute("aria-sort") !== "descending";
    cell.parentElement.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    const sorted = [...rows].sort((one, other) => {
      const [a, b] = [one.values[place], other.values[place]];
      return a === null || b === null ? (a === null) - (b === null) : sign * (a - b);
    });
    body.replaceChildren(...sorted.map(line));
    announce(`${caption}: sorted by ${columns[place].label}, ${down ? "largest" : "smallest"} first`);
  };
  const whys = columns.map((column, place) => {
    const all = [...rows, ...foot].filter((row) => row.values[place] === null).map((row) => row.whys?.[place] ?? "no value");
    return all.length ? `${column.label}: ${[...new Set(all)].slice(0, 3).join(" or ")}` : null;
  });
  const why = whys.some(Boolean) ? make("p", { class: "note" }, `– ${whys.filter(Boolean).join("; ")}.`) : "";
  const made = make(
    "table",
    {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, upper(head)), ...columns.map(heading))),
    body,
  );
  if (foot.length) made.append(make("tfoot", {}, ...foot.map(line)));
  $(id).replaceChildren(make("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, made), why);
}

function announce(text) {
  $("status").textContent = text;
}

// --- Charts ------------------------------------------------------------------------------------------------------

let work = Promise.resolve();
const views = new Map();

// The ends of an axis of bars: room for the figures at the end of the longest, at 7 pixels a letter
function ends(container, rows) {
  const values = rows.map((row) => row.value ?? 0);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const letters = Math.max(0, ...rows.map((row) => row.text?.length ?? 0));
  const longest = Math.max(0, ...rows.map((row) => row.label?.length ?? 0));
  const names = Math.min(8 * longest, Math.max(150, 0.3 * container.clientWidth));
  const width = container.clientWidth - names;
  const sides = low < 0 && high > 0 ? 2 : 1;
  const text = Math.min(7 * letters + 10, (0.6 * width) / sides);
  const room = ((high - low || 1) * text) / (width - sides * text);
  return { low: low < 0 ? low - room : 0, high: high + room, names };
}

// Draw a specification of charts.js with rows; an aria-label says what is seen. Drawings wait for each other.
function draw(container, name, datasets, unit, label) {
  container.setAttribute("aria-label", label);
  const hasValues = datasets.rows.some((row) => row.value !== null);
  const parameters = { unit, ...ends(container, [...datasets.rows, ...(datasets.company ?? [])]) };
  work = work.then(async () => {
    views.get(container)?.finalize();
    views.delete(container);
    if (!hasValues) {
      container.replaceChildren(make("p", { class: "empty" }, "Nothing to show here: there is no value."));
      return;
    }
    const specification = structuredClone(window.chartSpecifications[name]);
    specification.datasets = { ...specification.datasets, ...datasets };
    for (const parameter of specification.params ?? []) parameter.value = parameters[parameter.name];
    // A height by the number of bars, which Vega-Lite would find out too, but not together with a width that fits
    if (specification.height?.step) specification.height = specification.height.step * datasets.rows.length;
    // Layers without rows are no reason for a warning
    const options = { actions: false, logLevel: 1, renderer: "svg", expressionFunctions: { asText } };
    // The container has the chart in words; its marks would be a crowd of nameless graphics
    const drawing = make("div", { "aria-hidden": "true" });
    container.replaceChildren(drawing);
    views.set(container, await vegaEmbed(drawing, specification, options));
  });
}

// The values that an axis goes to. Where some lie farther out than three times the distance of the quartiles, and would
// press the others together, it ends a little beyond the others.
function reach(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const all = [Math.min(0, ...known), Math.max(0, ...known)];
  if (known.length < 6) return all;
  const quartile = (share) => known[Math.round(share * (known.length - 1))];
  const fence = 3 * (quartile(0.75) - quartile(0.25));
  const near = known.filter((value) => value >= quartile(0.25) - fence && value <= quartile(0.75) + fence);
  const [low, high] = [Math.min(0, ...near), Math.max(0, ...near)];
  if (!fence || all[1] - all[0] < 2 * (high - low)) return all;
  const room = 0.1 * (high - low);
  return [all[0] < low ? low - room : low, all[1] > high ? high + room : high];
}

function beyondInWords(rows) {
  const beyond = rows.filter((row) => row.beyond).map((row) => `${row.label} ${row.text}`);
  return beyond.length ? `Triangles, beyond the axis: ${beyond.join(", ")}.` : "";
}

// The points of a line: what is not final is hollow; the line to a running period is dashed
function points(periods, values, textOf, partsOf, noteOf = () => "") {
  const [low, high] = reach(values);
  return periods.map((period, place) => ({
    label: period.label,
    value: values[place],
    drawn: values[place] === null ? null : Math.min(high, Math.max(low, values[place])),
    beyond: values[place] === null ? "" : values[place] > high ? "up" : values[place] < low ? "down" : "",
    text: textOf(values[place]),
    parts: partsOf(place),
    running: !period.is_complete,
    tail: periods.length > 1 && !periods.at(-1).is_complete && place >= periods.length - 2,
    note: period.is_complete ? noteOf(place) : "running",
    last: place === periods.length - 1,
    // Then there is more room for a note below the point than above it
    falls: place > 0 && values[place] < values[place - 1] && values[place] > low + 0.2 * (high - low),
  }));
}

function inWords(rows) {
  const known = rows.filter((row) => row.value !== null);
  if (!known.length) return "No value.";
  return `From ${known[0].text} in ${known[0].label} to ${known.at(-1).text} in ${known.at(-1).label}.`;
}

// --- Filters that several pages have -----------------------------------------------------------------------------

const chosen = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

function grainFilter(periods) {
  const options = Object.keys(GRAIN_NAMES)
    .filter((grain) => periods[grain].length)
    .map((value) => ({ value, label: `${GRAIN_NAMES[value]}s` }));
  // Quarters, unless none is over yet
  const isOver = periods.quarter.some((period) => period.is_complete);
  return fill("grain", options, isOver ? "quarter" : "month");
}

function periodFilter(periods) {
  const options = periods.map((period) => ({
    value: period.start,
    label: period.label + (period.is_complete ? "" : " (running)"),
  }));
  const last = periods.filter((period) => period.is_complete).at(-1) ?? periods.at(-1);
  const start = fill("period", options.reverse(), last?.start);
  return periods.findIndex((period) => period.start === start);
}

// A mart without rows: say so, and show no empty charts
function hasNothing(periods) {
  if (Object.values(periods).some((some) => some.length)) return false;
  announce("There are no figures: the data lacks what this needs.");
  document.querySelectorAll("form.filters, .panel:not(.definition)").forEach((part) => (part.hidden = true));
  return true;
}

function labelOfDimension(name) {
  return name.replaceAll("_", " ");
}

// The row of a period and member as {name: value}'s list; null where the mart has none
function rowsByPeriod(rows, member) {
  const found = new Map();
  for (const [period, who, ...values] of rows ?? []) if (who === member) found.set(period, values);
  return found;
}

// --- The pages ---------------------------------------------------------------------------------------------------

function showScorecard() {
  const { periods, members, rows } = page.scorecard;
  if (hasNothing(periods)) return;
  const grain = grainFilter(periods);
  const place = periodFilter(periods[grain]);
  const period = periods[grain][place];
  const teams = (members.sales_team ?? []).map((team) => ({ value: team.id, label: `team ${team.label}` }));
  const team = fill("member", [{ value: "", label: WHOLE }, ...teams], "");
  const dimension = team ? "sales_team" : "overall";
  const who = team ? members.sales_team.findIndex((member) => member.id === team) : 0;
  const whose = team ? `team ${members.sales_team[who].label}` : WHOLE;

  const before = periods[grain][place - 1];
  const yearBefore = periods[grain][place - PERIODS_A_YEAR[grain]];
  const found = new Map();
  for (const [at, member, kpi, ...values] of rows[grain][dimension]) {
    if (member === who) found.set(`${at} ${kpi}`, values);
  }

  const cards = [];
  const lines = [];
  page.kpis.forEach((kpi, at) => {
    const values = found.get(`${place} ${at}`) ?? [null, null, null, null, null, true];
    const [value, previous, previousYear, change, changeYear, isMature, ...parts] = values;
    const headline = { ...kpi.headline, name: kpi.name };
    const partColumns = headline.parts.map((name, index) => ({ ...kpi.parts[index], name }));
    const hasRow = found.has(`${place} ${at}`);
    const why = hasRow ? reason(headline, partColumns, parts) : "nothing to measure in this period";

    const comparison = (earlier, difference, other) => {
      if (!other) return null;
      if (earlier === null) return make("p", { class: "change" }, `no figure for ${other.label}`);
      const then = `${asText(earlier, kpi.unit)} in ${other.label}`;
      if (difference === null || !isMature) return make("p", { class: "change" }, `${then}, not compared`);
      if (difference === 0) return make("p", { class: "change" }, `as ${then}`);
      const isBetter = difference > 0 === kpi.higher_is_better;
      return make(
        "p",
        { class: `change ${isBetter ? "better" : "worse"}` },
        make("span", { "aria-hidden": "true" }, difference > 0 ? "▲ " : "▼ "),
        `${difference > 0 ? "up" : "down"} ${changeAsText(difference, kpi.unit)}, `,
        make("strong", {}, isBetter ? "better" : "worse"),
        ` than ${then}`,
      );
    };

    const from = Math.max(0, place - SPARK_PERIODS + 1);
    const shown = periods[grain].slice(from, place + 1);
    const line = points(
      shown,
      shown.map((_, index) => found.get(`${from + index} ${at}`)?.[0] ?? null),
      (some) => asText(some, kpi.unit),
      () => "",
      (index) => (index === shown.length - 1 && !isMature ? "not mature" : ""),
    );
    const beyond = beyondInWords(line);
    const spark = make("div", { class: "chart spark", role: "img" });
    const filters = new URLSearchParams({ grain, period: period.start, ...(team && { dimension, member: team }) });
    const notes = [];
    if (!period.is_complete) notes.push(`running until ${period.end}`);
    else if (!isMature) notes.push("not mature: still growing");
    if (page.doubts.includes(kpi.name)) notes.push("input incomplete");
    cards.push(
      make(
        "li",
        { class: "card", "data-kpi": kpi.name },
        make("h2", {}, make("a", { href: `${kpi.name}.html#${filters}` }, kpi.label)),
        value === null
          ? make("p", { class: "value none" }, "–", make("span", { class: "why" }, why))
          : make("p", { class: "value" }, valueElement(value, kpi.unit)),
        make("p", { class: "parts" }, hasRow ? partsAsText(headline, partColumns, parts) : ""),
        ...notes.map((note) => make("p", {}, make("span", { class: "badge" }, note))),
        comparison(previous, change, before),
        grain === "year" ? null : comparison(previousYear, changeYear, yearBefore),
        spark,
        beyond && make("p", { class: "more" }, beyond),
        make(
          "p",
          { class: "more" },
          make("a", { href: `${kpi.name}.html#definition` }, "Definition", hidden(` of ${kpi.label}`)),
          kpi.definition_version ? ` version ${kpi.definition_version}` : "",
        ),
      ),
    );
    draw(spark, "spark", { rows: line }, kpi.unit, `${kpi.label}, the last ${shown.length} periods. ${inWords(line)} ${beyond}`);
    lines.push({ kpi, values, whys: [why] });
  });
  $("cards").replaceChildren(...cards);

  scorecardTable(`Scorecard of ${whose}, ${period.label}`, lines, grain);
  announce(`${period.label}${period.is_complete ? "" : `, running until ${period.end}, not compared with whole periods`}, ${whose}`);
}

// Each line has a unit of its own here, so its cells carry it
function scorecardTable(caption, lines, grain) {
  const names = ["Value", `${upper(GRAIN_NAMES[grain])} before`, "Year before", "Change on the period before", "Change on the year before"];
  const cell = (value, unit, isChange, why) => {
    if (value === null) {
      return make("td", { class: "number none", title: why }, make("span", { "aria-hidden": "true" }, "–"), hidden(why));
    }
    const text = isChange ? `${value < 0 ? "−" : "+"}${changeAsText(value, unit)}` : asText(value, unit);
    return make("td", { class: "number" }, valueElement(value, unit, text));
  };
  // What still grows is not compared, here as on its card
  const compared = ([value, previous, previousYear, change, changeYear, isMature]) =>
    [value, previous, previousYear, ...(isMature ? [change, changeYear] : [null, null])];
  const rows = lines.map(({ kpi, values, whys }) =>
    make(
      "tr",
      { "data-kpi": kpi.name },
      make("th", { scope: "row" }, kpi.label),
      ...compared(values).map((value, place) => {
        const why = place > 2 && !values[5] ? "not mature, not compared" : place ? "no value" : whys[0];
        return cell(value, kpi.unit, place > 2, why);
      }),
    ),
  );
  const heads = names.map((name) => make("th", { scope: "col", class: "number" }, name));
  $("all-table").replaceChildren(
    make(
      "div",
      { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
      make(
        "table",
        {},
        make("caption", {}, caption),
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "KPI"), ...heads)),
        make("tbody", {}, ...rows),
      ),
    ),
  );
}

// A measure over time and by member: the page of a KPI, and the open pipeline
function showExplorer() {
  const { columns, periods, members, rows, measure: headline } = page.explorer;
  if (hasNothing(periods)) return;
  const grain = grainFilter(periods);
  const dimensions = Object.keys(members).filter((name) => name !== "overall");
  const usual = ["sales_team", "stage", "lead_source"].find((name) => dimensions.includes(name));
  const dimension = fill("dimension", dimensions.map((name) => ({ value: name, label: labelOfDimension(name) })), usual);
  const people = members[dimension] ?? [];
  const options = people.map((member) => ({ value: member.id, label: member.label }));
  const memberId = fill("member", [{ value: "", label: WHOLE }, ...options], "");
  const place = periodFilter(periods[grain]);
  const ordered = [columns.find((column) => column.name === headline), ...columns.filter((column) => column.name !== headline)];
  const measures = ordered.filter((column) => column.unit !== "flag");
  const measureName = fill("measure", measures.map((column) => ({ value: column.name, label: column.label })), headline);
  const measure = columns.find((column) => column.name === measureName);
  const at = columns.indexOf(measure);
  const maturity = columns.findIndex((column) => column.name === "is_mature");
  const places = ordered.map((column) => columns.indexOf(column));
  const line = (label, mark, values) => ({
    label,
    mark,
    values: places.map((column) => values?.[column] ?? null),
    whys: ordered.map((column) => (values ? reason(column, columns, values) : "nothing to measure")),
  });
  const mark = (period, values) =>
    !period.is_complete ? "running" : maturity >= 0 && values?.[maturity] === false ? "not mature" : "";

  // Over time, from the member's first row on
  const who = memberId ? people.findIndex((member) => member.id === memberId) : 0;
  const whose = memberId ? people[who].label : WHOLE;
  const mine = rowsByPeriod(rows[grain][memberId ? dimension : "overall"], who);
  const first = mine.size ? Math.min(...mine.keys()) : 0;
  const shown = periods[grain].slice(first);
  const valuesOf = (index) => mine.get(first + index);
  const trend = points(
    shown,
    shown.map((_, index) => valuesOf(index)?.[at] ?? null),
    (value) => asText(value, measure.unit),
    (index) => (valuesOf(index) ? partsAsText(measure, columns, valuesOf(index)) : ""),
    (index) => mark(shown[index], valuesOf(index)),
  );
  const unfinished = trend.filter((row) => row.note);
  const notes = [`${measure.label} of ${whose}, by ${GRAIN_NAMES[grain]}.`];
  if (measure.parts.length > 1) notes.push(formula(measure, columns));
  if (unfinished.length) notes.push(`Hollow: ${unfinished.map((row) => `${row.label} ${row.note}`).join(", ")}; not to be compared with the others.`);
  const whyOf = ({ place }) => (valuesOf(place) ? reason(measure, columns, valuesOf(place)) : "nothing to measure");
  const indexed = trend.map((row, place) => ({ ...row, place }));
  notes.push(...notDrawn(indexed, indexed.filter((row) => row.value !== null), whyOf));
  const beyond = beyondInWords(trend);
  if (beyond) notes.push(beyond);
  $("trend-note").textContent = notes.join(" ");
  draw($("trend"), "trend", { rows: trend }, measure.unit, `${notes.join(" ")} ${inWords(trend)}`);
  table("trend-table", {
    caption: `${page.title} of ${whose} by ${GRAIN_NAMES[grain]}, the newest first`,
    head: "Period",
    columns: ordered,
    rows: shown.map((period, index) => line(period.label, mark(period, valuesOf(index)), valuesOf(index))).reverse(),
  });

  // By member, the largest first; stages in their order
  const period = periods[grain][place];
  const inPeriod = (rows[grain][dimension] ?? [])
    .filter(([when]) => when === place)
    .map(([, member, ...values]) => ({ member, label: people[member].label, values, value: values[at] }));
  if (dimension === "stage" && measureName !== "open_pipeline_amount") inPeriod.sort((a, b) => a.member - b.member);
  else inPeriod.sort((a, b) => (a.value === null) - (b.value === null) || b.value - a.value || a.member - b.member);
  const drawn = inPeriod.filter((row) => row.value !== null).slice(0, MOST_BARS);
  const company = rowsByPeriod(rows[grain].overall, 0).get(place);
  const reference = measure.is_average ? company?.[at] ?? null : null;
  const bars = drawn.map((row) => ({
    label: row.label,
    value: row.value,
    text: asText(row.value, measure.unit),
    parts: partsAsText(measure, columns, row.values),
    chosen: row.member === who && Boolean(memberId),
  }));
  const when = period?.label ?? "";
  const about = [`${measure.label} by ${labelOfDimension(dimension)}, ${when}.`];
  if (period && !period.is_complete) about.push(`Running until ${period.end}.`);
  if (reference !== null) about.push(`Dashed line: ${WHOLE}, ${asText(reference, measure.unit)}.`);
  about.push(...notDrawn(inPeriod, drawn, (row) => reason(measure, columns, row.values)));
  $("members-title").textContent = `By ${labelOfDimension(dimension)}`;
  $("members-note").textContent = about.join(" ");
  draw($("members"), "members", { rows: bars, company: reference === null ? [] : [{ value: reference }] }, measure.unit, about.join(" "));
  table("members-table", {
    caption: `${page.title} by ${labelOfDimension(dimension)}, ${when}`,
    head: labelOfDimension(dimension),
    columns: ordered,
    rows: inPeriod.map((row) => line(row.label, mark(period, row.values), row.values)),
    foot: company ? [line(WHOLE, mark(period, company), company)] : [],
    sortable: true,
  });
  announce(`${measure.label}, ${whose}, by ${GRAIN_NAMES[grain]}: ${shown.length} periods; ${inPeriod.length} members, ${when}`);
}

// What a chart of members leaves out: those without a value, and those beyond the longest bars
function notDrawn(rows, drawn, whyOf) {
  const notes = [];
  const without = rows.filter((row) => row.value === null);
  const names = without.slice(0, 5).map((row) => `${row.label} (${whyOf(row)})`);
  if (without.length) notes.push(`Without a value: ${names.join(", ")}${without.length > 5 ? ` and ${without.length - 5} others` : ""}.`);
  if (rows.length - without.length > drawn.length) notes.push(`The first ${drawn.length} of ${rows.length - without.length}; the numbers have all.`);
  return notes;
}

function formula(column, columns) {
  const names = column.parts.map((name) => lower(columns.find((other) => other.name === name).label));
  return names.length === 2 ? `From ${names[0]} and ${names[1]}.` : `From ${names.join(", ")}.`;
}

function showPair(id, pair, grain, team) {
  const { columns, periods, members, rows, measure } = pair;
  const who = team ? (members.sales_team ?? []).findIndex((member) => member.id === team) : 0;
  const mine = rowsByPeriod(rows[grain][team ? "sales_team" : "overall"], who);
  const first = mine.size ? Math.min(...mine.keys()) : 0;
  const shown = periods[grain].slice(first);
  const headline = columns.findIndex((column) => column.name === measure);
  const [one, other] = columns[headline].parts.map((name) => columns.findIndex((column) => column.name === name));
  // A divisor of 0 is a quota that nobody has set: no point of a line
  const isUnset = (column, values) => columns[headline].is_quotient && column === other && values?.[column] === 0;
  const unset = shown.filter((_, index) => isUnset(other, mine.get(first + index))).map((period) => period.label);
  const drawn = shown.flatMap((period, index) =>
    [one, other].map((column) => {
      const values = mine.get(first + index);
      return {
        label: period.label,
        series: columns[column].label,
        value: isUnset(column, values) ? null : values?.[column] ?? null,
        upper: values && values[column] >= values[column === one ? other : one],
        text: asText(values?.[column], columns[column].unit),
        parts: values ? `${columns[headline].label} ${asText(values[headline], columns[headline].unit)}` : "",
        running: !period.is_complete,
      };
    }),
  );
  const last = shown.at(-1);
  const whose = team ? `team ${members.sales_team?.[who]?.label ?? team}` : WHOLE;
  const note =
    `${columns[one].label} and ${lower(columns[other].label)} of ${whose}, by ${GRAIN_NAMES[grain]}; their relation is the ${lower(columns[headline].label)}.` +
    (last && !last.is_complete ? ` Hollow: ${last.label} runs until ${last.end}.` : "") +
    (unset.length ? ` No ${lower(columns[other].label)}: ${unset.join(", ")}.` : "");
  $(`${id}-note`).replaceChildren(
    note,
    make("span", { class: "key one" }, `circles: ${lower(columns[one].label)}`),
    make("span", { class: "key two" }, `squares: ${lower(columns[other].label)}`),
  );
  draw($(id), "pair", { rows: drawn }, "currency", note);
  table(`${id}-table`, {
    caption: `${columns[one].label} and ${lower(columns[other].label)} of ${whose}, the newest first`,
    head: "Period",
    columns,
    rows: shown
      .map((period, index) => {
        const values = mine.get(first + index);
        return {
          label: period.label,
          mark: period.is_complete ? "" : "running",
          values: values ?? columns.map(() => null),
          whys: columns.map((column) => (values ? reason(column, columns, values) : "nothing to measure")),
        };
      })
      .reverse(),
  });
}

function showPipeline() {
  showExplorer();
  if (!$("grain").value) return;
  const teams = page.coverage.members.sales_team ?? [];
  const options = teams.map((team) => ({ value: team.id, label: `team ${team.label}` }));
  const team = fill("team", [{ value: "", label: WHOLE }, ...options], "");
  showPair("coverage", page.coverage, $("grain").value, team);
  showPair("forecast", page.forecast, $("grain").value, team);
}

function showFunnel() {
  const { columns, periods, members, rows } = page.funnel;
  if (hasNothing(periods)) return;
  const grain = grainFilter(periods);
  const place = periodFilter(periods[grain]);
  const period = periods[grain][place];
  const pipelines = members.pipeline.map((pipeline, index) => ({ value: String(index), label: pipeline.label }));
  const pipeline = Number(fill("pipeline", pipelines, "0"));
  const name = members.pipeline[pipeline]?.label ?? "";
  const stages = (rows[grain].stage ?? [])
    .filter(([when, stage]) => when === place && members.stage[stage].pipeline === pipeline)
    .map(([, stage, ...values]) => ({ stage, label: members.stage[stage].label, values }))
    .sort((a, b) => a.stage - b.stage);
  const column = (wanted) => columns.findIndex((some) => some.name === wanted);
  const headline = columns.length - 1;

  const running = period && !period.is_complete ? ` The period runs until ${period.end}.` : "";
  const undecided = stages.reduce((sum, row) => sum + row.values[column("undecided_deals")], 0);
  const note =
    `${name}, ${period?.label ?? ""}: outer bar, deals that first entered the stage; inner bar, those of them that advanced.` +
    (undecided ? " Undecided deals may still advance: until then the rate is a lower bound." : "") +
    running;
  const bars = stages.map(({ label, values }) => {
    const rate = values[headline];
    const open = values[column("undecided_deals")];
    return {
      label,
      value: values[column("entered_deals")],
      advanced: values[column("advanced_deals")],
      text: rate === null ? "–" : asText(rate, "share") + (open ? `, ${open} undecided` : ""),
      parts: partsAsText(columns[headline], columns, values),
    };
  });
  $("funnel-note").textContent = note;
  draw($("funnel"), "funnel", { rows: bars }, "count", `${note} ${bars.map((bar) => `${bar.label}: ${bar.parts}, ${bar.text}`).join("; ")}`);

  const both = [column("median_days_in_stage"), column("average_days_in_stage")];
  const days = stages.flatMap(({ label, values }) =>
    both.map((which, index) => ({
      label,
      series: index ? "average" : "median",
      value: values[which],
      text: values[which] === null ? "no visit ended" : `${asText(values[which], "days")} ${index ? "average" : "median"}`,
      parts: `${values[column("completed_visits")]} visits`,
    })),
  );
  draw($("days"), "stage_days", { rows: days }, "days", `${$("days-note").textContent} ${days.map((row) => `${row.label}: ${row.text}`).join("; ")}`);

  const tableOf = (caption, names) => {
    const some = names.map(column);
    return {
      caption,
      head: "Stage",
      columns: some.map((which) => columns[which]),
      rows: stages.map(({ label, values }) => ({
        label,
        mark: period.is_complete ? "" : "running",
        values: some.map((which) => values[which]),
        whys: some.map((which) => reason(columns[which], columns, values)),
      })),
    };
  };
  table("funnel-table", tableOf(`${name}, ${period?.label}: stage conversion`, ["entered_deals", "advanced_deals", "undecided_deals", "stage_conversion_rate"]));
  table("days-table", tableOf(`${name}, ${period?.label}: time in stage`, ["completed_visits", "total_seconds_in_stage", "median_days_in_stage", "average_days_in_stage"]));
  announce(`${name}, ${period?.label}: ${stages.length} stages.${running}`);
}

function showPeople() {
  const { shown, periods, members, rows } = page.people;
  if (hasNothing(periods)) return;
  const grain = grainFilter(periods);
  const place = periodFilter(periods[grain]);
  const period = periods[grain][place];
  const dimensions = Object.keys(members).filter((name) => name !== "overall");
  const dimension = fill("dimension", dimensions.map((name) => ({ value: name, label: `${labelOfDimension(name)}s` })), "sales_rep");
  const kpis = shown.map((name) => page.kpis.find((kpi) => kpi.name === name));
  const name = fill("kpi", kpis.map((kpi) => ({ value: kpi.name, label: kpi.label })), "quota_attainment");
  const at = shown.indexOf(name);
  const kpi = kpis[at];
  const contains = $("find").value.trim().toLowerCase();
  const everyone = members[dimension] ?? [];
  const inPeriod = (rows[grain][dimension] ?? [])
    .filter(([when, member]) => when === place && everyone[member].label.toLowerCase().includes(contains))
    .map(([, member, ...values]) => ({ member, label: everyone[member].label, values, value: values[at]?.[0] ?? null }));
  const company = (rows[grain].overall ?? []).find(([when]) => when === place)?.slice(2);

  const parts = kpi.parts.map((part, index) => ({ ...part, name: kpi.headline.parts[index] }));
  const isRatio = kpi.is_ratio;
  const partsOf = (values) => values[at]?.slice(1) ?? [null, null];
  const whyNot = (some, values) => {
    if (values === null) return "nothing measured";
    const columns = some.parts.map((part, index) => ({ ...part, name: some.headline.parts[index] }));
    return reason({ ...some.headline, parts: some.is_ratio ? some.headline.parts : [] }, columns, values.slice(1));
  };
  const why = (values) => whyNot(kpi, values[at]);
  const sorted = [...inPeriod].sort((a, b) => (a.value === null) - (b.value === null) || b.value - a.value || a.member - b.member);
  const withValue = sorted.filter((row) => row.value !== null);
  const drawn = withValue.slice(0, MOST_BARS).map((row) => ({
    label: row.label,
    value: row.value,
    text: asText(row.value, kpi.unit),
    parts: isRatio ? partsAsText({ ...kpi.headline, name }, parts, partsOf(row.values)) : "",
    chosen: false,
  }));
  const reference = kpi.headline.is_average ? company?.[at]?.[0] ?? null : null;
  const running = period && !period.is_complete ? ` Running until ${period.end}.` : "";
  const note =
    `${kpi.label} by ${labelOfDimension(dimension)}, ${period?.label}, the largest first (${kpi.higher_is_better ? "more" : "less"} is better).` +
    running +
    (reference === null ? "" : ` Dashed line: ${WHOLE}, ${asText(reference, kpi.unit)}.`) +
    notDrawn(sorted, drawn, (row) => why(row.values)).map((text) => ` ${text}`).join("");
  $("members-title").textContent = `${kpi.label} by ${labelOfDimension(dimension)}`;
  $("members-note").replaceChildren(note, " ", make("a", { href: `${name}.html#definition` }, `Definition of ${kpi.label}`));
  draw($("members"), "members", { rows: drawn, company: reference === null ? [] : [{ value: reference }] }, kpi.unit, note);
  const chartColumns = [{ label: kpi.label, unit: kpi.unit }, ...(isRatio ? parts : [])];
  const chartLine = (label, values) => ({
    label,
    mark: running ? "running" : "",
    values: [values[at]?.[0] ?? null, ...(isRatio ? partsOf(values) : [])],
    whys: Array(3).fill(why(values)),
  });
  table("members-table", {
    caption: `${kpi.label} by ${labelOfDimension(dimension)}, ${period?.label}`,
    head: labelOfDimension(dimension),
    columns: chartColumns,
    rows: sorted.map((row) => chartLine(row.label, row.values)),
    foot: company ? [chartLine(WHOLE, company)] : [],
    sortable: true,
  });

  const matrixLine = (label, values) => ({
    label,
    values: kpis.map((_, index) => values[index]?.[0] ?? null),
    whys: kpis.map((some, index) => whyNot(some, values[index])),
  });
  table("matrix-table", {
    caption: `All KPIs by ${labelOfDimension(dimension)}, ${period?.label}${running && " (running)"}`,
    head: labelOfDimension(dimension),
    columns: kpis.map((some) => ({ label: some.label, unit: some.unit, description: some.meaning })),
    rows: inPeriod.sort((a, b) => a.member - b.member).map((row) => matrixLine(row.label, row.values)),
    foot: company ? [matrixLine(WHOLE, company)] : [],
    sortable: true,
  });
  announce(`${period?.label}: ${inPeriod.length} ${labelOfDimension(dimension)}s.${running}`);
}

// --- Start -------------------------------------------------------------------------------------------------------

const show = {
  scorecard: showScorecard,
  kpi: showExplorer,
  pipeline: showPipeline,
  funnel: showFunnel,
  people: showPeople,
}[document.body.dataset.page];

function refresh() {
  show();
  // Drawn: what tests and print wait for
  delete document.body.dataset.ready;
  const mine = work;
  mine.then(() => {
    if (mine === work) document.body.dataset.ready = "yes";
  });
}

if (show) {
  document.querySelectorAll("form.filters").forEach((form) => {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      refresh();
      const fields = [...document.querySelectorAll("form.filters select")].map((field) => [field.id, field.value]);
      history.replaceState(null, "", `#${new URLSearchParams(fields)}`);
    });
  });
  refresh();
} else document.body.dataset.ready = "yes";

const theme = $("theme");
theme.value = document.documentElement.dataset.theme || "system";
theme.addEventListener("change", () => {
  document.documentElement.dataset.theme = theme.value;
  try {
    localStorage.setItem("theme", theme.value);
  } catch {
    // Without storage the choice holds for this page
  }
});

$("menu").addEventListener("click", () => {
  const isOpen = document.body.classList.toggle("menu-open");
  $("menu").setAttribute("aria-expanded", String(isOpen));
});

// On paper nothing can be opened: print every table
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((details) => (details.open = true));
});
addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));
