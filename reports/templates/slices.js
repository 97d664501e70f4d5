// The slices of one round, drawn when they are asked for (reports/sections/raw_cells.py packs them).
document.querySelectorAll("details.slices").forEach((place) => place.addEventListener("toggle", () => slices(place), { once: true }));
async function slices(place) {
  const { modes, colours, rows } = await unpacked(place.querySelector("script").textContent, "json");
  const [choice, lanes, body] = ["select", ".lanes", "tbody"].map((name) => place.querySelector(name));
  const make = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const short = (value) => (value === null ? "unknown" : Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }));
  function show() {
    const shown = rows.filter(([round]) => round === Number(choice.value));
    const begin = Math.min(...shown.map((row) => row[3]));
    const whole = Math.max(...shown.map((row) => row[3] + row[4])) - begin;
    body.replaceChildren(...shown.map(([, number, mode, started, lasted, cycles, received, failures, cpu, client, steal]) => {
      const line = make("tr", "");
      const perGib = cpu === null ? null : cpu / received * 2 ** 30;
      const cells = [modes[mode], started.toFixed(2), lasted.toFixed(3), cycles, received.toLocaleString("en"), failures, short(cpu), short(client), short(steal), short(perGib)];
      line.append(make("th", number), ...cells.map((text) => make("td", text)));
      return line;
    }));
    lanes.replaceChildren(...modes.map((name, mode) => {
      const lane = make("div", "");
      lane.append(make("span", name), make("div", ""));
      for (const [, number, , started, lasted] of shown.filter((row) => row[2] === mode)) {
        const bar = make("i", "");
        Object.assign(bar.style, { left: `${100 * (started - begin) / whole}%`, width: `${100 * lasted / whole}%`, background: colours[mode] });
        bar.title = `slice ${number}`;
        lane.lastChild.append(bar);
      }
      return lane;
    }));
  }
  choice.addEventListener("change", show);
  show();
}
