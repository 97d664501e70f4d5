// The live page: polls the bench once a second, and shows its state.
//
// Its rule: the page shows the bench's state and has none of its own, so that two browsers see the same.
import * as archive from "./archive.js";
import * as ask from "./ask.js";
import * as campaign from "./campaign.js";
import * as charts from "./charts.js";
import * as modes from "./modes.js";
import * as points from "./points.js";
import { FACTS, byId, showText } from "./base.js";

const EVERY_MS = 1000; // points come twice a second: drawing each of them alone would cost the machine twice as much

function doing(state) {
  switch (state.doing) {
    case "load": return `a load is running: ${state.users} ${state.users === 1 ? "user" : "users"}`;
    case "campaign": return "a campaign is running";
    case "preparing": return state.preparing;
    default: return "ready";
  }
}

function show(state) {
  byId("doing").className = `doing ${state.doing}`;
  if (byId("doing-text").textContent !== doing(state)) byId("doing-text").textContent = doing(state);
  showText(byId("trouble"), state.trouble ?? "");
  byId("per-round").hidden = state.doing !== "campaign";
  byId("limit").hidden = !charts.loadIsFull();
  for (const part of [modes, ask, campaign, archive]) part.show(state);
}

async function poll() {
  const began = performance.now();
  try {
    const response = await fetch(`${FACTS.prefix}/poll?${points.query()}`, { cache: "no-store" });
    if (response.redirected || response.status === 401) return location.reload(); // the login has ended
    if (!response.ok) throw new Error(`the bench answered ${response.status}`);
    const answer = await response.json();
    points.take(answer.points);
    show(answer.state);
    charts.advance();
  } catch (error) {
    byId("doing").className = "doing lost";
    byId("doing-text").textContent = "the bench does not answer";
    if (!(error instanceof TypeError)) console.error(error);
  }
  setTimeout(next, Math.max(0, EVERY_MS - (performance.now() - began)));
}

function next() {
  if (document.hidden) document.addEventListener("visibilitychange", poll, { once: true }); // a hidden page costs nothing
  else poll();
}

charts.begin();
modes.begin(ask.showBaseline);
ask.begin();
campaign.begin();
archive.begin();
next();
