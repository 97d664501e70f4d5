"use strict";
// Compares the guess with an answer when that is shown. Without this script the answers can still be opened.
function said(question) {
  const guess = question.querySelector("input:checked, input[type=number]")?.value;
  if (!guess) return "You did not guess.";
  if (question.dataset.right) {
    const right = question.dataset.right;
    return guess === right ? `✓ You said ${guess}; that is right.` : `✗ You said ${guess}; the answer is ${right}.`;
  }
  if (!question.dataset.ratio) return `You said ${guess}; this was not measured.`;
  const [ratio, low, high] = question.dataset.ratio.split(" ").map(Number);
  point(question.querySelector("svg.strip"), Number(guess));
  if (Number.isNaN(low)) return `You said ${guess}; the median of the rounds is ${ratio.toFixed(2)} (too few rounds for an interval).`;
  if (guess >= low && guess <= high) return `✓ You said ${guess}, which is inside the measured interval.`;
  return `✗ You said ${guess}, which is ${guess < low ? "less" : "more"} than the measured interval.`;
}
// The guess as a ring on the strip, whose axis is logarithmic (reports/charts/interval_strip.py).
function point(svg, guess) {
  if (!svg || !(guess > 0)) return;
  const { low, high } = svg.dataset, [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const share = Math.min(1, Math.max(0, Math.log(guess / low) / Math.log(high / low)));
  const ring = svg.querySelector("circle") || svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "circle"));
  for (const [name, value] of Object.entries({ class: "guess", cx: 4 + share * (width - 8), cy: height / 2, r: 5 })) ring.setAttribute(name, value);
}
for (const question of document.querySelectorAll(".question")) {
  const answer = question.querySelector("details.reveal");
  const tell = () => { if (answer.open) answer.querySelector(".said").textContent = said(question); };
  answer.addEventListener("toggle", tell);
  question.addEventListener("input", tell);
}
