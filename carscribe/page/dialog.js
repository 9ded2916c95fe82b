// One image, large, with all that is known of it.

const dialog = (() => {
  const element = byId("dialog");
  let position = 0;

  function table(row, pictured) {
    const body = make("tbody");
    const line = (className, title, value, mark) => {
      const tr = make("tr", { className }, make("th", { scope: "row" }, title), make("td", {}, value));
      if (mark) {
        tr.addEventListener("pointerenter", () => mark.classList.add("lit"));
        tr.addEventListener("pointerleave", () => mark.classList.remove("lit"));
      }
      body.append(tr);
    };
    row.cars.forEach((car, index) => line("car", row.cars.length > 1 ? `Car ${index + 1}` : "Car", `${percent(car[0])} %`, pictured.cars[index]));
    row.lines.forEach((text, index) => line(text[2] ? "text" : "text unsure", make("bdi", {}, text[0]), `${percent(text[1])} %`, pictured.texts[index]));
    const caption = row.lines.length ? "Found in this image, with its confidence" : "Found in this image";
    return body.children.length
      ? make("table", {}, make("caption", { className: "hidden" }, caption), body) : null;
  }

  function facts(row, pictured) {
    const parts = [make("p", { className: "finding" }, finding(row))];
    if (row.failure) parts.push(make("p", { className: "detail" }, row.failure[2], ` (worker ${nameOf(row.failure[0], row.pair)})`));
    else if (row.n === null && row.car !== null) parts.push(make("p", { className: "detail" }, "A car has to be more certain than this."));
    else if (row.n !== null && !row.read) parts.push(make("p", { className: "detail" }, `Worker ${nameOf("b", row.pair)} has not read this image.`));
    else if (row.n !== null && !row.lines.length) parts.push(make("p", { className: "detail" }, "There is no text on it."));
    parts.push(table(row, pictured));
    if (row.lines.some((line) => !line[2])) parts.push(make("p", { className: "detail" }, "A dashed box is a text too unsure to count."));
    const times = make("p", { className: "times" });
    if (row.a) times.append(`${row.a[0].toFixed(2)} s into the run, worker ${nameOf("a", row.pair)} looked for ${row.a[1].toFixed(2)} s.`);
    if (row.b) times.append(` At ${row.b[0].toFixed(2)} s worker ${nameOf("b", row.pair)} read for ${row.b[1].toFixed(2)} s.`);
    if (row.n !== null) times.append(` Message ${row.n} of this run.`);
    parts.push(times);
    return parts.filter(Boolean);
  }

  function show(target) {
    position = target;
    const row = rows[gallery.order[position]];
    const pictured = picture(row);
    pictured.frame.classList.add("large");
    byId("dialog-picture").replaceChildren(pictured.frame);
    byId("dialog-title").replaceChildren(make("bdi", {}, row.key));
    byId("dialog-place").textContent = `${(position + 1).toLocaleString("en")} of ${gallery.order.length.toLocaleString("en")}`;
    byId("dialog-facts").replaceChildren(...facts(row, pictured));
    byId("dialog-previous").disabled = position === 0;
    byId("dialog-next").disabled = position === gallery.order.length - 1;
    timeline.highlight(row);
  }

  function step(by) {
    const target = position + by;
    if (target >= 0 && target < gallery.order.length) show(target);
  }

  byId("dialog-previous").addEventListener("click", () => step(-1));
  byId("dialog-next").addEventListener("click", () => step(1));
  byId("dialog-close").addEventListener("click", () => element.close());
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  element.addEventListener("close", () => {
    timeline.highlight(null);
    gallery.focus(position);
  });
  return {
    open(target) {
      show(target);
      element.showModal();
    },
  };
})();
