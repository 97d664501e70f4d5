// The points that this page holds: as many as the bench keeps.
//
// Its rule: fine points for the last minutes, coarse ones for the hour; new points replace the oldest.
import { FACTS } from "./base.js";

const COLUMN = Object.fromEntries(FACTS.columns.map((name, index) => [name, index]));
const MACHINE = Object.fromEntries(FACTS.machine_columns.map((name, index) => [name, index]));
const EMPTY = { t: 0, p: {}, m: [] };

let fine = [];
let coarse = [];
let last = [-1, -1];
let epoch = null;

/** What to ask the bench for next. */
export const query = () => `fine=${last[0]}&coarse=${last[1]}&epoch=${epoch ?? ""}`;

export function take(points) {
  if (points.epoch !== epoch) {
    fine = [];
    coarse = [];
    epoch = points.epoch;
  }
  fine = [...fine, ...points.fine].slice(-FACTS.fine_points);
  coarse = [...coarse, ...points.coarse].slice(-FACTS.coarse_points);
  last = points.last;
}

export const oldest = () => (coarse[0] ?? fine[0] ?? EMPTY).t;
export const newest = () => fine.at(-1) ?? EMPTY;

/** The points of a range, the densest available, and one on either side, so that lines reach the edges. */
export function between(from, to) {
  const dense = fine.length && fine[0].t <= from + 1;
  const older = dense ? [] : coarse.filter((point) => !fine.length || point.t < fine[0].t);
  const all = to - from > 900 ? [...coarse, ...fine.filter((point) => !coarse.length || point.t > coarse.at(-1).t)] : [...older, ...fine];
  let first = all.findIndex((point) => point.t >= from);
  first = first < 0 ? all.length : Math.max(0, first - 1);
  let end = all.length;
  while (end > first + 1 && all[end - 2].t >= to) end -= 1;
  return all.slice(first, end);
}

export const ofProcess = (point, name, column) => point.p[name]?.[COLUMN[column]] ?? null;
export const ofMachine = (point, column) => point.m[MACHINE[column]] ?? null;

/** The mean of the known values of the last two seconds. */
export function now(name, column) {
  const known = fine.slice(-4).map((point) => ofProcess(point, name, column)).filter((value) => value !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
}

/** The modes that received bytes in these points. */
export function busy(points) {
  const names = new Set();
  for (const { p } of points) for (const name in p) if (p[name][COLUMN.received] > 0) names.add(name);
  return names;
}
