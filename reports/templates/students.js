// Keeps the guesses, holds each against the answer when that is shown, and counts. Without this script the answers can
// still be opened.
const pristine = document.documentElement.cloneNode(true); // before any guess: what students_lock.js locks
const questions = [...document.querySelectorAll(".question")];
const score = document.querySelector(".score");
const NEAR = 1.25; // a guess of a ratio within this factor counts

const nameOf = (question) => question.querySelector("input").name;
const guessOf = (question) => question.querySelector("input:checked, input[type=number]")?.value || "";
const answerOf = (question) => question.querySelector(".said"); // none while it is locked

// kept: guesses by name, and the names of the questions whose answers were shown.
let kept = { guesses: {}, shown: [] };
function keep() {
  try {
    localStorage.setItem(score.dataset.kept, JSON.stringify(kept));
  } catch {
    score.querySelector(".keeping").textContent = "This browser does not keep them: copy the line before you leave.";
  }
}
function restore() {
  try {
    kept = { ...kept, ...JSON.parse(localStorage.getItem(score.dataset.kept)) };
  } catch { /* nothing can be kept, as keep() will say, or it is not ours */ }
  for (const question of questions) {
    const guess = kept.guesses[nameOf(question)];
    if (guess === undefined) continue;
    for (const input of question.querySelectorAll("input")) {
      if (input.type === "number") input.value = guess; else input.checked = input.value === guess;
    }
  }
}

// [whether the guess was right: true, false, or null where nothing can be compared, and a sentence]
function judged(question) {
  const guess = guessOf(question);
  const { right, ratio: measured } = answerOf(question).dataset;
  if (!guess) return [null, "You did not guess."];
  if (right) return guess === right ? [true, `✓ You said ${guess}; that is right.`] : [false, `✗ You said ${guess}; the answer is ${right}.`];
  if (!measured) return [null, `You said ${guess}; this was not measured.`];
  const [ratio, low, high] = measured.split(" ").map(Number);
  const near = guess > 0 && Math.max(guess / ratio, ratio / guess) <= NEAR;
  if (guess >= low && guess <= high) return [true, `✓ You said ${guess}, which is inside the measured interval.`];
  if (near) return [true, `✓ You said ${guess}; ${ratio.toFixed(2)} was measured, so that is near enough.`];
  return [false, `✗ You said ${guess}, which is ${guess < ratio ? "less" : "more"} than ${Number.isNaN(low) ? "the median of the rounds" : "the measured interval"}.`];
}
// The guess as a ring on the strip, whose axis is logarithmic (reports/charts/interval_strip.py).
function point(svg, guess) {
  if (!svg || !(guess > 0)) return;
  const { low, high } = svg.dataset, [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const share = Math.min(1, Math.max(0, Math.log(guess / low) / Math.log(high / low)));
  const ring = svg.querySelector("circle") || svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "circle"));
  for (const [name, value] of Object.entries({ class: "guess", cx: 4 + share * (width - 8), cy: height / 2, r: 5 })) ring.setAttribute(name, value);
}

function tell(question) {
  if (!question.querySelector(".reveal").open || !answerOf(question)) return;
  if (!kept.shown.includes(nameOf(question))) kept.shown.push(nameOf(question));
  keep();
  follow();
}
function follow() {
  const results = questions.map((question) => {
    const shown = kept.shown.includes(nameOf(question)) && answerOf(question);
    question.querySelector("fieldset").disabled = Boolean(shown);
    if (!shown) return [question, guessOf(question) ? "guessed" : "to guess"];
    const [right, sentence] = judged(question);
    answerOf(question).textContent = sentence;
    if (answerOf(question).dataset.ratio) point(question.querySelector("svg.strip"), Number(guessOf(question)));
    return [question, right === null ? "–" : right ? "✓" : "✗"];
  });
  const right = results.filter(([, mark]) => mark === "✓").length;
  const looked = results.filter(([, mark]) => "–✓✗".includes(mark)).length;
  score.querySelector(".total").textContent = `${right} of ${questions.length} right${looked < questions.length ? `; ${questions.length - looked} not looked at yet` : ""}`;
  score.querySelector(".marks").replaceChildren(...results.map(([question, mark]) => {
    return Object.assign(document.createElement("li"), { textContent: `${question.dataset.label}: ${mark}` });
  }));
  // Read by reports/students/guesses.py.
  const line = { zero_copy_guesses: 1, run: score.dataset.run, guesses: kept.guesses, right, asked: questions.length };
  score.querySelector(".line-out").value = JSON.stringify(line);
}

score.hidden = false;
restore();
for (const question of questions) {
  question.querySelector(".reveal").addEventListener("toggle", () => tell(question));
  question.addEventListener("input", () => {
    kept.guesses[nameOf(question)] = guessOf(question);
    keep();
    follow();
  });
}
score.querySelector(".copy").addEventListener("click", ({ target }) => {
  const line = score.querySelector(".line-out");
  line.select();
  target.textContent = document.execCommand("copy") ? "Copied" : "Copy it with Ctrl-C"; // navigator.clipboard asks, or is missing
});
score.querySelector(".again").addEventListener("click", () => {
  kept = { guesses: {}, shown: [] };
  keep();
  for (const question of questions) {
    question.querySelector(".reveal").open = false;
    for (const input of question.querySelectorAll("input")) if (input.type === "number") input.value = ""; else input.checked = false;
    question.querySelector("circle.guess")?.remove();
  }
  follow();
});
follow();
