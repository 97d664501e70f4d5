// One chart over time: uPlot, told how this page looks and what a drag, a double-click and the cursor do.
//
// Why not Vega, which draws the report: the page redraws a dozen charts every second on the machine that is measured,
// and `make bench ONLY=live` holds it to costing the score nothing. uPlot draws lines on a canvas and does nothing else.
import { byId, make, short } from "./base.js";
import { zoom } from "./view.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = (t) => new Date(t * 1000).toLocaleTimeString("en-GB");
const brief = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }); // 400K: an axis is narrow
const missing = (value) => value === null || value === undefined;

function sample({ label, colour, dash }) {
  const stroke = make("span", { className: "key" });
  stroke.style.borderTopColor = `var(${colour})`;
  stroke.style.borderTopStyle = dash.length ? "dotted" : "solid";
  return [stroke, label];
}

export class Plot {
  /** chart: key, title, unit, how; keyed: lines that are explained below it; least: up to where it is drawn at least. */
  constructor(chart) {
    this.chart = chart;
    this.seen = false;
    this.shape = "";
    this.plot = null;
    this.read = make("span", { className: "read" });
    this.place = make("div", { className: "plot" });
    this.place.setAttribute("role", "img");
    const title = make("h3", {}, chart.title, " ", make("span", { className: "unit" }, chart.unit));
    const caption = make("figcaption", {}, chart.how, ...(chart.keyed ?? []).flatMap(sample));
    this.figure = make("figure", { className: "chart" }, make("div", { className: "head" }, title, this.read), this.place, caption);
    this.figure.dataset.chart = chart.key;
    byId("charts").append(this.figure);
  }

  /** lines: label, colour, dash and values, one for each of the times. */
  draw(times, lines, [min, max]) {
    const { clientWidth, clientHeight } = this.place;
    const shape = JSON.stringify([lines.map((line) => [line.label, line.dash]), clientWidth, clientHeight]);
    const data = [times, ...lines.map((line) => line.values)];
    if (this.plot === null || this.shape !== shape) {
      this.plot?.destroy();
      this.plot = new uPlot(this.options(lines), data, this.place);
      this.shape = shape;
    } else {
      this.plot.setData(data, false);
    }
    this.plot.setScale("x", { min, max });
    const last = lines.map((line) => `${line.label} ${short(line.values.at(-1))}`).join(", ");
    this.place.setAttribute("aria-label", `${this.chart.title}, ${this.chart.unit}: ${last || "nothing yet"}`);
    Object.assign(this.figure.dataset, { points: times.length, lines: lines.length, until: times.at(-1) });
  }

  /** Colours are those of the scheme when it is drawn next. */
  forget() {
    this.shape = "";
  }

  options(lines) {
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const drag = { x: true, y: false, setScale: false };
    return {
      width: this.place.clientWidth,
      height: this.place.clientHeight,
      legend: { show: false },
      padding: [8, 6, 0, 0],
      cursor: { sync: { key: "bench" }, drag, focus: { prox: 30 }, points: { size: 6 }, bind: { dblclick: () => () => zoom(null) } },
      focus: { alpha: 0.25 },
      scales: { x: { time: true }, y: { range: (plot) => [0, this.top(plot)] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(clock), space: 74, size: 26, grid: { show: false } },
        { ...axis, values: (_, ticks) => ticks.map((tick) => brief.format(tick)), space: 34, size: 52 },
      ],
      series: [{}, ...lines.map((line) => this.series(line))],
      hooks: { setSelect: [select], setCursor: [(plot) => this.say(plot)], setSeries: [(plot) => this.say(plot)] },
    };
  }

  series({ label, colour, dash }) {
    return { label, stroke: css(colour), dash, width: 1.8, points: { show: true, size: 4, filter: alone }, spanGaps: false };
  }

  /** Up to where it is drawn: one wild value at a start must not flatten what comes after it. */
  top(plot) {
    const { min, max } = plot.scales.x;
    const inside = (value, at) => !missing(value) && plot.data[0][at] >= min && plot.data[0][at] <= max;
    const highest = plot.data.slice(1).map((values) => {
      const known = values.filter(inside).sort((a, b) => a - b);
      return known[this.chart.wild ? Math.floor(0.9 * (known.length - 1)) : known.length - 1] ?? 0;
    });
    return Math.max(...highest, this.chart.least ?? 0) * 1.1 || 1;
  }

  /** The value under the cursor, of the line that is nearest. */
  say(plot) {
    const index = plot.cursor.idx;
    if (missing(index)) {
      this.read.textContent = "";
      return;
    }
    const nearest = plot.series.length === 2 ? 1 : plot.series.findIndex((series, at) => at > 0 && series._focus);
    const value = nearest > 0 ? plot.data[nearest][index] : null;
    const time = clock(plot.data[0][index]);
    this.read.textContent = missing(value) ? time : `${plot.series[nearest].label} ${short(value)} · ${time}`;
  }
}

/** The points that no line would show: a cell of a campaign may be as short as that. */
function alone(plot, at) {
  const values = plot.data[at];
  return values.flatMap((value, index) => (!missing(value) && missing(values[index - 1]) && missing(values[index + 1]) ? [index] : []));
}

let clearing = false;

/** A stretch was dragged over. The other charts' selections follow this one, so that each is cleared without a word. */
function select(plot) {
  if (clearing || plot.select.width < 4) return;
  const stretch = [plot.select.left, plot.select.left + plot.select.width].map((pixel) => plot.posToVal(pixel, "x"));
  clearing = true;
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  clearing = false;
  zoom(stretch);
}
