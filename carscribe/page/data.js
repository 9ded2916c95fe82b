// What the page was given, and how its words and numbers are made.

const byId = (id) => document.getElementById(id);
const run = JSON.parse(byId("run").textContent);
const rows = JSON.parse(byId("rows").textContent);
const pairs = run.pairs ?? [{ pair: 1, worker_a: run.worker_a, worker_b: run.worker_b }];
const nameOf = (worker, pair) => worker.toUpperCase() + (pair > 1 ? `-${pair}` : "");
const BLOCK = 48; // thumbnails in one block, as the page was written

/** Make an element. Texts go in as text, never as markup. */
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === "className") element.className = value;
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make an element of SVG. */
function draw(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const count = (number, one, many) =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many ?? one + "s"}`;

/** Never rounded up: what is below a threshold must not read as if it had reached it. */
function percent(value) {
  const tenths = Math.floor(value * 10 + 1e-6) / 10;
  if (tenths % 10 === 0 && value - tenths >= 0.01) return value.toFixed(2); // 90.04 is not 90.0
  return value === 100 ? "100" : tenths.toFixed(1);
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`;
}

const dollars = (value) => `$${value.toFixed(value < 1 ? 3 : 2)}`;

/** What an image is, for the filters. A car with text is a car too. */
function kind(row) {
  if (row.failure) return "failed";
  if (row.n === null) return "neither";
  return row.text ? "text" : "car";
}

const squeezed = (text) => text.normalize("NFKC").toLowerCase();
const spaceless = (text) => text.replace(/\s+/g, "");
let earliest = Infinity;
rows.forEach((row, index) => {
  row.index = index;
  row.kind = kind(row);
  const words = squeezed([row.key, ...row.lines.map((line) => line[0])].join("\n"));
  // A plate is found however its spaces were read.
  row.haystack = `${words}\n${spaceless(words)}`;
  for (const span of [row.a, row.b]) if (span) earliest = Math.min(earliest, span[0]);
});
if (!Number.isFinite(earliest)) earliest = 0;
for (const row of rows) for (const span of [row.a, row.b]) if (span) span[0] -= earliest;

/** The thumbnails stand in blocks at the end of the page; each is decoded when it is wanted. */
const thumbnails = {
  blocks: new Map(),
  waiting: [],
  show(image, index) {
    const number = Math.floor(index / BLOCK);
    if (!this.blocks.has(number)) {
      const element = byId(`thumbnails-${number}`);
      // While the page is still being read, its last block may be there in part only.
      if (document.readyState === "loading") return void this.waiting.push([image, index]);
      this.blocks.set(number, element ? JSON.parse(element.textContent) : []);
    }
    const data = this.blocks.get(number)[index % BLOCK];
    if (data) image.src = `data:image/webp;base64,${data}`;
    else image.dispatchEvent(new Event("missing"));
  },
  flush() {
    for (const [image, index] of this.waiting.splice(0)) this.show(image, index);
  },
};
document.addEventListener("DOMContentLoaded", () => thumbnails.flush());
