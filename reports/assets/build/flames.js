// Flame graphs of the report: search, zoom, keyboard control, and the difference of any two modes.
//
// <script type="text/plain" id="ID">: trees by mode (differences: by mode and other mode), as base64 of gzip of JSON.
// <div class="flames" data-source="ID" data-keys='["mode", …]'>: filled when first seen, since a graph needs a width.
// A node has name, value (ms/GiB), children, kind, and in a difference delta. Names are text, never markup.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";

const CELL_HEIGHT = 20;
const SIGNS = { python: "py", c: "C", kernel: "k", copy: "cp", root: "" };
const KINDS = { python: "line of Python", c: "interpreter or library", kernel: "kernel", copy: "kernel, copying bytes" };
const SAME = 0.05; // share of a frame's width; smaller differences cannot be seen
const fixed = (value) => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));

const sources = {};
const source = (id) => (sources[id] ??= unpacked(document.getElementById(id).textContent, "json")); // of templates/script.js

function signOf({ delta, value, kind }) {
  if (delta === undefined) return SIGNS[kind];
  return Math.abs(delta) < SAME * value ? "=" : delta > 0 ? "+" : "−";
}

function colour({ highlight, data }) {
  if (highlight) return "var(--frame-found)";
  if (data.delta === undefined) return `var(--frame-${data.kind})`;
  const share = Math.min(1, Math.abs(data.delta) / Math.max(data.value, 1e-9));
  return `color-mix(in srgb, var(--frame-${data.delta > 0 ? "more" : "less"}) ${Math.round(100 * share)}%, var(--frame-same))`;
}

function said({ data }, total) {
  const parts = [`${data.name}: ${fixed(data.value)} CPU ms/GiB`, `${((100 * data.value) / total).toFixed(1)} % of the total`];
  if (data.delta !== undefined) parts.push(`${data.delta < 0 ? "−" : "+"}${fixed(Math.abs(data.delta))} ms/GiB compared with the other mode`);
  else if (KINDS[data.kind]) parts.push(KINDS[data.kind]);
  return parts.join(", ");
}

// scale: the share of the width that the tree takes, so that two trees side by side have one scale.
function draw(element, tree, scale = 1) {
  const canvas = element.querySelector(".canvas");
  const line = element.querySelector(".said");
  const search = element.querySelector("input");
  const total = tree.value;
  const tell = (node) => { if (node) line.textContent = said(node, total); };
  const width = () => Math.max(120, Math.floor(canvas.clientWidth * scale));
  canvas.replaceChildren();
  const chart = flamegraph()
    .width(width())
    .cellHeight(CELL_HEIGHT)
    .minFrameSize(1)
    .transitionDuration(0)
    .inverted(true)
    .sort(true)
    .tooltip(false)
    .getName(({ data }) => `${signOf(data)} ${data.name}`.trim())
    .label((node) => said(node, total))
    .setColorMapper(colour)
    .onHover(tell)
    .onClick((node) => go(node));
  let pattern = null;
  chart.setSearchMatch(({ data }) => pattern !== null && pattern.test(data.name));
  chart.setSearchHandler((found, sum) => {
    line.textContent = `${found.length} frames, ${fixed(sum)} CPU ms/GiB, ${((100 * sum) / total).toFixed(1)} % of the total`;
  });
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
  };
  const all = () => { search.value = ""; find(); chart.resetZoom(); go(root(here)); };
  const find = () => {
    search.setCustomValidity("");
    try { pattern = search.value ? new RegExp(search.value, "i") : null; } catch (error) {
      search.setCustomValidity(error.message);
      search.reportValidity();
      return;
    }
    if (pattern) chart.search(search.value); else chart.clear();
    settle();
  };
  search.oninput = find;
  element.querySelector("button").onclick = all;
  canvas.onkeydown = (event) => {
    const next = step(here, event.key);
    if (event.key === "Escape") all();
    else if (event.key === "Enter") { chart.zoomTo(here); go(here); }
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
}

const root = (node) => (node.parent ? root(node.parent) : node);

function step(node, key) {
  const siblings = node.parent ? node.parent.children : [node];
  const at = siblings.indexOf(node);
  const widest = (nodes) => nodes && nodes.reduce((one, other) => (other.data.value > one.data.value ? other : one));
  return { ArrowUp: node.parent, ArrowDown: widest(node.children), ArrowLeft: siblings[at - 1], ArrowRight: siblings[at + 1] }[key];
}

const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => target.redraw?.()));
const at = (trees, keys) => keys.reduce((found, key) => found[key], trees);

async function fill(element) {
  try {
    const trees = await source(element.dataset.source);
    const keys = JSON.parse(element.dataset.keys);
    const tree = at(trees, keys);
    const scale = keys.length === 2 ? tree.value / Math.max(tree.value, at(trees, [...keys].reverse()).value) : 1;
    draw(element, tree, scale);
    resized.observe(element.querySelector(".canvas"));
  } catch (error) { // an old browser; the tables have the same numbers
    element.querySelector(".said").textContent = `This browser cannot draw the flame graph: ${error.message}`;
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) { seen.unobserve(target); fill(target); }
  }
}, { rootMargin: "300px" });
for (const element of document.querySelectorAll(".flames")) {
  element.hidden = false;
  seen.observe(element);
}

for (const element of document.querySelectorAll(".difference")) {
  const [ours, theirs] = element.querySelectorAll("select");
  const graphs = element.querySelectorAll(".flames");
  const captions = element.querySelectorAll("figcaption");
  let before = [ours.value, theirs.value];
  const pair = () => {
    if (ours.value === theirs.value) [ours.value, theirs.value] = [before[1], before[0]]; // a mode is never compared with itself
    before = [ours.value, theirs.value];
    [before, [...before].reverse()].forEach((keys, side) => {
      graphs[side].dataset.keys = JSON.stringify(keys);
      captions[side].textContent = `${keys[0]}, compared with ${keys[1]}`;
      graphs[side].querySelector(".canvas").setAttribute("aria-label",
        `${keys[0]} compared with ${keys[1]}. Arrow keys move between frames, Enter zooms in, Escape shows all.`);
    });
  };
  element.hidden = false;
  pair();
  element.addEventListener("change", (event) => {
    if (event.target.tagName === "SELECT") { pair(); graphs.forEach(fill); }
  });
}

// Files are packed in the page (reports/export/attachments.py); browsers that can unpack them save them unpacked.
for (const link of document.querySelectorAll(".downloads a")) {
  link.addEventListener("click", async (event) => {
    if (typeof DecompressionStream === "undefined") return;
    event.preventDefault();
    const url = URL.createObjectURL(await unpacked(link.href.split(",")[1], "blob"));
    const saved = Object.assign(document.createElement("a"), { href: url, download: link.download.replace(/\.gz$/, "") });
    saved.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  });
}
