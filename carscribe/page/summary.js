// The head of the page and the table at its end: the run in words and figures.

(() => {
  const { totals, worker_a: a, worker_b: b } = run;
  const calls = (worker, operation) => worker?.api_calls?.[`rekognition.${operation}`] ?? 0;
  const date = (text) => new Date(text);

  byId("headline").textContent = totals.images === 0 ? "There was no image in the bucket"
    : totals.with_text === 0 ? `None of ${count(totals.images, "image")} shows a car with text`
      : totals.images === 1 ? "The one image shows a car with text"
        : `${totals.with_text.toLocaleString("en")} of ${count(totals.images, "image")} ${totals.with_text === 1 ? "shows" : "show"} a car with text`;

  const starts = [a, b].filter(Boolean).map((worker) => date(worker.started_at));
  const when = byId("when");
  when.append("Run ", make("bdi", {}, run.run_id));
  if (starts.length) {
    const start = new Date(Math.min(...starts));
    const day = start.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    when.append(`, ${day}, ${start.toISOString().slice(11, 16)} UTC`);
  }

  const notice = byId("notice");
  const notices = [];
  if (run.state !== "complete") {
    const reasons = [a, b].map((worker) => worker?.reason).filter(Boolean);
    const missing = ["A", "B"].filter((_, index) => ![a, b][index]).map((name) => `There is nothing from worker ${name}.`);
    notices.push(`This run is ${run.state}.`, ...reasons, ...missing);
  }
  if (run.shown < totals.images) {
    notices.push(`This page shows the first ${run.shown.toLocaleString("en")} images; results.jsonl has all ${totals.images.toLocaleString("en")}.`);
  }
  notice.textContent = notices.join(" ");
  notice.hidden = !notices.length;

  const figure = (name, value, note) =>
    byId("figures").append(make("div", {}, make("dt", {}, name), make("dd", {}, value, note ? make("small", {}, note) : null)));
  figure("Images", totals.images.toLocaleString("en"));
  figure("Cars", totals.cars.toLocaleString("en"));
  figure("Cars with text", totals.with_text.toLocaleString("en"));
  figure("Failed", totals.failed.toLocaleString("en"));
  figure("Duration", duration(totals.seconds),
    totals.seconds > 0 && totals.images > 1 ? `${(totals.images / totals.seconds).toFixed(1)} images a second` : null);
  figure("Estimated cost", dollars(totals.estimated_cost_usd),
    count(calls(a, "DetectLabels") + calls(b, "DetectText"), "Rekognition call"));

  const table = byId("workers");
  const line = (name, of) => table.tBodies[0].append(make("tr", {}, make("th", { scope: "row" }, name),
    ...[a, b].map((worker) => make("td", {}, worker ? String(of(worker) ?? "–") : "–"))));
  table.append(
    make("caption", { className: "hidden" }, "What each worker did"),
    make("thead", {}, make("tr", {}, make("td", {}),
      make("th", { scope: "col", className: "a" }, "A", make("small", {}, "looks for cars")),
      make("th", { scope: "col", className: "b" }, "B", make("small", {}, "reads the texts")))),
    make("tbody"));
  const number = (value) => value === undefined || value === null ? null : value.toLocaleString("en");
  line("State", (worker) => worker.state);
  line("Started, UTC", (worker) => date(worker.started_at).toISOString().slice(11, 19));
  line("Duration", (worker) => duration(worker.duration_seconds));
  line("Images", (worker) => number(worker === a ? worker.images?.detected ?? worker.images?.looked : worker.images?.settled));
  line("Rekognition calls", (worker) => number(worker === a ? calls(a, "DetectLabels") : calls(b, "DetectText")));
  line("Throttled", (worker) => number(worker.throttled));
  line("Answered by", (worker) => Object.keys(worker.answers ?? {}).join(", ") || null);
  line("Rate limit", (worker) => worker.rate_per_second === undefined ? null : `${worker.rate_per_second} a second`);
  line("Estimated cost", (worker) => dollars(worker.estimated_cost_usd ?? 0));
  line("Version", (worker) => worker.version);
})();
