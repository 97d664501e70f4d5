// Flame graphs of the report: one element per graph, with search, zoom and a keyboard.
//
// <div class="flames" data-tree="ID of a JSON script" data-total="ms/GiB of the whole">: filled when it is first seen,
// since a graph needs a width. A tree's nodes have name, value (ms/GiB), children, kind, and delta in a difference.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";

const CELL_HEIGHT = 20;
const fixed = (value) => (Math.abs(value) >= 10 ? value.toFixed(0) : value.toPrecision(2));

function colour({ data }) {
  if (data.delta === undefined) return `var(--frame-${data.kind})`;
  const share = Math.min(1, Math.abs(data.delta) / Math.max(data.value, 1e-9));
  const side = data.delta >= 0 ? "more" : "less";
  return `color-mix(in srgb, var(--frame-${side}) ${Math.round(15 + 85 * share)}%, var(--frame-same))`;
}

function said(node, total) {
  const { name, value, delta } = node.data;
  const parts = [`${name}: ${fixed(value)} ms/GiB`, `${((100 * value) / total).toFixed(1)} % of the whole`];
  if (delta !== undefined) parts.push(`${delta >= 0 ? "+" : "−"}${fixed(Math.abs(delta))} ms/GiB against the other`);
  return parts.join(", ");
}

function draw(element) {
  const tree = JSON.parse(document.getElementById(element.dataset.tree).textContent);
  const total = tree.value;
  const canvas = element.querySelector(".canvas");
  const line = element.querySelector(".said");
  const tell = (node) => { line.textContent = node ? said(node, total) : ""; };
  const chart = flamegraph()
    .width(canvas.clientWidth || 800)
    .cellHeight(CELL_HEIGHT)
    .minFrameSize(2)
    .transitionDuration(0)
    .inverted(true)
    .sort(true)
    .tooltip(false)
    .title("")
    .label((node) => said(node, total))
    .setColorMapper((node) => (node.highlight ? "var(--frame-found)" : colour(node)))
    .onHover(tell)
    .onClick((node) => { here = node; tell(node); });
  const target = select(canvas).datum(tree).call(chart);
  let here = target.select("g.frame").datum();
  const search = element.querySelector("input");
  search.addEventListener("input", () => {
    if (search.value) chart.search(search.value); else chart.clear();
  });
  element.querySelector(".reset").addEventListener("click", () => { chart.resetZoom(); search.value = ""; chart.clear(); });
  canvas.addEventListener("keydown", (event) => {
    const next = step(here, event.key);
    if (event.key === "Escape") { chart.resetZoom(); here = root(here); }
    else if (event.key === "Enter") chart.zoomTo(here);
    else if (next) here = next;
    else return;
    event.preventDefault();
    mark(target, here);
    tell(here);
  });
  new ResizeObserver(() => {
    if (!canvas.clientWidth || Math.abs(chart.width() - canvas.clientWidth) < 2) return;
    chart.width(canvas.clientWidth);
    chart.update();
  }).observe(canvas);
}

const root = (node) => (node.parent ? root(node.parent) : node);

function step(node, key) {
  const siblings = node.parent ? node.parent.children : [node];
  const at = siblings.indexOf(node);
  const widest = (nodes) => nodes && nodes.reduce((one, other) => (other.value > one.value ? other : one), nodes[0]);
  return { ArrowUp: node.parent, ArrowDown: widest(node.children), ArrowLeft: siblings[at - 1], ArrowRight: siblings[at + 1] }[key];
}

function mark(target, node) {
  target.selectAll("g.frame").classed("here", (other) => other === node);
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) { seen.unobserve(target); draw(target); }
  }
});
document.querySelectorAll(".flames").forEach((element) => seen.observe(element));
