// After esbuild: writes ../flames.LICENSE.txt, the licences of every package whose code the bundle carries (esbuild's
// metafile), and into the bundle what it was made from, so that a test can tell when it is out of date.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const inputs = Object.keys(JSON.parse(readFileSync("meta.json", "utf8")).inputs);
const packages = new Set(inputs.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean));
const texts = [...packages].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  return `${name} ${version} (${license})\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`;
});
writeFileSync("../flames.LICENSE.txt", texts.join(`\n${"-".repeat(80)}\n\n`));

const sources = [...readdirSync(".").filter((name) => name.endsWith(".js")).sort(), "package.json", "package-lock.json"].map((name) => readFileSync(name));
const digest = createHash("sha256").update(Buffer.concat(sources)).digest("hex");
writeFileSync("../flames.js", `/* bundled by make assets from sources with sha256 ${digest} */\n${readFileSync("../flames.js", "utf8")}`);
