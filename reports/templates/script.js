"use strict";
// Every chart is already there as a still picture; the interactive one replaces it once it is drawn. Drawing needs the
// width of its place, so it waits until the chart is first seen.
async function draw(figure, given) {
  seen.unobserve(figure);
  const live = figure.querySelector(".live");
  try {
    const [spec] = await Promise.all([given || specification(figure), library()]);
    live.style.display = "block"; // the container's width is the chart's
    await vegaEmbed(live, spec, { mode: "vega-lite", actions: false, renderer: "svg", ast: true });
    live.style.display = "";
    figure.classList.add("ready");
  } catch (error) {
    live.replaceChildren();
    console.error("cannot draw the interactive chart:", error);
  }
}
async function specification(figure) {
  const script = figure.querySelector("script");
  return JSON.parse(script.type === "application/json" ? script.textContent : await unpacked(script.textContent));
}
// The chart library is a megabyte: it is unpacked when the first chart is seen.
let reading;
function library() {
  reading ??= unpacked(document.getElementById("vega").textContent).then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
  });
  return reading;
}
function unpacked(text, kind = "text") {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")))[kind]();
}
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) draw(target);
  }
}, { rootMargin: "200px" });
document.querySelectorAll("figure.chart").forEach((figure) => seen.observe(figure));
// On a phone a row becomes a list, in which each value has the name of its column (style.css), or its data-name.
for (const table of document.querySelectorAll(".scroll > table:not(.raw, .summary, .runs)")) {
  const names = [...table.querySelectorAll("thead tr:last-child th")].map((head) => head.dataset.name ?? head.textContent.trim());
  for (const cell of names.length ? table.querySelectorAll("tbody td") : []) cell.dataset.column = names[cell.cellIndex] ?? "";
}
// A flame graph needs the width of its frame to draw, so it is loaded when it is first seen.
for (const details of document.querySelectorAll("details.flame")) {
  details.addEventListener("toggle", () => {
    const frame = details.querySelector("iframe");
    if (details.open && frame && !frame.srcdoc) frame.srcdoc = frame.dataset.document;
  });
}
// Unfold everything for printing; in newer browsers the style sheet does that.
const folded = () => document.querySelectorAll("details:not([open])");
let opened = [];
addEventListener("beforeprint", () => { opened = [...folded()]; opened.forEach((each) => { each.open = true; }); });
addEventListener("afterprint", () => { opened.forEach((each) => { each.open = false; }); opened = []; });
