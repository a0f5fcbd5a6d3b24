// Makes elements. What comes from outside becomes text, never markup.

export const byId = (id) => document.getElementById(id);

/** An element with children: strings become text. `class` and other attributes by name. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svgElement(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** The same text set again would be read out again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Replaces children only where their data changed, so that text can be selected in peace. */
export function fill(target, data, make) {
  const text = JSON.stringify(data);
  if (target.dataset.shown === text) return;
  target.dataset.shown = text;
  target.replaceChildren(...data.flatMap(make));
}

/**
 * A row for each item, known by its `id`: made once, and shown again when the item changed. The focus
 * stays in its row; when that leaves the list, it goes to the heading instead of nowhere.
 */
export function fillRows(target, items, { make, show, heading }) {
  const focused = target.contains(document.activeElement) ? document.activeElement : undefined;
  const rows = new Map([...target.children].map((row) => [row.dataset.id, row]));
  const ids = new Set(items.map(({ id }) => id));
  for (const [id, row] of rows) if (!ids.has(id)) row.remove();
  let next = target.firstElementChild;
  for (const item of items) {
    const row = rows.get(item.id) ?? make(item);
    row.dataset.id = item.id;
    if (row === next) next = row.nextElementSibling;
    else target.insertBefore(row, next);
    const text = JSON.stringify(item);
    if (row.dataset.shown === text) continue;
    row.dataset.shown = text;
    show(row, item);
  }
  // A row that is moved loses the focus, too.
  if (!focused || document.activeElement === focused) return;
  (focused.isConnected ? focused : heading).focus({ preventScroll: true });
}

/** `-20000.00` as `-20,000.00`. */
export function grouped(decimal) {
  const [whole, fraction] = decimal.split(".");
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (fraction === undefined ? groups : `${groups}.${fraction}`).replace("-", "−");
}

/** The end of an id: ids of one minute begin alike. */
export function shortId(id) {
  return `…${id.slice(-8)}`;
}

/** Text with shortened ids that do not break before their digits. */
export function withIds(text) {
  return text.split(/(…[0-9a-f]{8})/).map((part, at) =>
    at % 2 === 1 ? element("span", { class: "id" }, part) : part
  );
}

// One format: the hours of the day as in a log, and before them the date where it may be another.
const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const date = { year: "numeric", month: "short", day: "numeric" };
const dayTime = new Intl.DateTimeFormat(undefined, time);
const fullTime = new Intl.DateTimeFormat(undefined, { ...date, ...time, timeZoneName: "short" });
const preciseTime = new Intl.DateTimeFormat(undefined, { ...time, fractionalSecondDigits: 3 });

/** A `time` element; the whole date stands in its title. */
export function timeOf(at, { precise = false } = {}) {
  const date = new Date(at);
  const text = (precise ? preciseTime : dayTime).format(date);
  return element("time", { datetime: at, title: fullTime.format(date) }, text);
}

export function fullTimeOf(at) {
  return element("time", { datetime: at }, fullTime.format(new Date(at)));
}
