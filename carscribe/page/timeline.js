// Two lanes over one clock: each call of each worker, and where both are at work.

const timeline = (() => {
  const HEAD = 24; // the name above a lane
  const GAP = 10;
  const TRACK = 15;
  const AXIS = 26;
  const home = byId("lanes");
  const lanes = ["a", "b"].map((worker) => {
    const spans = rows.filter((row) => row[worker]).map((row) => ({
      row, start: row[worker][0], end: row[worker][0] + row[worker][1],
    })).sort((one, other) => one.start - other.start);
    const tracks = []; // the end of the last call in each track
    for (const span of spans) {
      let track = tracks.findIndex((end) => end <= span.start + 0.0005);
      if (track < 0) track = tracks.push(0) - 1;
      tracks[track] = span.end;
      span.track = track;
    }
    return {
      worker, spans, tracks: Math.max(tracks.length, 1),
      start: spans.length ? spans[0].start : null,
      end: spans.reduce((latest, span) => Math.max(latest, span.end), 0),
    };
  });
  const [a, b] = lanes;
  const HEIGHT = Math.min(Math.max(Math.max(a.tracks, b.tracks) * TRACK, 2 * TRACK), 80);
  const FULL = 2 * (HEAD + HEIGHT) + GAP;
  const topOf = (lane) => HEAD + (lane === a ? 0 : HEAD + HEIGHT + GAP);
  const end = Math.max(a.end, b.end, 0.001);
  const both = a.spans.length && b.spans.length
    ? [Math.max(a.start, b.start), Math.min(a.end, b.end)] : null;
  let mark = null;
  let scale = 1;

  function say() {
    if (!a.spans.length) return "No image was looked at.";
    if (!b.spans.length) return "Worker B had nothing to read: there was no image with a car.";
    const first = Math.min(...b.spans.map((span) => span.end));
    if (first >= a.end) return `Worker B read its first text ${duration(first - a.end)} after worker A had looked at its last image.`;
    return `Worker B had read its first text ${duration(a.end - first)} before worker A looked at its last image. ` +
      `Both were at work at the same time for ${duration(both[1] - both[0])} of ${duration(end)}.`;
  }

  function ticks(width) {
    const least = (end / width) * 90;
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
    const step = steps.find((candidate) => candidate >= least) ?? Math.ceil(least / 21600) * 21600;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const found = [];
    for (let at = 0; at <= end * 1.0001; at += step) {
      const minutes = `${Math.floor(Math.round(at) / 60)}:${String(Math.round(at) % 60).padStart(2, "0")}`;
      found.push([at, step >= 60 || end > 600 ? minutes : at.toFixed(digits)]);
    }
    found[found.length - 1][1] += step >= 60 || end > 600 ? " min" : " s";
    return found;
  }

  const place = (span, lane) => {
    const pitch = HEIGHT / lane.tracks;
    const height = Math.min(pitch > 3 ? pitch - 1 : pitch, TRACK - 1);
    const top = topOf(lane) + span.track * Math.min(pitch, TRACK);
    const left = span.start * scale;
    return [left, top, Math.max((span.end - span.start) * scale, 1), height];
  };

  const styleOf = (row, worker) => {
    if (row.failure && row.failure[0] === worker) return "failed";
    return (worker === "a" ? row.n !== null : row.text) ? "hit" : "miss";
  };

  function redraw() {
    const width = home.clientWidth;
    if (!width) return;
    scale = (width - 2) / end;
    const svg = draw("svg", { viewBox: `0 0 ${width} ${FULL + AXIS}`, width, height: FULL + AXIS, role: "img", "aria-labelledby": "timeline-text" });
    if (both && both[1] > both[0]) {
      svg.append(draw("rect", { class: "both", x: both[0] * scale, y: 0, width: (both[1] - both[0]) * scale, height: FULL + 6 }));
    }
    for (const [at, text] of ticks(width)) {
      const x = Math.round(at * scale) + 0.5;
      svg.append(draw("path", { class: "tick", d: `M${x} 0V${FULL + 6}` }));
      const label = draw("text", { class: "label", x, y: FULL + 21, "text-anchor": at === 0 ? "start" : x > width - 40 ? "end" : "middle" });
      label.textContent = text;
      svg.append(label);
    }
    for (const [lane, name] of [[a, "A looks for cars"], [b, "B reads texts"]]) {
      const title = draw("text", { class: `lane ${lane.worker}`, x: 0, y: topOf(lane) - 8 });
      title.textContent = name;
      svg.append(title);
      const paths = { miss: [], hit: [], failed: [] };
      for (const span of lane.spans) {
        const [x, y, w, h] = place(span, lane);
        paths[styleOf(span.row, lane.worker)].push(`M${x.toFixed(2)} ${y.toFixed(2)}h${w.toFixed(2)}v${h.toFixed(2)}h${(-w).toFixed(2)}z`);
      }
      for (const [name, parts] of Object.entries(paths)) {
        if (parts.length) svg.append(draw("path", { class: `span ${lane.worker} ${name}`, d: parts.join("") }));
      }
    }
    mark = draw("path", { class: "mark", d: "" });
    svg.append(mark);
    home.replaceChildren(svg);
  }

  function highlight(row) {
    if (!mark) return;
    const parts = [];
    for (const lane of lanes) {
      const span = row && lane.spans.find((candidate) => candidate.row === row);
      if (!span) continue;
      const [x, y, w, h] = place(span, lane);
      parts.push(`M${x - 1} ${y - 1}h${w + 2}v${h + 2}h${-w - 2}z`);
    }
    mark.setAttribute("d", parts.join(""));
  }

  function spanAt(event) {
    const frame = home.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const lane = y < topOf(b) - HEAD ? a : b;
    let best = null;
    let least = 12 ** 2;
    for (const span of lane.spans) {
      const [left, top, width, height] = place(span, lane);
      const dx = Math.max(left - x, 0, x - left - width);
      const dy = Math.max(top - y, 0, y - top - height);
      if (dx * dx + dy * dy < least) [best, least] = [span, dx * dx + dy * dy];
    }
    return best;
  }

  function explain() {
    const shown = [["a hit", "car"], ["a miss", "no car"], ["b hit", "text"], ["b miss", "no text that counts"]];
    if (rows.some((row) => row.failure)) shown.push(["failed", "failed"]);
    if (both && both[1] > both[0]) shown.push(["both", "both at work"]);
    for (const [name, text] of shown) {
      const svg = draw("svg", { width: 12, height: 12, "aria-hidden": "true" });
      svg.append(draw("rect", { class: name === "both" ? name : `span ${name}`, width: 12, height: 12, rx: 2 }));
      byId("legend").append(make("li", {}, svg, text));
    }
  }

  byId("timeline-title").textContent = both && both[1] > both[0] ? `${pairs.length > 1 ? 2 * pairs.length : "Two"} workers at once` : pairs.length > 1 ? "The workers" : "The two workers";
  byId("timeline-text").textContent = say();
  if (a.spans.length) explain();
  new ResizeObserver(redraw).observe(home);
  redraw();
  return { highlight, spanAt, home };
})();
