// Recorded flame graphs, and saved runs with their reports.
//
// Its rule: reports and flame graphs open in a sandbox, without an origin.
import { FACTS, MODES, ask, byId, link, make, refill, reportLink, showText, showingErrors } from "./base.js";

const KINDS = { campaign: "campaign", interactive: "interactive, not a campaign", sweep: "sweep" };
let opened = null;
let wanted = null;
let listed = "";

export function begin() {
  byId("record-mode").append(...MODES.map((name) => make("option", {}, name)));
  byId("record").addEventListener("submit", (event) => {
    event.preventDefault();
    const { mode, seconds } = event.target.elements;
    if (!seconds.checkValidity()) return showText(byId("record-error"), `seconds: ${seconds.validationMessage}`);
    wanted = mode.value;
    return showingErrors("record-error", () => ask("/record", { mode: mode.value, seconds: Number(seconds.value) }));
  });
}

function flameLine(flame) {
  const what = `${flame.mode}, ${flame.seconds} s`;
  if (flame.state === "recording") return make("li", {}, `${what}: recording …`);
  if (flame.state === "failed") return make("li", {}, make("span", { className: "bad" }, `${what}: ${flame.reason}`));
  const button = make("button", { type: "button" }, "Show");
  button.addEventListener("click", () => open(flame));
  return make("li", {}, what, button, link(`/flames/${flame.number}`, "open in a new tab"), flame.reason ? make("span", {}, flame.reason) : "");
}

function open(flame) {
  opened = flame.number;
  byId("flame-caption").textContent = `${flame.mode}: where the server spends its time. Click a bar to zoom.`;
  byId("flame-frame").src = `${FACTS.prefix}/flames/${flame.number}`;
  byId("flame-shown").hidden = false;
}

function runRow(run) {
  const report = make("td");
  if (run.report) {
    report.append(reportLink(run.name, "open"));
  } else if (run.state !== "running") {
    const button = make("button", { type: "button" }, "Build report");
    button.addEventListener("click", () => showingErrors("runs-error", () => ask(`/runs/${encodeURIComponent(run.name)}/report`)));
    report.append(button);
  }
  const state = run.state === "done" ? "" : make("span", { className: "badge" }, run.state);
  const began = make("td", {}, new Date(run.started_at).toLocaleString("en-GB"));
  const cell = (className, ...content) => make("td", { className }, ...content);
  const what = cell("what", KINDS[run.kind] ?? run.kind, " ", state);
  return make("tr", {}, cell("run", run.name), report, what, cell("paths", run.modes.join(", ")), began);
}

async function list() {
  const response = await fetch(`${FACTS.prefix}/runs`);
  if (!response.ok) return;
  const runs = await response.json();
  refill(byId("runs"), runs, () => (runs.length ? runs.map(runRow) : [make("tr", {}, make("td", { colSpan: 5 }, "No runs yet."))]));
}

export function show(state) {
  const here = state.servers.filter((server) => !server.missing).map((server) => server.name);
  for (const option of byId("record-mode").options) option.disabled = !here.includes(option.value);
  refill(byId("flame-list"), state.flames, () => state.flames.map(flameLine));
  const newest = state.flames[0];
  if (newest?.state === "done" && wanted === newest.mode && opened !== newest.number) {
    wanted = null;
    open(newest);
  }
  const { reports, doing } = state;
  showText(byId("runs-error"), Object.entries(reports.refused).map(([run, why]) => `${run}: ${why}`).slice(-1).join(""));
  const now = JSON.stringify([doing, reports.made, reports.waiting, state.campaign?.run]);
  if (now !== listed && doing !== "campaign") {
    listed = now;
    list();
  }
}
