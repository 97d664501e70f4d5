// The forest plot follows what is chosen: baseline, metric and modes. All intervals come from reports/charts/explorer.py.
document.querySelectorAll(".choosing").forEach(choosing);
async function choosing(place) {
  const all = JSON.parse(place.querySelector("script.all").textContent);
  const figure = place.querySelector("figure");
  const form = place.querySelector(".choose form"); // a chart has a form of its own
  const [declaredMetric] = Object.keys(all.metrics);
  const declared = await specification(figure);
  const caption = figure.querySelector("figcaption");
  const said = place.querySelector(".chosen");
  place.querySelector("details.choose").hidden = false;

  const rowsOf = (spec, name) => spec.datasets[spec.layer.find((layer) => layer.name === name).data.name];
  const isDeclared = ({ baseline, metric }) => baseline === all.baseline && metric === declaredMetric;
  // As declared: the report's own rows. Else plain intervals, and no band, since only the declared metric has a δ.
  function rows(choice) {
    const { baseline, metric, modes } = choice;
    if (isDeclared(choice)) {
      const shown = ({ mode }) => modes.includes(mode);
      return { band: rowsOf(declared, "band"), dots: rowsOf(declared, "dots").filter(shown), estimates: rowsOf(declared, "estimates").filter(shown) };
    }
    const values = all.values[metric];
    const compared = all.compared[metric][baseline];
    const known = modes.filter((mode) => compared[mode]);
    const estimates = known.map((mode) => {
      const [ratio, low, high, text] = compared[mode];
      return { mode, ratio, text, ...(low === null ? {} : { low, high }) };
    });
    const dots = known.flatMap((mode) => all.rounds.flatMap((round, index) => {
      const ratio = values[mode][index] / values[baseline][index];
      return ratio > 0 && ratio < Infinity ? [{ mode, round, ratio, text: `${ratio.toPrecision(3)}x` }] : [];
    }));
    return { band: [], dots, estimates };
  }

  function following(choice, chosen) {
    const spec = structuredClone(declared);
    const { band, dots, estimates } = chosen;
    const ratios = [1, ...band.flatMap(({ low, high }) => [low, high]), ...dots.map(({ ratio }) => ratio)];
    const domain = [Math.min(...ratios) / 1.08, Math.max(...ratios) * 1.08];
    const middle = Math.sqrt(domain[0] * domain[1]);
    const axis = { values: ticks(...domain) };
    if (!isDeclared(choice)) axis.title = [`${all.metrics[choice.metric]}, as a multiple of`, `${choice.baseline} (log axis)`];
    for (const row of estimates) row.align = row.ratio < middle ? "left" : "right";
    for (const layer of spec.layer) {
      const { x, y } = layer.encoding;
      if (chosen[layer.name]) spec.datasets[layer.data.name] = chosen[layer.name];
      if (x.scale) Object.assign(x.scale, { domain });
      if (x.axis) Object.assign(x.axis, axis);
      if (y) y.sort = estimates.map(({ mode }) => mode);
    }
    spec.height = Math.max(1, estimates.length) * declared.height / rowsOf(declared, "estimates").length;
    spec.description = `Ratios of ${all.metrics[choice.metric]} to ${choice.baseline}. ${estimates.map(({ mode, text }) => `${mode} ${text}`).join("; ")}`;
    return spec;
  }

  function follow() {
    const given = new FormData(form);
    const choice = { baseline: given.get("baseline"), metric: given.get("metric"), modes: given.getAll("mode") };
    choice.modes = choice.modes.filter((mode) => mode !== choice.baseline);
    const asDeclared = isDeclared(choice);
    const chosen = rows(choice);
    draw(figure, following(choice, chosen));
    caption.hidden = !asDeclared;
    const what = `${all.metrics[choice.metric]} relative to ${choice.baseline}`;
    const missing = choice.modes.filter((mode) => !chosen.estimates.some((row) => row.mode === mode));
    const unknown = missing.length ? ` Zero or unknown: ${missing.join(", ")}.` : "";
    said.textContent = asDeclared ? "" : `! exploratory: ${what}. Plain 95 % intervals, not corrected for multiple comparisons; no verdict.${unknown}`;
  }
  form.addEventListener("input", follow);
  form.addEventListener("reset", () => setTimeout(follow)); // when the fields have their first values again
}
// Round numbers on a logarithmic axis, as reports/charts/theme.py has them.
function ticks(low, high) {
  const inside = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent += 1) {
    inside.push(...[1, 2, 5].map((step) => Number((step * 10 ** exponent).toPrecision(3))).filter((tick) => tick >= low && tick <= high));
  }
  if (inside.length >= 3) return inside;
  const tenth = 10 ** Math.floor(Math.log10((high - low) / 5));
  const step = tenth * [1, 2, 5, 10].find((factor) => 5 * factor * tenth >= high - low);
  const even = [];
  for (let tick = Math.ceil(low / step); tick <= Math.floor(high / step); tick += 1) even.push(Number((tick * step).toPrecision(6)));
  return even;
}
