// Filters, search, sort, colors: what a person does with the page.

(() => {
  const tools = byId("tools");
  const matches = {
    all: () => true,
    car: (row) => row.n !== null,
    text: (row) => row.text,
    neither: (row) => row.kind === "neither",
    failed: (row) => row.failure !== null,
  };
  const last = (value) => value ?? -1;
  const orders = {
    name: null, // as the page was written: in natural order
    confidence: (one, other) => last(other.car) - last(one.car) || one.index - other.index,
    time: (one, other) => (one.a?.[0] ?? Infinity) - (other.a?.[0] ?? Infinity) || one.index - other.index,
  };

  for (const label of tools.querySelectorAll(".filters label")) {
    const found = rows.filter(matches[label.querySelector("input").value]).length;
    label.querySelector("b").textContent = found.toLocaleString("en");
  }

  function remember(filter, query, sort) {
    const state = new URLSearchParams();
    if (filter !== "all") state.set("show", filter);
    if (query) state.set("search", query);
    if (sort !== "name") state.set("sort", sort);
    try {
      history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
    } catch {
      // A browser may forbid this to a page from disk; then the address stays as it is.
    }
  }

  function apply() {
    performance.mark("filter-start");
    const form = new FormData(tools);
    const [filter, sort] = [form.get("filter"), form.get("sort")];
    const query = form.get("query").trim();
    const wanted = squeezed(query);
    const tight = spaceless(wanted);
    const found = rows.filter((row) => matches[filter](row) &&
      (!wanted || row.haystack.includes(wanted) || (tight && row.haystack.includes(tight))));
    if (orders[sort]) found.sort(orders[sort]);
    gallery.show(found.map((row) => row.index));
    byId("status").textContent = found.length === 0 ? (rows.length ? "Nothing matches." : "There are no images.")
      : found.length === rows.length ? count(rows.length, "image")
        : `${found.length.toLocaleString("en")} of ${count(rows.length, "image")}`;
    remember(filter, query, sort);
    performance.measure("filter", "filter-start");
  }

  const given = new URLSearchParams(location.hash.slice(1));
  if (Object.hasOwn(matches, given.get("show"))) tools.elements.filter.value = given.get("show");
  if (Object.hasOwn(orders, given.get("sort"))) tools.elements.sort.value = given.get("sort");
  tools.elements.query.value = given.get("search") ?? "";

  gallery.onOpen = (position) => dialog.open(position);
  gallery.onPoint = (row) => timeline.highlight(row);
  tools.addEventListener("input", apply);
  tools.addEventListener("submit", (event) => {
    event.preventDefault();
    gallery.focus(0);
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], select");
    if (event.key === "/" && !typing && !byId("dialog").open && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      tools.elements.query.focus();
    }
    if (event.key === "Escape" && event.target === tools.elements.query && event.target.value) {
      event.preventDefault();
      event.target.value = "";
      apply();
    }
  });

  timeline.home.addEventListener("pointermove", (event) => {
    const span = timeline.spanAt(event);
    timeline.highlight(span?.row ?? null);
    timeline.home.title = span ? span.row.key : "";
    timeline.home.classList.toggle("pointing", Boolean(span));
  });
  timeline.home.addEventListener("pointerleave", () => timeline.highlight(null));
  timeline.home.addEventListener("click", (event) => {
    const span = timeline.spanAt(event);
    const position = span ? gallery.order.indexOf(span.row.index) : -1;
    if (position >= 0) dialog.open(position);
  });

  const colors = document.querySelectorAll("input[name=theme]");
  const paint = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  let kept = null;
  try {
    kept = localStorage.getItem("carscribe-theme");
  } catch {
    // Pages from disk may have no storage.
  }
  for (const input of colors) {
    if (input.value === kept) {
      input.checked = true;
      paint(kept);
    }
    input.addEventListener("change", () => {
      paint(input.value);
      try {
        localStorage.setItem("carscribe-theme", input.value);
      } catch {
        // As above.
      }
    });
  }

  apply();
  performance.mark("ready");
})();
