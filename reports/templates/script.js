"use strict";
// Every chart stands as a still picture already; where drawing succeeds, the interactive one takes its place. It needs
// the width of its place, so it is drawn when it is first seen: what is folded, or far below, costs nothing before.
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
    console.error("a chart stays a still picture:", error);
  }
}
async function specification(figure) {
  const script = figure.querySelector("script");
  return JSON.parse(script.type === "application/json" ? script.textContent : await unpacked(script.textContent));
}
// What draws the charts is a megabyte: it is unpacked and read when the first one is seen.
let reading;
function library() {
  reading ??= unpacked(document.getElementById("vega").textContent).then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
  });
  return reading;
}
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) draw(target);
  }
}, { rootMargin: "200px" });
document.querySelectorAll("figure.chart").forEach((figure) => seen.observe(figure));
// A flame graph needs the width of its frame to draw, so it is loaded when it is first seen.
for (const details of document.querySelectorAll("details.flame")) {
  details.addEventListener("toggle", () => {
    const frame = details.querySelector("iframe");
    if (details.open && frame && !frame.srcdoc) frame.srcdoc = frame.dataset.document;
  });
}
// Paper cannot be unfolded; the style sheet does this where the browser knows how.
const folded = () => document.querySelectorAll("details:not([open], .flame)");
let opened = [];
addEventListener("beforeprint", () => { opened = [...folded()]; opened.forEach((each) => { each.open = true; }); });
addEventListener("afterprint", () => { opened.forEach((each) => { each.open = false; }); opened = []; });
