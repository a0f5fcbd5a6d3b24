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

// The CLI's format, but always in UTC, as in logs: owners in several zones compare what they see.
const dateOf = (iso) => iso.slice(0, 10);
const fullText = (iso) => `${dateOf(iso)} ${iso.slice(11, 19)} UTC`;

/** Today's date: what stands in a list is made again when it changes. */
export const today = () => dateOf(new Date().toISOString());

/** The hours of the day, and before them the date where it is not today's. */
export function timeText(at, { precise = false } = {}) {
  const iso = new Date(at).toISOString();
  const time = iso.slice(11, precise ? 23 : 19);
  return dateOf(iso) === today() ? time : `${dateOf(iso)} ${time}`;
}

/** A `time` element without the zone, which stands above it; the whole time stands in its title. */
export function timeOf(at, options) {
  const iso = new Date(at).toISOString();
  return element("time", { datetime: iso, title: fullText(iso) }, timeText(iso, options));
}

export function fullTimeOf(at) {
  const iso = new Date(at).toISOString();
  return element("time", { datetime: iso }, fullText(iso));
}
