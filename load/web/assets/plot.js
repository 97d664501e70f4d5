// One chart over time, drawn by uPlot: its looks, and what a drag, a double-click and the cursor do.
//
// Why not Vega, which draws the report: the page redraws a dozen charts every second on the machine that is measured,
// and `make bench ONLY=live` checks that this does not change the score. uPlot only draws lines on a canvas.
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
  /** chart: key, title, unit, how. keyed: lines with a legend below. least: the smallest upper end of the axis. */
  constructor(chart) {
    this.chart = chart;
    this.seen = false;
    this.shape = "";
    this.plot = null;
    this.reading = make("span", { className: "read" });
    this.canvas = make("div", { className: "plot" });
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${chart.title}, ${chart.unit}: nothing yet`);
    const title = make("h3", {}, chart.title, " ", make("span", { className: "unit" }, chart.unit));
    const caption = make("figcaption", {}, chart.how, ...(chart.keyed ?? []).flatMap(sample));
    this.figure = make("figure", { className: "chart" }, make("div", { className: "head" }, title, this.reading), this.canvas, caption);
    this.figure.dataset.chart = chart.key;
    byId("charts").append(this.figure);
  }

  /** lines: label, colour, dash and values, one for each of the times. */
  draw(times, lines, [min, max]) {
    const { clientWidth, clientHeight } = this.canvas;
    const shape = JSON.stringify([lines.map((line) => [line.label, line.dash]), clientWidth, clientHeight]);
    const data = [times, ...lines.map((line) => line.values)];
    if (this.plot === null || this.shape !== shape) {
      this.plot?.destroy();
      this.plot = new uPlot(this.options(lines), data, this.canvas);
      this.shape = shape;
    } else {
      this.plot.setData(data, false);
    }
    this.plot.setScale("x", { min, max });
    const last = lines.map((line) => `${line.label} ${short(line.values.at(-1))}`).join(", ");
    this.canvas.setAttribute("aria-label", `${this.chart.title}, ${this.chart.unit}: ${last || "nothing yet"}`);
    Object.assign(this.figure.dataset, { points: times.length, lines: lines.length, until: times.at(-1) });
  }

  /** Read the colours again at the next drawing. */
  forget() {
    this.shape = "";
  }

  options(lines) {
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const drag = { x: true, y: false, setScale: false };
    return {
      width: this.canvas.clientWidth,
      height: this.canvas.clientHeight,
      legend: { show: false },
      padding: [8, 30, 0, 0], // on the right half a time of day, which stands below the last tick
      cursor: { sync: { key: "bench" }, drag, focus: { prox: 30 }, points: { size: 6 }, bind: { dblclick: () => () => zoom(null) } },
      focus: { alpha: 0.25 },
      scales: { x: { time: true }, y: { range: (plot) => [0, this.top(plot)] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(clock), space: 74, size: 26, grid: { show: false } },
        { ...axis, values: (_, ticks) => ticks.map((tick) => brief.format(tick)), space: 34, size: 52 },
      ],
      series: [{}, ...lines.map((line) => this.series(line))],
      hooks: { setSelect: [select], setCursor: [(plot) => this.showReading(plot)], setSeries: [(plot) => this.showReading(plot)] },
    };
  }

  series({ label, colour, dash }) {
    return { label, stroke: css(colour), dash, width: 1.8, points: { show: true, size: 4, filter: alone }, spanGaps: false };
  }

  /** The upper end of the axis. Where few values are wild, like those of a start, they must not flatten the rest: it
   * reaches to three times the median, and further for what is more than a tenth of the values. */
  top(plot) {
    const { min, max } = plot.scales.x;
    const inside = (value, at) => !missing(value) && plot.data[0][at] >= min && plot.data[0][at] <= max;
    const highest = plot.data.slice(1).map((values) => {
      const known = values.filter(inside).sort((a, b) => a - b);
      if (!known.length) return 0;
      const [most, median, highest] = [0.9, 0.5, 1].map((share) => known[Math.floor(share * (known.length - 1))]);
      return this.chart.wild ? Math.max(most, Math.min(highest, 3 * median)) : highest;
    });
    return Math.max(...highest, this.chart.least ?? 0) * 1.1 || 1;
  }

  /** Shows the value of the nearest line under the cursor. */
  showReading(plot) {
    const index = plot.cursor.idx;
    if (missing(index)) {
      this.reading.textContent = "";
      return;
    }
    const nearest = plot.series.length === 2 ? 1 : plot.series.findIndex((series, at) => at > 0 && series._focus);
    const value = nearest > 0 ? plot.data[nearest][index] : null;
    const time = clock(plot.data[0][index]);
    this.reading.textContent = missing(value) ? time : `${plot.series[nearest].label} ${short(value)} · ${time}`;
  }
}

/** Points between two gaps, which no line would show: a cell of a campaign may be that short. */
function alone(plot, at) {
  const values = plot.data[at];
  return values.flatMap((value, index) => (!missing(value) && missing(values[index - 1]) && missing(values[index + 1]) ? [index] : []));
}

let clearing = false;

/** A range was dragged. The selections of other charts follow this one, so each is cleared without an event. */
function select(plot) {
  if (clearing || plot.select.width < 4) return;
  const range = [plot.select.left, plot.select.left + plot.select.width].map((pixel) => plot.posToVal(pixel, "x"));
  clearing = true;
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  clearing = false;
  zoom(range);
}
