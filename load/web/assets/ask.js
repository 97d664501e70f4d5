// The form of a load or a campaign, and the buttons that start and stop it.
//
// Its rule: errors are shown under the form, those of the browser's own checks first, then those of the bench.
import { ask, byId, stored, showText, showingErrors, sizeText } from "./base.js";
import { choose, chosenModes } from "./modes.js";

const form = byId("ask");
const fields = form.elements;
const tabs = [byId("tab-load"), byId("tab-campaign")];
let kind = stored.get("kind", "load");
let doing = "nothing";
let filled = false;

function selectTab(wanted, focus = false) {
  kind = wanted;
  stored.set("kind", kind);
  form.className = kind;
  for (const tab of tabs) {
    const selected = tab.id === `tab-${kind}`;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    if (selected) form.setAttribute("aria-labelledby", tab.id);
    if (selected && focus) tab.focus();
  }
  showBaseline();
  byId("start").textContent = kind === "load" ? "Start the load" : "Start the campaign";
}

export function showBaseline() {
  const modes = chosenModes();
  byId("baseline").textContent = modes.length > 1 ? `The others are compared with ${modes[0]}.` : "Tick two paths or more to compare.";
}

/** Undefined for an empty number: it is left out of the command, and the bench takes its default. */
function valueOf(field) {
  if (field.type === "checkbox") return field.checked;
  if (field.type === "number") return field.value === "" ? undefined : Number(field.value);
  return field.value;
}

/** The fields of the form that this tab shows. */
function command() {
  const shown = [...form.querySelectorAll("[name]")].filter((field) => kind === "campaign" || !field.closest(".for-campaign"));
  const given = { modes: chosenModes(), ...Object.fromEntries(shown.map((field) => [field.name, valueOf(field)])) };
  return kind === "load" ? given : { given };
}

/** The first error of the form; empty when there is none. */
function firstError() {
  if (!chosenModes().length) return "tick a data path first";
  for (const field of fields) {
    if (field.closest(".for-campaign") && kind === "load") continue;
    if (field.willValidate && !field.checkValidity()) {
      field.focus();
      const label = field.closest("label").firstChild.textContent.trim();
      return `${label}: ${field.validity.patternMismatch ? `${field.value} is not valid` : field.validationMessage}`;
    }
  }
  return "";
}

function start(event) {
  event.preventDefault();
  const wrong = firstError();
  if (wrong) showText(byId("ask-error"), wrong);
  else send(kind === "load" ? "/load/start" : "/campaign/start", command());
}

const send = (path, content) => showingErrors("ask-error", async () => show(await ask(path, content)));

export function begin() {
  for (const tab of tabs) {
    tab.addEventListener("click", () => selectTab(tab.id.slice(4)));
    tab.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") selectTab(kind === "load" ? "campaign" : "load", true);
    });
  }
  form.addEventListener("submit", start);
  byId("stop").addEventListener("click", () => send(doing === "campaign" ? "/campaign/stop" : "/load/stop"));
  form.addEventListener("input", () => stored.set("form", Object.fromEntries(new FormData(form))));
  selectTab(kind);
}

/** Fills in the last command, from here or another browser, unless the reader has begun to change the form. */
function fillIn(state) {
  const own = stored.get("form", null);
  const asked = own ?? state.asked[kind] ?? {};
  for (const [name, value] of Object.entries(asked)) {
    if (fields[name] && fields[name].type !== "checkbox" && value !== null) fields[name].value = value;
  }
  if (!stored.get("modes", null)) choose(state.asked[kind]?.modes ?? state.chosen);
  if (!fields.size.value) fields.size.value = sizeText(state.file_bytes);
  showBaseline();
}

export function show(state) {
  doing = state.doing;
  if (!filled) {
    filled = true;
    fillIn(state);
  }
  byId("start").disabled = doing !== "nothing";
  byId("stop").disabled = doing === "nothing" || doing === "preparing";
  if (state.load_error && byId("ask-error").dataset.shown !== state.load_error) showText(byId("ask-error"), state.load_error);
  byId("ask-error").dataset.shown = state.load_error;
}
