// An image with the boxes of its cars and texts, and the words beside it.

/** Say in words what was found. */
function finding(row) {
  if (row.failure) return "Failed";
  if (row.n === null) return row.car === null ? "No car" : `Car ${percent(row.car)} %, too unsure`;
  return `Car ${percent(row.car ?? 0)} %`;
}

function alternative(row) {
  const texts = row.lines.filter((line) => line[2]).map((line) => line[0]);
  const cars = row.cars.length;
  const seen = row.failure ? "failed" : cars ? count(cars, "car") : row.car !== null ? "a car" : "no car";
  return texts.length ? `${seen}, with the text ${texts.join(", ")}` : seen;
}

function box(svg, className, [left, top, width, height], title) {
  if (width === undefined) return null;
  const group = draw("g", { class: `box ${className}` });
  const place = { x: `${left * 100}%`, y: `${top * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` };
  group.append(draw("rect", { ...place, class: "halo" }), draw("rect", { ...place, class: "line" }));
  if (title) {
    const element = draw("title", {});
    element.textContent = title;
    group.append(element);
  }
  svg.append(group);
  return group;
}

/** Return the picture of a row. Image and boxes are fitted into the frame by the same rule. */
function picture(row) {
  const frame = make("span", { className: "frame" });
  const svg = draw("svg", { viewBox: "0 0 3 2", "aria-hidden": "true" });
  const image = make("img", { alt: alternative(row), decoding: "async" });
  image.addEventListener("load", () => {
    svg.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
    frame.classList.add("loaded");
  });
  const missing = () => {
    frame.classList.add("missing");
    image.replaceWith(make("span", { className: "blank", role: "img", "aria-label": alternative(row) },
      make("span", {}, row.failure ? row.failure[1] : "no picture")));
  };
  image.addEventListener("missing", missing);
  image.addEventListener("error", missing);
  const cars = row.cars.map((car) => box(svg, "car", car.slice(1), `Car ${percent(car[0])} %`));
  const texts = row.lines.map((line) =>
    box(svg, line[2] ? "text" : "text unsure", line.slice(3), `${line[0]} ${percent(line[1])} %`));
  frame.append(image, svg);
  thumbnails.show(image, row.index);
  return { frame, cars, texts };
}

/** Return one line of text as it may stand on a plate. */
function plate(line) {
  return make("span", { className: line[2] ? "plate" : "plate unsure" },
    make("bdi", {}, line[0]), " ", make("small", {}, percent(line[1])));
}

/** Return what stands below a picture: texts, or why there are none. */
function reading(row) {
  if (row.failure) return [make("span", { className: "none" }, row.failure[2] || `by worker ${row.failure[0].toUpperCase()}`)];
  if (row.lines.length) return row.lines.toSorted((one, other) => other[2] - one[2]).map(plate);
  if (row.n === null) return [];
  return [make("span", { className: "none" }, row.read ? "No text" : "Not read yet")];
}
