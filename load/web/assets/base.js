// What every part of the page uses: the facts that came with it, elements, and requests to the bench.
//
// Its rule: names are only ever put into the page as text.
export const FACTS = JSON.parse(document.getElementById("facts").textContent);
export const GIB = 2 ** 30;
export const MIB = 2 ** 20;
export const MODES = FACTS.modes.map((mode) => mode.name);

export const byId = (id) => document.getElementById(id);

/** An element with properties and children: make("p", { className: "how" }, "text", other). */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The same of SVG, with attributes. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A link to something of the bench, in a tab of its own. */
export const link = (path, text) => make("a", { href: FACTS.prefix + path, target: "_blank", rel: "noopener" }, text);
export const reportLink = (run, text) => link(`/reports/${encodeURIComponent(run)}/`, text);

/** Shows a line of text; hides the element when it is empty. */
export function showText(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

/** Replaces a node's children only when the key has changed, so that focus and selection stay. */
export function refill(node, key, build) {
  const now = JSON.stringify(key);
  if (node.dataset.key === now) return;
  node.dataset.key = now;
  node.replaceChildren(...build());
}

class Refused extends Error {}

/** Sends a command. Throws Refused with one line to show. */
export async function ask(path, command = {}) {
  let response;
  try {
    response = await fetch(FACTS.prefix + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Bench": "1" },
      body: JSON.stringify(command),
    });
  } catch {
    throw new Refused("the bench does not answer: is Locust still running?");
  }
  const answer = await response.json().catch(() => ({ error: `the bench answered ${response.status}` }));
  if (!response.ok) throw new Refused(answer.error);
  return answer;
}

/** Does this, and shows a refusal in the element with this id. */
export async function showingErrors(id, action) {
  showText(byId(id), "");
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showText(byId(id), error.message);
  }
}

const FORMATS = [0, 1, 2, 3, 4].map((digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }));

/** Three digits, with thousands separators. */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return FORMATS[Math.min(digits, 4)].format(value);
}

export function sizeText(bytes) {
  for (const [unit, factor] of [["GiB", GIB], ["MiB", MIB], ["KiB", 1024]]) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** The reader's view, stored in this browser; a private window may have no storage. */
export const stored = {
  get(name, fallback) {
    try {
      return JSON.parse(sessionStorage.getItem(`bench-${name}`)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  set(name, value) {
    try {
      sessionStorage.setItem(`bench-${name}`, JSON.stringify(value));
    } catch {} // then a reload resets the view
  },
};
