// A running campaign: progress, current verdicts, and a forest plot that grows with each round.
//
// Its rule: numbers and sentences come from the bench, which computes them as the report does.
import { byId, duration, make, refill, reportLink, showText, svg } from "./base.js";
import { modeStyle } from "./view.js";

const SIGNS = { less: "↓", more: "↑", same: "=", inconclusive: "?", void: "✕", none: "–" };
const ROW = 58;
const LEFT = 128;

function ticks(low, high) {
  const steps = [];
  for (let exponent = -4; exponent <= 4; exponent += 1) {
    for (const step of [1, 1.5, 2, 3, 5, 7]) steps.push(Number((step * 10 ** exponent).toPrecision(2)));
  }
  steps.push(0.8, 0.9, 0.95, 1.05, 1.1, 1.2);
  return [1, ...steps].filter((tick) => tick >= low && tick <= high); // 1 comes first: it is the baseline
}

const percent = (share) => `${Number((100 * share).toPrecision(2))} %`;
const times = (value) => `${value.toFixed(value < 0.095 ? 3 : 2)}x`;

function forest(found, width) {
  const modes = found.modes.filter((mode) => Object.keys(mode.ratios).length && mode.kind !== "void");
  if (!modes.length) return [];
  const ratios = [1 - found.delta, 1 + found.delta, ...modes.flatMap((mode) => [...Object.values(mode.ratios), mode.low, mode.high].filter(Boolean))];
  const [low, high] = [Math.min(...ratios) / 1.08, Math.max(...ratios) * 1.08];
  const x = (ratio) => LEFT + ((width - LEFT - 12) * Math.log(ratio / low)) / Math.log(high / low);
  const bottom = modes.length * ROW;
  const height = bottom + 56;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img" });
  picture.setAttribute("aria-label", modes.map((mode) => mode.sentence).join("; "));
  picture.append(svg("rect", { class: "band", x: x(1 - found.delta), width: x(1 + found.delta) - x(1 - found.delta), y: 0, height: bottom }));
  const taken = [];
  for (const tick of ticks(low, high)) {
    if (x(tick) < LEFT + 8 || taken.some((other) => Math.abs(other - x(tick)) < 48)) continue;
    taken.push(x(tick));
    picture.append(svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: 0, y2: bottom }));
    picture.append(svg("text", { class: "soft", x: x(tick), y: bottom + 17, "text-anchor": "middle" }, `${tick}x`));
  }
  picture.append(svg("line", { class: "one", x1: x(1), x2: x(1), y1: 0, y2: bottom }));
  picture.append(svg("text", { class: "soft", x: width - 12, y: bottom + 36, "text-anchor": "end" }, `server CPU per GiB, as a multiple of ${found.baseline}`));
  picture.append(svg("text", { class: "soft", x: width - 12, y: bottom + 52, "text-anchor": "end" }, "(log axis; left is cheaper)"));
  modes.forEach((mode, at) => picture.append(...modeRow(mode, at * ROW + ROW / 2, x, width)));
  return [picture];
}

function modeRow(mode, y, x, width) {
  const colour = `var(${modeStyle(mode.mode).colour})`;
  const parts = [svg("text", { x: LEFT - 12, y: y + 4, "text-anchor": "end" }, mode.mode)];
  for (const [round, ratio] of Object.entries(mode.ratios)) {
    const dot = svg("circle", { cx: x(ratio), cy: y + 15, r: 4, "fill-opacity": 0.55 });
    dot.style.fill = colour;
    dot.append(svg("title", {}, `round ${round}: ${times(ratio)}`));
    parts.push(dot);
  }
  if (mode.low) {
    const bar = svg("line", { x1: x(mode.low), x2: x(mode.high), y1: y, y2: y, "stroke-width": 4, "stroke-linecap": "round" });
    bar.style.stroke = colour;
    parts.push(bar);
  }
  const at = x(mode.ratio);
  const diamond = svg("path", { d: `M${at - 7} ${y}L${at} ${y - 7}L${at + 7} ${y}L${at} ${y + 7}Z` });
  diamond.style.fill = colour;
  const text = mode.low ? `${times(mode.ratio)} [${mode.low.toFixed(2)}, ${mode.high.toFixed(2)}] ±${percent(mode.half_width)}` : `median ${times(mode.ratio)}, no interval yet`;
  const anchor = at < (LEFT + width) / 2 ? "start" : "end";
  return [...parts, diamond, svg("text", { class: "estimate", x: at, y: y - 12, "text-anchor": anchor }, text)];
}

/** How many rounds there are, how narrow the intervals are to be, and what disturbed. */
function rounds({ rounds: count, planned, precision, stolen, stands }, running) {
  const most = running ? ` of ${planned} at most` : "";
  const aim = precision ? `; aim ±${percent(precision)}` : "";
  const steal = stolen ? `; steal above 2 % in ${stolen} of them${stands ? "; they stand" : ""}` : "";
  return `${count} ${count === 1 ? "round" : "rounds"}${most}${aim}${steal}`;
}

function verdict(mode) {
  const sign = make("span", { className: `sign ${mode.kind}`, ariaHidden: "true" }, SIGNS[mode.kind] ?? "–");
  return make("li", {}, sign, make("span", { className: "sentence" }, mode.sentence));
}

let last = null;

export function show(state) {
  const campaign = state.campaign;
  byId("campaign").hidden = !campaign;
  if (!campaign) return;
  last = campaign;
  const { found } = campaign;
  const running = campaign.state === "running";
  showText(byId("campaign-title"), `Campaign ${campaign.run}${found && found.question === "paced" ? ", paced" : ""}`);
  byId("campaign-progress").value = campaign.done_share;
  byId("campaign-progress").hidden = !running;
  const ended = { done: "done", failed: "failed", stopped: "stopped: complete rounds are kept" }[campaign.state];
  showText(byId("campaign-left"), running ? (campaign.left_s === null ? "" : `about ${duration(campaign.left_s)} left`) : ended ?? "");
  const step = running ? state.preparing ?? campaign.step : "";
  showText(byId("campaign-text"), [step, found ? rounds(found, running) : ""].filter(Boolean).join(" · "));
  showText(byId("campaign-error"), campaign.error);
  refill(byId("campaign-verdicts"), found?.modes.map((mode) => mode.sentence) ?? [], () => (found?.modes ?? []).map(verdict));
  refill(byId("campaign-ranking"), found?.ranking ?? [], () => (found?.ranking ?? []).map((line) => make("li", {}, line)));
  const cautions = [...(campaign.warning ? [`caution: ${campaign.warning}`] : []), ...(found?.cautions ?? [])];
  refill(byId("campaign-cautions"), cautions, () => cautions.map((text) => make("li", { className: text.split(":")[0] }, text)));
  byId("may-change").hidden = !running;
  drawForest();
  showReport(state, campaign);
}

function drawForest() {
  const element = byId("forest");
  const width = Math.max(300, element.clientWidth);
  const found = last?.found;
  refill(element, [found?.modes ?? [], width], () => (found ? forest(found, width) : []));
  byId("forest-how").hidden = !element.firstChild;
}

function showReport(state, campaign) {
  const run = campaign.run;
  const waiting = state.reports.waiting.includes(run);
  const over = campaign.state !== "running";
  const refused = state.reports.refused[run];
  refill(byId("campaign-report"), [run, over, waiting, refused, campaign.error], () => {
    if (!over || (campaign.state === "failed" && !campaign.found)) return [];
    if (waiting) return ["The report is being built …"];
    if (refused) return [`No report: ${refused}`];
    return [reportLink(run, "Open the report")];
  });
}

export function begin() {
  new ResizeObserver(drawForest).observe(byId("forest"));
}
