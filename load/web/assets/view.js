// What the reader looks at: which range of time, which data paths.
//
// Its rule: it belongs to this browser alone, survives a reload, and does not depend on the bench.
import { newest, oldest } from "./points.js";
import { MODES, byId, stored } from "./base.js";

const DASHES = [[], [7, 4], [2, 3]];
const COLOURS = 6;
const FIRST_S = 60;

const view = { seconds: stored.get("range", 300), zoom: null, paused: null, hidden: new Set(stored.get("hidden", [])) };
let chosen = new Set();
let redraw = () => {};

/** Colour and dashes of a data path, everywhere on the page: colour alone cannot distinguish fourteen. */
export function modeStyle(name) {
  const index = MODES.indexOf(name.split("@")[0]); // a variant looks like its mode
  return { colour: `--mode-${index % COLOURS}`, dash: DASHES[Math.floor(index / COLOURS) % DASHES.length] };
}

export const isHidden = (name) => view.hidden.has(name);
export const isChosen = (name) => chosen.has(name);
export const isStill = () => view.paused !== null || view.zoom !== null;

export function toggleHidden(name) {
  if (!view.hidden.delete(name)) view.hidden.add(name);
  stored.set("hidden", [...view.hidden]);
  redraw();
}

/** The ticked data paths are drawn even while they are idle. */
export function setChosen(modes) {
  chosen = new Set(modes);
  redraw();
}

/** From when to when; it does not begin before the first point, but is at least a minute. */
export function range() {
  if (view.zoom) return view.zoom;
  const to = view.paused ?? newest().t;
  return [Math.max(to - view.seconds, Math.min(oldest(), to - FIRST_S)), to];
}

/** Zooms to a range of time; null shows all. */
export function zoom(range) {
  view.zoom = range && range[1] - range[0] >= 1 ? range : null;
  byId("whole").hidden = !view.zoom;
  redraw();
}

function pause() {
  view.paused = view.paused === null ? newest().t : null;
  byId("pause").setAttribute("aria-pressed", String(view.paused !== null));
  byId("pause").textContent = view.paused === null ? "Pause" : "Resume";
  redraw();
}

function look(seconds) {
  view.seconds = seconds;
  stored.set("range", seconds);
  pressed();
  zoom(null);
}

const buttons = document.querySelectorAll("[data-range]");
function pressed() {
  for (const button of buttons) button.setAttribute("aria-pressed", String(Number(button.dataset.range) === view.seconds));
}

/** onChange: draws the current view. */
export function begin(onChange) {
  redraw = onChange;
  pressed();
  for (const button of buttons) button.addEventListener("click", () => look(Number(button.dataset.range)));
  byId("whole").addEventListener("click", () => zoom(null));
  byId("pause").addEventListener("click", pause);
}
