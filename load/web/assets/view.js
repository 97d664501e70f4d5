// What the reader looks at: which stretch of time, which paths.
//
// Its rule: it belongs to this browser alone, and is kept over a reload; what happens on the bench does not change it.
import { newest, oldest } from "./points.js";
import { FACTS, byId, kept } from "./base.js";

const DASHES = [[], [7, 4], [2, 3]];
const COLOURS = 6;
const FIRST_S = 60;

export const names = FACTS.modes.map((mode) => mode.name);

const view = { seconds: kept.get("range", 300), zoom: null, paused: null, hidden: new Set(kept.get("hidden", [])) };
let chosen = new Set();
let redraw = () => {};

/** Colour and dashes of a path, everywhere on the page: colour alone would not tell fourteen of them apart. */
export function modeStyle(name) {
  const index = names.indexOf(name);
  return { colour: `--mode-${index % COLOURS}`, dash: DASHES[Math.floor(index / COLOURS) % DASHES.length] };
}

export const isHidden = (name) => view.hidden.has(name);
export const isChosen = (name) => chosen.has(name);
export const isStill = () => view.paused !== null || view.zoom !== null;

export function toggleHidden(name) {
  if (!view.hidden.delete(name)) view.hidden.add(name);
  kept.set("hidden", [...view.hidden]);
  redraw();
}

/** The paths that are ticked: they are drawn even while they are idle. */
export function setChosen(modes) {
  chosen = new Set(modes);
  redraw();
}

/** From when to when; not from before there was anything, but for the first minute. */
export function range() {
  if (view.zoom) return view.zoom;
  const to = view.paused ?? newest().t;
  return [Math.max(to - view.seconds, Math.min(oldest(), to - FIRST_S)), to];
}

/** To a stretch of time, or back from it. */
export function zoom(stretch) {
  view.zoom = stretch && stretch[1] - stretch[0] >= 1 ? stretch : null;
  byId("whole").hidden = !view.zoom;
  redraw();
}

function pause() {
  view.paused = view.paused === null ? newest().t : null;
  byId("pause").setAttribute("aria-pressed", String(view.paused !== null));
  byId("pause").textContent = view.paused === null ? "Pause" : "Go on";
  redraw();
}

function look(seconds) {
  view.seconds = seconds;
  kept.set("range", seconds);
  pressed();
  zoom(null);
}

const buttons = () => [...document.querySelectorAll("[data-range]")];
function pressed() {
  for (const button of buttons()) button.setAttribute("aria-pressed", String(Number(button.dataset.range) === view.seconds));
}

/** onChange: draws what is looked at now. */
export function begin(onChange) {
  redraw = onChange;
  pressed();
  for (const button of buttons()) button.addEventListener("click", () => look(Number(button.dataset.range)));
  byId("whole").addEventListener("click", () => zoom(null));
  byId("pause").addEventListener("click", pause);
}
