// The charts over time: one small chart per number, all on the same time axis.
//
// Its rule: draw only visible charts, and only when something is new: the browser shares the measured machine.
import { between, busy, newest, ofMachine, ofProcess } from "./points.js";
import { FACTS, GIB, MIB, MODES, byId } from "./base.js";
import { Plot } from "./plot.js";
import * as view from "./view.js";

const LOAD = "load";
const MACHINE = [
  { label: "user mode", column: "user", colour: "--user", dash: [] },
  { label: "kernel", column: "system", colour: "--system", dash: [] },
  { label: "steal", column: "steal", colour: "--bad", dash: [2, 3] },
];
const FULL = { label: "full", colour: "--warn", dash: [7, 4] };

// scale: from the bench's unit to the chart's. wild: a few high values at the start are cut off.
const CHARTS = [
  { key: "received", title: "Bytes received", unit: "GiB/s", scale: 1 / GIB, how: "What the users receive." },
  { key: "cost", title: "CPU per GiB", unit: "s/GiB", wild: true, how: `What the server spends on each GiB, over the last ${FACTS.cost_window_s} s.` },
  { key: "user", title: "CPU in user mode", unit: "cores", how: "The server’s own code, and the interpreter’s." },
  { key: "system", title: "CPU in the kernel", unit: "cores", how: "System calls: copying, page cache, TCP." },
  { key: "voluntary", title: "Voluntary switches", unit: "per second", how: "A thread waited, mostly for the socket." },
  { key: "involuntary", title: "Involuntary switches", unit: "per second", how: "A thread was displaced by another." },
  { key: "faults", title: "Page faults", unit: "per second", how: "Memory touched for the first time, or mapped." },
  { key: "memory", title: "Memory", unit: "MiB", scale: 1 / MIB, how: "Resident memory of the server; in a campaign its peak." },
  { key: "threads", title: "Threads", unit: "", how: "One per connection, in most servers here." },
  { key: "users", title: "Users", unit: "", how: "The load: connections that download." },
  { key: "machine", title: "Whole machine", unit: "cores", keyed: MACHINE, how: "All processes; steal is what the hypervisor gave to other machines." },
  { key: LOAD, title: "Load generator", unit: "cores", keyed: [FULL], least: 1, how: "Where its line touches the dashed one, the load generator is the limit, not the server." },
];

const plots = new Map();

function linesOf(chart, points, shown) {
  if (chart.key === "machine") return MACHINE.map((line) => ({ ...line, values: points.map((point) => ofMachine(point, line.column)) }));
  if (chart.key === LOAD) {
    const own = { label: "load generator", colour: "--ink", dash: [], values: points.map(loadCores) };
    return [own, { ...FULL, values: points.map(() => FACTS.full_share) }];
  }
  return shown.map((name) => ({ label: name, ...view.modeStyle(name), values: points.map((point) => scaled(chart, ofProcess(point, name, chart.key))) }));
}

const scaled = (chart, value) => (value === null ? null : value * (chart.scale ?? 1));

function loadCores(point) {
  const [user, system] = ["user", "system"].map((column) => ofProcess(point, LOAD, column));
  return user === null || system === null ? null : user + system;
}

/** Is the load generator's core full, while it receives? */
export function loadIsFull() {
  const point = newest();
  return loadCores(point) >= FACTS.full_share && ofProcess(point, LOAD, "received") > 0;
}

function draw() {
  const range = view.range();
  const points = between(...range);
  if (!points.length) return;
  const times = points.map((point) => point.t);
  const active = busy(points);
  const variants = [...active].filter((name) => name.includes("@")); // of a campaign
  const shown = [...MODES, ...variants].filter((name) => (active.has(name) || view.isChosen(name)) && !view.isHidden(name));
  for (const plot of plots.values()) if (plot.seen) plot.draw(times, linesOf(plot.chart, points, shown), range);
}

/** Draws new points, unless the reader looks at the past. */
export function advance() {
  if (!view.isStill()) draw();
}

export function begin() {
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) plots.get(entry.target.dataset.chart).seen = entry.isIntersecting;
      draw();
    },
    { rootMargin: "120px" },
  );
  for (const chart of CHARTS) {
    plots.set(chart.key, new Plot(chart));
    watcher.observe(plots.get(chart.key).figure);
  }
  view.begin(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const plot of plots.values()) plot.forget();
    draw();
  });
  let asked = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  }).observe(byId("charts"));
}
