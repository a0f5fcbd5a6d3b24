// The space-time diagram: a lane a node, an entry a point, an arrow where knowledge went over.

import { compareClocks } from "./clocks.js";
import { byId, element, fill, setText, svgElement, withIds } from "./elements.js";
import { layout } from "./layout.js";

const columnPx = 46;
const lanePx = 84;
const marginPx = 28;
const radiusPx = 9;
const entriesKept = 80;

let entries = new Map();
let drawn = layout([]);
/** Keys of the picked entries, at most two. */
let picks = [];
let focused;

export function setUp() {
  const space = byId("space");
  space.addEventListener("keydown", onKey);
  space.addEventListener("click", ({ target }) => {
    const key = target.closest("[data-key]")?.dataset.key;
    if (key) pick(key);
  });
  space.addEventListener("focusin", ({ target }) => {
    focused = target.dataset.key;
    rove();
    describe();
  });
  space.addEventListener("focusout", ({ relatedTarget }) => {
    // From one entry to another: a pressed mouse must find the entry still there when released.
    if (space.contains(relatedTarget)) return;
    focused = undefined;
    describe();
    follow();
  });
  byId("clear").addEventListener("click", clear);
  describe();
}

export function addEntries(fresh) {
  // The node counts from 1 again when it starts anew.
  const newest = Math.max(0, ...[...entries.values()].map(({ sequence }) => sequence));
  if (fresh.length > 0 && fresh[0].sequence <= newest && fresh.at(-1).sequence < newest) {
    entries = new Map();
  }
  for (const entry of fresh) entries.set(`${entry.node}:${entry.number}`, entry);
  entries = new Map([...entries].slice(-entriesKept));
  follow();
}

/** While somebody compares, nothing moves away under the pointer. */
function follow() {
  if (picks.length > 0 || focused !== undefined) return;
  drawn = layout([...entries.values()]);
  draw();
}

function draw() {
  const { lanes, columns, events, arrows } = drawn;
  fill(byId("lanes"), lanes, (name) => element("span", { class: "lane" }, name));
  const width = Math.max(1, columns - 1) * columnPx + 2 * marginPx;
  const height = lanes.length * lanePx;
  const svg = svgElement(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, class: "spacetime" },
    svgElement("defs", {}, arrowHead()),
    ...lanes.map((_, lane) => laneLine(lane, width)),
    ...arrows.map(arrow),
    ...events.map(point),
  );
  const space = byId("space");
  space.replaceChildren(svg);
  space.scrollLeft = space.scrollWidth;
  rove();
}

const xOf = ({ column }) => marginPx + column * columnPx;
const yOf = ({ lane }) => lane * lanePx + lanePx / 2;

function laneLine(lane, width) {
  const y = yOf({ lane });
  return svgElement("line", { class: "line", x1: 0, x2: width, y1: y, y2: y });
}

function arrowHead() {
  const path = svgElement("path", { d: "M0 0L7 3.5L0 7z", class: "head" });
  const box = { markerWidth: 7, markerHeight: 7, refX: 6.5, refY: 3.5, orient: "auto" };
  return svgElement("marker", { id: "head", ...box }, path);
}

function arrow({ from, to }) {
  const [dx, dy] = [xOf(to) - xOf(from), yOf(to) - yOf(from)];
  const length = Math.hypot(dx, dy);
  const at = (end, sign) => [
    xOf(end) + sign * dx / length * (radiusPx + 3),
    yOf(end) + sign * dy / length * (radiusPx + 3),
  ];
  const [x1, y1] = at(from, 1);
  const [x2, y2] = at(to, -1);
  return svgElement("line", { class: "arrow", x1, y1, x2, y2, "marker-end": "url(#head)" });
}

function point(event) {
  const [x, y] = [xOf(event), yOf(event)];
  const size = 40;
  return svgElement(
    "g",
    {
      class: "point",
      role: "button",
      tabindex: "-1",
      "data-key": event.key,
      "aria-label": nameOf(event) + (event.what ? `, ${event.what}` : ""),
      "aria-pressed": "false",
    },
    svgElement("rect", {
      class: "target",
      x: x - size / 2,
      y: y - size / 2,
      width: size,
      height: size,
      rx: 10,
    }),
    svgElement("circle", { cx: x, cy: y, r: radiusPx }),
    svgElement("text", { x, y: y + radiusPx + 14, "aria-hidden": "true" }, String(event.number)),
  );
}

const nameOf = ({ node, number }) => `${node} entry ${number}`;
const eventOf = (key) => drawn.events.find((event) => event.key === key);
const pointOf = (key) => byId("space").querySelector(`[data-key="${CSS.escape(key)}"]`);

/** One entry at a time is in the order of the Tab key; arrows move on from it. */
function rove() {
  const key = focused ?? picks.at(-1) ?? drawn.events.at(-1)?.key;
  for (const made of byId("space").querySelectorAll(".point")) {
    made.setAttribute("tabindex", made.dataset.key === key ? "0" : "-1");
  }
}

function onKey(pressed) {
  const from = focused && eventOf(focused);
  if (pressed.key === "Escape") return clear();
  if (!from) return;
  if (pressed.key === "Enter" || pressed.key === " ") {
    pressed.preventDefault();
    return pick(from.key);
  }
  const to = neighbour(from, pressed.key);
  if (!to) return;
  pressed.preventDefault();
  pointOf(to.key).focus();
}

function neighbour(from, key) {
  const lane = drawn.events.filter((event) => event.lane === from.lane)
    .sort((a, b) => a.column - b.column);
  const at = lane.indexOf(from);
  switch (key) {
    case "ArrowLeft":
      return lane[at - 1];
    case "ArrowRight":
      return lane[at + 1];
    case "Home":
      return lane[0];
    case "End":
      return lane.at(-1);
    case "ArrowUp":
      return nearest(from, -1);
    case "ArrowDown":
      return nearest(from, 1);
  }
}

function nearest(from, step) {
  const others = drawn.events.filter(({ lane }) => lane === from.lane + step);
  const distance = ({ column }) => Math.abs(column - from.column);
  return others.toSorted((a, b) => distance(a) - distance(b))[0];
}

function pick(key) {
  if (picks.includes(key)) picks = picks.filter((other) => other !== key);
  else picks = picks.length === 2 ? [key] : [...picks, key];
  mark();
  describe();
  if (picks.length === 0) follow();
}

function clear() {
  const wasOnButton = document.activeElement === byId("clear");
  picks = [];
  mark();
  describe();
  follow();
  if (wasOnButton) byId("space").querySelector('[tabindex="0"]')?.focus();
}

/** Shows the past, the future and what is concurrent of the entry picked last. */
function mark() {
  const last = picks.length > 0 ? eventOf(picks.at(-1)) : undefined;
  for (const made of byId("space").querySelectorAll(".point")) {
    const event = eventOf(made.dataset.key);
    const isPicked = picks.includes(event.key);
    made.setAttribute("aria-pressed", String(isPicked));
    made.dataset.relation = isPicked
      ? "picked"
      : last
      ? compareClocks(event.clock, last.clock)
      : "";
  }
}

function describe() {
  const [first, second] = picks.map(eventOf);
  byId("clear").hidden = !first;
  fill(byId("picks"), [about(focused ? eventOf(focused) : second ?? first)], withIds);
  setText(byId("verdict"), verdict(first, second));
}

function about(event) {
  if (!event) return "";
  const knows = Object.entries(event.clock).filter(([node]) => node !== event.node)
    .map(([node, number]) => `${node} ${number}`);
  const what = event.what ? `: ${event.what}` : "";
  return `${nameOf(event)}${what}; knows ${knows.join(", ") || "of no other"}`;
}

function verdict(first, second) {
  if (!first) return "";
  if (!second) return `${nameOf(first)} is picked. Pick another.`;
  const [a, b] = [nameOf(first), nameOf(second)];
  switch (compareClocks(first.clock, second.clock)) {
    case "before":
      return `${a} happened before ${b}.`;
    case "after":
      return `${a} happened after ${b}.`;
    default:
      return `${a} and ${b} are concurrent: neither knew of the other.`;
  }
}
