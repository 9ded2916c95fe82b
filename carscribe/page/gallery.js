// The cards. Up to EAGER all are in the document; of more, those near the window are.

const gallery = (() => {
  const EAGER = 300;
  const MARGIN = 900; // pixels above and below the window that are kept ready
  const list = byId("gallery");
  let order = [];
  let cards = new Map(); // position in the order -> list item
  let range = [0, 0];
  let columns = 1;
  let pitch = 320; // from one row to the next
  let current = 0; // the position that the Tab key reaches
  let everything = false; // for print
  let onOpen = () => {};
  let onPoint = () => {};

  function card(position) {
    const row = rows[order[position]];
    const { frame } = picture(row);
    const button = make("button", { type: "button", className: `card ${row.kind}`, tabindex: position === current ? 0 : -1 },
      frame,
      make("span", { className: "caption" },
        make("bdi", { className: "key" }, row.key),
        make("span", { className: "finding" }, finding(row))),
      make("span", { className: "reading" }, ...reading(row)));
    const item = make("li", { "aria-setsize": order.length, "aria-posinset": position + 1 }, button);
    item.dataset.position = position;
    return item;
  }

  function measure() {
    const item = list.querySelector("li");
    if (!item) return;
    const style = getComputedStyle(list);
    columns = style.gridTemplateColumns.split(" ").length;
    pitch = item.getBoundingClientRect().height + parseFloat(style.rowGap);
  }

  function wanted() {
    if (everything || order.length <= EAGER) return [0, order.length];
    const top = -list.getBoundingClientRect().top;
    const lines = Math.ceil(order.length / columns);
    const first = Math.min(Math.max(Math.floor((top - MARGIN) / pitch), 0), lines);
    const last = Math.max(Math.min(Math.ceil((top + innerHeight + MARGIN) / pitch), lines), first);
    return [first * columns, Math.min(last * columns, order.length)];
  }

  function refresh() {
    if (cards.size === 0 && order.length) {
      // One card tells how large the others are.
      list.classList.toggle("all", order.length <= EAGER);
      list.append(card(0));
      measure();
      list.replaceChildren();
    }
    const [from, to] = wanted();
    list.classList.toggle("all", order.length <= EAGER);
    const focused = list.contains(document.activeElement);
    const kept = new Map();
    for (let position = from; position < to; position += 1) kept.set(position, cards.get(position) ?? card(position));
    const same = from === range[0] && to === range[1] && cards.size === kept.size;
    if (!same) {
      for (const [position, item] of cards) if (!kept.has(position)) item.remove();
      let after = null;
      for (const [position, item] of [...kept].reverse()) {
        if (!cards.has(position)) list.insertBefore(item, after);
        after = item;
      }
    }
    cards = kept;
    range = [from, to];
    const lines = Math.ceil(order.length / columns);
    list.style.paddingTop = `${(from / columns) * pitch}px`;
    list.style.paddingBottom = `${(lines - Math.ceil(to / columns)) * pitch}px`;
    // The Tab key must find a card, though the current one has been scrolled away.
    if (to > from && (current < from || current >= to)) {
      move(Math.min(Math.max(current, from), to - 1), focused);
    }
  }

  function move(position, focus) {
    cards.get(current)?.firstElementChild.setAttribute("tabindex", -1);
    current = position;
    const button = cards.get(current)?.firstElementChild;
    button?.setAttribute("tabindex", 0);
    if (focus) button?.focus({ preventScroll: true });
  }

  /** Bring a card into the window, draw it, and put the focus on it. */
  function focus(position) {
    if (!order.length) return;
    const target = Math.min(Math.max(position, 0), order.length - 1);
    const top = list.getBoundingClientRect().top + Math.floor(target / columns) * pitch;
    const above = byId("tools").getBoundingClientRect().height + 16;
    if (top < above) scrollBy(0, top - above);
    else if (top + pitch > innerHeight) scrollBy(0, top + pitch - innerHeight);
    refresh();
    move(target, true);
  }

  const steps = {
    ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns, ArrowDown: () => columns,
    Home: () => -order.length, End: () => order.length,
  };
  const positionOf = (target) => {
    const item = target.closest?.("li");
    return item ? Number(item.dataset.position) : null;
  };
  list.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const target = current + steps[event.key]();
    const vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
    if (!vertical || (target >= 0 && target < order.length)) focus(target);
  });
  list.addEventListener("click", (event) => {
    const position = positionOf(event.target);
    if (position === null) return;
    move(position, false);
    onOpen(position);
  });
  const point = (event) => {
    const position = positionOf(event.target);
    onPoint(position === null ? null : rows[order[position]]);
  };
  list.addEventListener("pointerover", point);
  list.addEventListener("focusin", (event) => {
    const position = positionOf(event.target);
    if (position !== null && position !== current) move(position, false);
    point(event);
  });
  list.addEventListener("pointerleave", () => onPoint(null));
  list.addEventListener("focusout", () => onPoint(null));

  let pending = false;
  function soon() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      refresh();
    });
  }
  addEventListener("scroll", soon, { passive: true });
  let width = 0;
  new ResizeObserver(() => {
    if (list.clientWidth === width) return;
    width = list.clientWidth;
    measure();
    soon();
  }).observe(list);
  addEventListener("beforeprint", () => {
    everything = true;
    refresh();
  });
  addEventListener("afterprint", () => {
    everything = false;
    refresh();
  });

  return {
    focus,
    get order() { return order; },
    set onOpen(handler) { onOpen = handler; },
    set onPoint(handler) { onPoint = handler; },
    /** Show these rows, in this order. */
    show(indexes) {
      order = indexes;
      cards = new Map();
      range = [0, 0];
      current = 0;
      list.replaceChildren();
      list.style.paddingTop = list.style.paddingBottom = "0px";
      refresh();
    },
  };
})();
