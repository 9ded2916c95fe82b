// The head of the page and the table at its end: the run in words and figures.

(() => {
  const { totals } = run;
  const workers = pairs.flatMap(({ pair, worker_a: a, worker_b: b }) => [
    { kind: "a", name: nameOf("a", pair), does: "looks for cars", said: a },
    { kind: "b", name: nameOf("b", pair), does: "reads the texts", said: b },
  ]);
  const known = workers.filter((worker) => worker.said);
  const calls = ({ kind, said }) => said.api_calls?.[`rekognition.${kind === "a" ? "DetectLabels" : "DetectText"}`] ?? 0;
  const date = (text) => new Date(text);

  byId("headline").textContent = totals.images === 0 ? "There was no image in the bucket"
    : totals.with_text === 0 ? `None of ${count(totals.images, "image")} shows a car with text`
      : totals.images === 1 ? "The one image shows a car with text"
        : `${totals.with_text.toLocaleString("en")} of ${count(totals.images, "image")} ${totals.with_text === 1 ? "shows" : "show"} a car with text`;

  const starts = known.map((worker) => date(worker.said.started_at));
  const when = byId("when");
  when.append("Run ", make("bdi", {}, run.run_id));
  if (starts.length) {
    const start = new Date(Math.min(...starts));
    const day = start.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    when.append(`, ${day}, ${start.toISOString().slice(11, 16)} UTC`);
  }
  if (totals.recognized_by?.length) when.append(`. Recognized by ${totals.recognized_by.join("; ")}`);

  const notice = byId("notice");
  const notices = [];
  if (run.state !== "complete") {
    const reasons = known.filter((worker) => worker.said.reason)
      .map((worker) => (pairs.length > 1 ? `Worker ${worker.name}: ` : "") + worker.said.reason);
    const missing = workers.filter((worker) => !worker.said).map((worker) => `There is nothing from worker ${worker.name}.`);
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
  const paid = totals.estimated_cost_usd !== null;
  if (paid) figure("Estimated cost", dollars(totals.estimated_cost_usd),
    count(known.reduce((sum, worker) => sum + calls(worker), 0), "Rekognition call"));

  const table = byId("workers");
  const line = (name, of) => table.tBodies[0].append(make("tr", {}, make("th", { scope: "row" }, name),
    ...workers.map((worker) => make("td", {}, worker.said ? String(of(worker.said, worker) ?? "–") : "–"))));
  table.append(
    make("caption", { className: "hidden" }, "What each worker did"),
    make("thead", {}, make("tr", {}, make("td", {}),
      ...workers.map(({ kind, name, does }) => make("th", { scope: "col", className: kind }, name, make("small", {}, does))))),
    make("tbody"));
  const number = (value) => value === undefined || value === null ? null : value.toLocaleString("en");
  line("State", (said) => said.state);
  line("Started, UTC", (said) => date(said.started_at).toISOString().slice(11, 19));
  line("Duration", (said) => duration(said.duration_seconds));
  line("Images", (said, worker) => number(worker.kind === "a" ? said.images?.detected : said.images?.settled));
  line("Rekognition calls", (said, worker) => number(calls(worker)));
  line("Throttled", (said) => number(said.throttled));
  line("Answered by", (said) => Object.keys(said.answers ?? {}).join(", ") || null);
  line("Rate limit", (said) => said.rate_per_second === undefined ? null : `${said.rate_per_second} a second`);
  if (paid) line("Estimated cost", (said) => dollars(said.estimated_cost_usd ?? 0));
  line("Version", (said) => said.version);
})();
