// One flame graph on a canvas: frames with names and colours, zoom, and a keyboard to go from frame to frame.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";

const CELL_HEIGHT = 20;
const SIGNS = { python: "py", c: "C", kernel: "k", copy: "cp", root: "" };
const KINDS = { python: "line of Python", c: "interpreter or library", kernel: "kernel", copy: "kernel, copying bytes" };
const SAME = 0.05; // share of a frame's width; smaller differences cannot be seen
export const fixed = (value) => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));

export function signOf({ delta, value, kind, chance }) {
  if (delta === undefined) return SIGNS[kind];
  return chance || Math.abs(delta) < SAME * value ? "=" : delta > 0 ? "+" : "−";
}

function colour({ highlight, data }) {
  if (highlight) return "var(--frame-found)";
  if (data.delta === undefined) return `var(--frame-${data.kind})`;
  if (data.chance) return "var(--frame-same)";
  const strength = Math.min(1, Math.abs(data.delta) / Math.max(data.value, 1e-9));
  return `color-mix(in srgb, var(--frame-${data.delta > 0 ? "more" : "less"}) ${Math.round(100 * strength)}%, var(--frame-same))`;
}

export const share = (value, total) => `${((100 * value) / total).toFixed(1)} %`;

export function said(node, total, whole = "the total") {
  const { data } = node, { unit = "CPU ms/GiB", other = "the other mode" } = root(node).data;
  const parts = [`${data.name}: ${fixed(data.value)} ${unit}`, `${share(data.value, total)} of ${whole}`];
  if (data.delta !== undefined) {
    const sign = data.delta < 0 ? "−" : "+", short = unit.replace("CPU ", "");
    parts.push(`${sign}${fixed(Math.abs(data.delta))} ${short} compared with ${other}${data.chance ? ", within chance" : ""}`);
  } else if (KINDS[data.kind]) parts.push(KINDS[data.kind]);
  return parts.join(", ");
}

// scale: the share of the width that the tree takes, so that two trees side by side have one scale. up: callers stand
// above. tell: takes each frame that one points at or goes to. onKey: what other keys do with the frame that one is at.
export function draw(canvas, tree, { scale = 1, up = false, nameOf, label, tell, gone = () => {}, onKey = {} }) {
  const width = () => Math.max(120, Math.floor(canvas.clientWidth * scale));
  canvas.replaceChildren();
  const chart = flamegraph()
    .width(width())
    .cellHeight(CELL_HEIGHT)
    .minFrameSize(1)
    .transitionDuration(0)
    .inverted(!up)
    .sort(true)
    .tooltip(false)
    .getName(nameOf)
    .label(label)
    .setColorMapper(colour)
    .onHover((node) => { if (node) tell(node); })
    .onClick((node) => go(node));
  const target = select(canvas).datum(tree).call(chart);
  let here = target.select("g.frame").datum();
  // New frames would be animated for a quarter of a second, whatever transitionDuration says.
  const settle = () => canvas.querySelectorAll("g.frame").forEach((frame) => {
    frame.firstElementChild.setAttribute("width", frame.getAttribute("width"));
  });
  const go = (node) => {
    here = node;
    settle();
    target.selectAll("g.frame").classed("here", (other) => other === node);
    target.select("g.here").raise();
    tell(node);
    gone(node);
  };
  const all = () => { chart.resetZoom(); go(root(here)); };
  canvas.onkeydown = (event) => {
    const next = step(here, up ? UPSIDE_DOWN[event.key] ?? event.key : event.key);
    if (event.key === "Escape") (onKey.Escape ?? all)(here);
    else if (event.key === "Enter") { chart.zoomTo(here); go(here); }
    else if (onKey[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) onKey[event.key](here);
    else if (next) go(next);
    else return;
    event.preventDefault();
    canvas.querySelector("g.here")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  canvas.redraw = () => {
    if (!canvas.clientWidth || Math.abs(chart.width() - width()) < 2) return;
    chart.width(width());
    chart.update();
    settle();
  };
  settle();
  tell(here);
  return { chart, all, settle };
}

const root = (node) => (node.parent ? root(node.parent) : node);

const UPSIDE_DOWN = { ArrowUp: "ArrowDown", ArrowDown: "ArrowUp" };

function step(node, key) {
  const siblings = node.parent ? node.parent.children : [node];
  const at = siblings.indexOf(node);
  const widest = (nodes) => nodes && nodes.reduce((one, other) => (other.data.value > one.data.value ? other : one));
  return { ArrowUp: node.parent, ArrowDown: widest(node.children), ArrowLeft: siblings[at - 1], ArrowRight: siblings[at + 1] }[key];
}
