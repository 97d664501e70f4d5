"use strict";
// Every chart stands as a still picture already; where drawing succeeds, the interactive one takes its place.
for (const figure of document.querySelectorAll("figure.chart")) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const live = figure.querySelector(".live");
  live.style.display = "block"; // the container's width is the chart's
  vegaEmbed(live, spec, { mode: "vega-lite", actions: false, renderer: "svg", ast: true }).then(
    () => { live.style.display = ""; figure.classList.add("ready"); },
    (error) => { live.remove(); console.error("a chart stays a still picture:", error); }
  );
}
// A flame graph needs the width of its frame to draw, so it is loaded when it is first seen.
for (const details of document.querySelectorAll("details.flame")) {
  details.addEventListener("toggle", () => {
    const frame = details.querySelector("iframe");
    if (details.open && frame && !frame.srcdoc) frame.srcdoc = frame.dataset.document;
  });
}
