// A copy of this page whose answers open with a code. Its rule: what is locked is encrypted, not only out of sight.
const ITERATIONS = 600000; // of PBKDF2 with SHA-256, as OWASP's password storage cheat sheet advises
const LOCKED = ".reveal > .answer, .whole > .answer";
const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const textOf = (bytes) => btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));

async function keyOf(code, salt) {
  const given = await crypto.subtle.importKey("raw", new TextEncoder().encode(code.trim()), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  return crypto.subtle.deriveKey(how, given, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
async function locked(code) {
  const copy = pristine.cloneNode(true);
  const answers = [...copy.querySelectorAll(LOCKED)];
  const plain = new TextEncoder().encode(JSON.stringify(answers.map((answer) => answer.innerHTML)));
  for (const answer of answers) answer.innerHTML = "<p>Locked: your teacher has the code.</p>";
  for (const gone of copy.querySelectorAll(".teachers, .report-link")) gone.remove();
  const salt = crypto.getRandomValues(new Uint8Array(16)), iv = crypto.getRandomValues(new Uint8Array(12));
  const hidden = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(code, salt), plain));
  copy.querySelector(".unlock").dataset.answers = [salt, iv, hidden].map(textOf).join(" ");
  return `<!doctype html>\n${copy.outerHTML}`;
}
async function unlocked(form) {
  const [salt, iv, hidden] = form.dataset.answers.split(" ").map(bytesOf);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await keyOf(form.code.value, salt), hidden);
  const answers = JSON.parse(new TextDecoder().decode(plain));
  document.querySelectorAll(LOCKED).forEach((answer, place) => { answer.innerHTML = answers[place]; });
  form.hidden = true;
  questions.forEach(tell);
}
// crypto.subtle is missing where a page comes by plain HTTP from another host.
const failed = (error) => (crypto.subtle ? error.message || "That is not the code." : "This needs a page that was opened as a file, or comes by HTTPS.");

const unlock = document.querySelector(".unlock");
unlock.hidden = !unlock.dataset.answers;
unlock.addEventListener("submit", async (event) => {
  event.preventDefault();
  try { await unlocked(unlock); } catch (error) { unlock.querySelector("[role=status]").textContent = failed(error); }
});
document.querySelector(".lock")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const told = document.querySelector(".saved");
  try {
    const url = URL.createObjectURL(new Blob([await locked(event.target.code.value)], { type: "text/html" }));
    const saved = Object.assign(document.createElement("a"), { href: url, download: `students-${score.dataset.run}-locked.html` });
    saved.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    told.textContent = `Saved as ${saved.download}. Keep the code: nobody can open the answers without it.`;
  } catch (error) { told.textContent = failed(error); }
});
