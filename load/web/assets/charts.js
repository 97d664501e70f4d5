// The charts over time: one small chart per number, all on the same time axis.
//
// Its rule: only what is seen is drawn, and only when there is something new: the browser runs beside what is measured.
import { between, busy, newest, ofMachine, ofProcess, oldest } from "./points.js";
import { FACTS, GIB, MIB, byId, kept, make, short } from "./base.js";

const LOAD = "load";
const DASHES = [[], [7, 4], [2, 3]];
const COLOURS = 6;
const names = FACTS.modes.map((mode) => mode.name);

const CHARTS = [
  { key: "received", title: "Bytes received", unit: "GiB/s", scale: 1 / GIB, how: "What the users get." },
  { key: "cost", title: "CPU per GiB", unit: "s/GiB", how: `What the server pays for each GiB, over the last ${FACTS.cost_window_s} s.` },
  { key: "user", title: "CPU in user mode", unit: "cores", how: "The server’s own code, and the interpreter’s." },
  { key: "system", title: "CPU in the kernel", unit: "cores", how: "System calls: copying, page cache, TCP." },
  { key: "voluntary", title: "Voluntary switches", unit: "per second", how: "A thread waited, mostly for the socket." },
  { key: "involuntary", title: "Involuntary switches", unit: "per second", how: "A thread was displaced by another." },
  { key: "faults", title: "Page faults", unit: "per second", how: "Memory that was touched for the first time, or mapped." },
  { key: "memory", title: "Memory", unit: "MiB", scale: 1 / MIB, how: "Resident memory of the server." },
  { key: "threads", title: "Threads", unit: "", how: "One per connection, in most servers here." },
  { key: "users", title: "Users", unit: "", how: "The load: connections that download." },
  { key: "machine", title: "Whole machine", unit: "cores", how: "User, kernel, and steal: what the hypervisor gave to others." },
  { key: "load", title: "Load generator", unit: "cores", how: "This process: where its line touches the dashed one, it is the limit, not the server." },
];

const MACHINE_LINES = [
  { label: "user mode", column: "user", colour: "--user", dash: [] },
  { label: "kernel", column: "system", colour: "--system", dash: [] },
  { label: "steal", column: "steal", colour: "--bad", dash: [2, 3] },
];

const view = { seconds: kept.get("range", 300), zoom: null, paused: null, hidden: new Set(kept.get("hidden", [])) };
const drawn = new Map();
let chosen = new Set();
let applying = false;

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const modeStyle = (name) => {
  const index = names.indexOf(name);
  return { colour: `--mode-${index % COLOURS}`, dash: DASHES[Math.floor(index / COLOURS) % DASHES.length] };
};

export const isHidden = (name) => view.hidden.has(name);
export function toggleHidden(name) {
  if (!view.hidden.delete(name)) view.hidden.add(name);
  kept.set("hidden", [...view.hidden]);
  draw();
}

/** The modes that are ticked: they are drawn even while they are idle. */
export function setChosen(modes) {
  chosen = new Set(modes);
}

/** What is looked at; no longer ago than there is anything, but for the first minute. */
function shownRange() {
  if (view.zoom) return view.zoom;
  const to = view.paused ?? newest().t;
  return [Math.max(to - view.seconds, Math.min(oldest(), to - 60)), to];
}

function linesOf(chart, points) {
  if (chart.key === "machine") {
    return MACHINE_LINES.map((line) => ({ ...line, values: points.map((point) => ofMachine(point, line.column)) }));
  }
  if (chart.key === LOAD) {
    const cores = (point) => {
      const [user, system] = [ofProcess(point, LOAD, "user"), ofProcess(point, LOAD, "system")];
      return user === null || system === null ? null : user + system;
    };
    const full = points.map(() => FACTS.full_share);
    return [
      { label: "load generator", colour: "--ink", dash: [], values: points.map(cores) },
      { label: "full", colour: "--warn", dash: [7, 4], values: full },
    ];
  }
  const active = busy(points);
  const shown = names.filter((name) => (active.has(name) || chosen.has(name)) && !view.hidden.has(name));
  const scale = chart.scale ?? 1;
  return shown.map((name) => ({
    label: name,
    ...modeStyle(name),
    values: points.map((point) => {
      const value = ofProcess(point, name, chart.key);
      return value === null ? null : value * scale;
    }),
  }));
}

function frame(chart) {
  const read = make("span", { className: "read" });
  const title = make("h3", {}, chart.title, " ", make("span", { className: "unit" }, chart.unit));
  const plot = make("div", { className: "plot" });
  plot.setAttribute("role", "img");
  const caption = make("figcaption", {}, chart.how, ...(chart.key === "machine" ? MACHINE_LINES.flatMap(key) : []));
  const figure = make("figure", { className: "chart" }, make("div", { className: "head" }, title, read), plot, caption);
  figure.dataset.chart = chart.key;
  byId("charts").append(figure);
  drawn.set(chart.key, { chart, figure, plot, read, seen: false, plotted: null, shape: "" });
  return figure;
}

function key({ label, colour, dash }) {
  const sample = make("span", { className: "key" });
  sample.style.borderTopColor = `var(${colour})`;
  sample.style.borderTopStyle = dash.length ? "dotted" : "solid";
  return [sample, label];
}

function options(place, lines) {
  const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const clock = (_, ticks) => ticks.map((t) => new Date(t * 1000).toLocaleTimeString("en-GB"));
  return {
    width: place.plot.clientWidth,
    height: place.plot.clientHeight,
    legend: { show: false },
    padding: [8, 6, 0, 0],
    cursor: { sync: { key: "bench" }, drag: { x: true, y: false, setScale: false }, focus: { prox: 30 }, points: { size: 6 }, bind: { dblclick: () => () => zoom(null) } },
    focus: { alpha: 0.25 },
    scales: { x: { time: true }, y: { range: (plot) => [0, top(place.chart, plot)] } },
    axes: [{ ...axis, values: clock, space: 74, size: 26, grid: { show: false } }, { ...axis, size: 52, values: (_, ticks) => ticks.map(short), space: 34 }],
    series: [
      {},
      ...lines.map((line) => ({ label: line.label, stroke: css(line.colour), dash: line.dash, width: 1.8, points: { show: true, size: 4, filter: alone }, spanGaps: false })),
    ],
    hooks: {
      setSelect: [(plot) => select(plot)],
      setCursor: [(plot) => read(place, plot)],
      setSeries: [(plot) => read(place, plot)],
    },
  };
}

/** The points that no line would show: a cell of a campaign may be as short as that. */
function alone(plot, at) {
  const values = plot.data[at];
  const missing = (index) => values[index] === null || values[index] === undefined;
  return values.flatMap((value, index) => (!missing(index) && missing(index - 1) && missing(index + 1) ? [index] : []));
}

/** Up to where a chart is drawn: one wild value at a start must not flatten what comes after it. */
function top(chart, plot) {
  const [from, to] = [plot.scales.x.min, plot.scales.x.max];
  const highest = plot.data.slice(1).map((values) => {
    const known = values.filter((value, at) => value !== null && plot.data[0][at] >= from && plot.data[0][at] <= to).sort((a, b) => a - b);
    return known[chart.key === "cost" ? Math.floor(0.9 * (known.length - 1)) : known.length - 1] ?? 0;
  });
  return Math.max(...highest, chart.key === LOAD ? 1 : 0) * 1.1 || 1;
}

function select(plot) {
  if (applying || plot.select.width < 4) return;
  const from = plot.posToVal(plot.select.left, "x");
  const to = plot.posToVal(plot.select.left + plot.select.width, "x");
  applying = true; // the other charts' selections follow this one
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  applying = false;
  zoom([from, to]);
}

export function zoom(range) {
  view.zoom = range && range[1] - range[0] >= 1 ? range : null;
  byId("whole").hidden = !view.zoom;
  draw();
}

/** The value under the cursor, of the line that is nearest. */
function read(place, plot) {
  const index = plot.cursor.idx;
  if (index === null || index === undefined) {
    place.read.textContent = "";
    return;
  }
  const nearest = plot.series.findIndex((series, at) => at > 0 && series._focus);
  const only = plot.series.length === 2 ? 1 : nearest;
  const value = only > 0 ? plot.data[only][index] : null;
  const time = new Date(plot.data[0][index] * 1000).toLocaleTimeString("en-GB");
  place.read.textContent = value === null || value === undefined ? time : `${plot.series[only].label} ${short(value)} · ${time}`;
}

function drawOne(place, points, range) {
  const lines = linesOf(place.chart, points);
  const shape = JSON.stringify([lines.map((line) => [line.label, line.dash]), place.plot.clientWidth, place.plot.clientHeight]);
  const data = [points.map((point) => point.t), ...lines.map((line) => line.values)];
  if (place.plotted === null || place.shape !== shape) {
    place.plotted?.destroy();
    place.plotted = new uPlot(options(place, lines), data, place.plot);
    place.shape = shape;
  } else {
    place.plotted.setData(data, false);
  }
  place.plotted.setScale("x", { min: range[0], max: range[1] });
  const said = lines.map((line) => `${line.label} ${short(line.values.at(-1))}`).join(", ");
  place.plot.setAttribute("aria-label", `${place.chart.title}, ${place.chart.unit}: ${said || "nothing yet"}`);
  place.figure.dataset.points = points.length;
  place.figure.dataset.lines = lines.length;
}

export function draw() {
  const range = shownRange();
  const points = between(...range);
  if (!points.length) return;
  for (const place of drawn.values()) if (place.seen) drawOne(place, points, range);
}

/** Something new came: nothing is drawn while the reader looks at a moment that has passed. */
export function advance() {
  if (view.paused === null && !view.zoom) draw();
}

/** Is the load generator's core full now? */
export function loadIsFull() {
  const point = newest();
  const [user, system] = ["user", "system"].map((column) => ofProcess(point, LOAD, column));
  return user !== null && user + system >= FACTS.full_share && (ofProcess(point, LOAD, "received") ?? 0) > 0;
}

function redrawAll() {
  for (const place of drawn.values()) place.shape = "";
  draw();
}

export function begin() {
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) drawn.get(entry.target.dataset.chart).seen = entry.isIntersecting;
    draw();
  }, { rootMargin: "120px" });
  for (const chart of CHARTS) watcher.observe(frame(chart));
  for (const button of document.querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.range) === view.seconds));
    button.addEventListener("click", () => {
      view.seconds = Number(button.dataset.range);
      kept.set("range", view.seconds);
      for (const other of document.querySelectorAll("[data-range]")) other.setAttribute("aria-pressed", String(other === button));
      zoom(null);
    });
  }
  byId("whole").addEventListener("click", () => zoom(null));
  byId("pause").addEventListener("click", () => {
    view.paused = view.paused === null ? newest().t : null;
    byId("pause").setAttribute("aria-pressed", String(view.paused !== null));
    byId("pause").textContent = view.paused === null ? "Pause" : "Go on";
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  let asked = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  }).observe(byId("charts"));
}
