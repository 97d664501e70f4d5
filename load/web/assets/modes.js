// The list of data paths: what to load, what it costs now, and the state of its server.
//
// Its rule: a row is made once and changed in place, so that it does not lose the focus every second.
import { FACTS, GIB, MODES, ask, byId, stored, make, short, showingErrors, svg } from "./base.js";
import { isHidden, modeStyle, setChosen, toggleHidden } from "./view.js";
import { now } from "./points.js";

const rows = new Map();

export const chosenModes = () => MODES.filter((name) => rows.get(name).box.checked);

function line(name) {
  const { colour, dash } = modeStyle(name);
  const stroke = svg("path", { d: "M1 7H25", "stroke-width": 3.4, "stroke-dasharray": dash.join(" "), fill: "none" });
  stroke.style.stroke = `var(${colour})`;
  return svg("svg", { viewBox: "0 0 26 14" }, stroke);
}

function row(mode, onChange) {
  const { name, summary } = mode;
  const box = make("input", { type: "checkbox", id: `mode-${name}`, value: name });
  box.addEventListener("change", () => pick(chosenModes(), onChange));
  const label = make("label", { htmlFor: box.id, title: summary }, name);
  const number = make("span", { className: "now" });
  const eye = make("button", { type: "button", className: "eye" }, line(name));
  const shown = () => {
    eye.setAttribute("aria-pressed", String(!isHidden(name)));
    eye.setAttribute("aria-label", `${name} in the charts`);
    eye.title = isHidden(name) ? `show ${name}` : `hide ${name}`;
  };
  eye.addEventListener("click", () => {
    toggleHidden(name);
    shown();
  });
  shown();
  const text = make("span");
  const again = make("button", { type: "button", hidden: true }, "Restart");
  again.addEventListener("click", () => restart(name, again));
  const words = make("p", { className: "words", hidden: true }, text, again);
  const item = make("li", {}, make("div", { className: "line" }, box, label, number, eye), words);
  item.dataset.mode = name;
  rows.set(name, { box, number, words, text, again, item });
  return item;
}

async function restart(name, button) {
  button.disabled = true;
  await showingErrors("server-error", () => ask("/server/start", { mode: name }));
  button.disabled = false;
}

const PICKS = { course: FACTS.course, all: MODES, none: [] };

export function begin(onChange) {
  for (const button of document.querySelectorAll("[data-pick]")) {
    button.addEventListener("click", () => pick(PICKS[button.dataset.pick], onChange));
  }
  byId("modes").append(...FACTS.modes.map((mode) => row(mode, onChange)));
  choose(stored.get("modes", FACTS.course));
}

function pick(modes, onChange) {
  choose(modes);
  stored.set("modes", chosenModes());
  onChange();
}

/** Tick these. */
export function choose(modes) {
  for (const [name, { box }] of rows) box.checked = modes.includes(name) && !box.disabled;
  setChosen(chosenModes());
}

/** What is wrong with a server, in a line; empty when nothing is. */
function problem(server, stopped) {
  const last = server.last_stderr_line;
  if (server.missing) return `missing on this machine: ${server.missing}`;
  if (server.state === "dead") return `dead: ${last || "it wrote no error message"}`;
  if (server.failed) return `failed: ${server.failed}${last ? ` (${last})` : ""}`;
  return stopped ? "stopped" : "";
}

export function show(state) {
  for (const server of state.servers) {
    const shown = rows.get(server.name);
    if (!shown) continue;
    const cost = now(server.name, "cost");
    const rate = now(server.name, "received");
    shown.item.dataset.state = server.state;
    const busy = rate > 0 && cost !== null;
    const costText = busy ? cost.toPrecision(3) : "";
    const key = busy ? `${costText}|${short(rate / GIB)}` : "";
    if (shown.number.dataset.key !== key) {
      shown.number.dataset.key = key;
      shown.number.title = busy ? `${short(rate / GIB)} GiB/s` : "";
      shown.number.replaceChildren(...(busy ? [costText, " ", make("span", { className: "unit" }, "s/GiB")] : []));
    }
    const dead = server.state === "dead";
    const stopped = server.state === "stopped" && state.doing !== "campaign";
    const message = problem(server, stopped);
    if (shown.text.textContent !== message) shown.text.textContent = message;
    shown.words.hidden = !message;
    shown.box.disabled = Boolean(server.missing);
    if (server.missing && shown.box.checked) {
      shown.box.checked = false;
      setChosen(chosenModes());
    }
    shown.words.classList.toggle("bad", !server.missing && (dead || Boolean(server.failed)));
    shown.again.hidden = Boolean(server.missing) || (!dead && !stopped);
  }
}
