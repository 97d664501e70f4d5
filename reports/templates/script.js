"use strict";
// Every chart stands as a still picture already; where drawing succeeds, the interactive one takes its place. It needs
// the width of its place, so it is drawn when it is first seen: what is folded, or far below, costs nothing before.
function draw(figure, spec = JSON.parse(figure.querySelector("script").textContent)) {
  seen.unobserve(figure);
  const live = figure.querySelector(".live");
  live.style.display = "block"; // the container's width is the chart's
  vegaEmbed(live, spec, { mode: "vega-lite", actions: false, renderer: "svg", ast: true }).then(
    () => { live.style.display = ""; figure.classList.add("ready"); },
    (error) => { live.remove(); console.error("a chart stays a still picture:", error); }
  );
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
