// Flame graphs of the report: search, zoom, keyboard control, the difference of any two modes, callers and callees.
//
// <script type="text/plain" id="ID">: trees by mode (differences: by mode and other mode), as base64 of gzip of JSON.
// <div class="flames" data-source="ID" data-keys='["mode", …]'>: filled when first seen, since a graph needs a width.
// <details class="sandwich"> behind such a graph: callers and callees of a function, drawn when it is open.
// A node has name, value (ms/GiB), children, kind, and in a difference delta; its root may name another unit. Names are text, never markup.
import { draw, fixed, said, share, signOf } from "./drawing.js";
import { functionsOf, keyOf, sandwichOf } from "./sandwich.js";

const sources = {};
const source = (id) => (sources[id] ??= unpacked(document.getElementById(id).textContent, "json")); // of templates/script.js

function drawWhole(element, tree, scale) {
  const canvas = element.querySelector(".canvas"), line = element.querySelector(".said"), search = element.querySelector("input");
  const total = tree.value, unit = tree.unit ?? "CPU ms/GiB";
  let pattern = null;
  const everything = () => { search.value = ""; find(); graph.all(); };
  const graph = draw(canvas, tree, {
    scale,
    nameOf: ({ data }) => `${signOf(data)} ${data.name}`.trim(),
    label: (node) => said(node, total),
    tell: (node) => { line.textContent = said(node, total); },
    gone: (node) => element.dispatchEvent(new CustomEvent("gone", { detail: node.data })),
    onKey: { Escape: everything, c: (node) => element.dispatchEvent(new CustomEvent("asked", { detail: node.data })) },
  });
  graph.chart.setSearchMatch(({ data }) => pattern !== null && pattern.test(data.name));
  graph.chart.setSearchHandler((found, sum) => {
    line.textContent = `${found.length} frames, ${fixed(sum)} ${unit}, ${share(sum, total)} of the total`;
  });
  const find = () => {
    search.setCustomValidity("");
    try { pattern = search.value ? new RegExp(search.value, "i") : null; } catch (error) {
      search.setCustomValidity(error.message);
      search.reportValidity();
      return;
    }
    if (pattern) graph.chart.search(search.value); else graph.chart.clear();
    graph.settle();
  };
  search.oninput = find;
  element.querySelector("button").onclick = everything;
}

const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => target.redraw?.()));
const at = (trees, keys) => keys.reduce((found, key) => found[key], trees);

async function fill(element) {
  try {
    const trees = await source(element.dataset.source);
    const keys = JSON.parse(element.dataset.keys);
    const tree = at(trees, keys);
    const scale = keys.length === 2 ? tree.value / Math.max(tree.value, at(trees, [...keys].reverse()).value) : 1;
    drawWhole(element, tree, scale);
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

// Callers above, callees below. A frame that one goes to in the graph is chosen here too.
for (const element of document.querySelectorAll(".sandwich")) {
  const graph = element.previousElementSibling;
  const chosen = element.querySelector("select"), line = element.querySelector(".said");
  const [above, under] = element.querySelectorAll(".canvas");
  let tree, known;
  const show = () => {
    if (!element.open || !above.clientWidth) return; // it has no width on paper
    const { name, value } = known.get(chosen.value);
    const sides = sandwichOf(tree, chosen.value);
    const look = {
      nameOf: ({ data }) => `${signOf(data)} ${data.name} · ${share(data.value, value)}`,
      label: (node) => said(node, value, name),
      tell: (node) => { line.textContent = said(node, value, name); },
    };
    draw(above, sides.callers, { ...look, up: true });
    draw(under, sides.callees, look);
    const callers = sides.callers.children.sort((one, other) => other.value - one.value).map((each) => each.name);
    line.textContent = `${name}: ${fixed(value)} CPU ms/GiB, ${share(value, tree.value)} of the total; callers: `
      + `${callers.join(", ") || "none"}; callees: ${sides.callees.children.length || "none"}`;
  };
  const choose = (data) => {
    if (!known?.has(keyOf(data))) return;
    chosen.value = keyOf(data);
    show();
  };
  const open = async () => {
    if (!known) {
      tree = at(await source(graph.dataset.source), JSON.parse(graph.dataset.keys));
      known = functionsOf(tree);
      chosen.append(...[...known].map(([key, each]) => new Option(`${signOf(each)} ${each.name} · ${share(each.value, tree.value)}`, key)));
      choose([...known.values()].reduce((one, other) => (other.own > one.own ? other : one)));
      [above, under].forEach((canvas) => resized.observe(canvas));
    } else show();
  };
  element.hidden = false;
  element.addEventListener("toggle", () => { if (element.open) open(); });
  chosen.addEventListener("change", show);
  graph.addEventListener("gone", ({ detail }) => choose(detail));
  graph.addEventListener("asked", async ({ detail }) => {
    element.open = true;
    await open();
    choose(detail);
    chosen.focus();
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
