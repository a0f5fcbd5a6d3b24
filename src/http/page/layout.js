// Where the entries of a space-time diagram stand, from their vector clocks alone.

const columnsMax = 48;

/**
 * Lanes for nodes, columns so that every entry stands right of all it knew of, and an arrow from
 * an entry to the first of another node that knew of it, unless a third told it on the way.
 */
export function layout(entries) {
  const events = entries
    .map((entry) => ({ ...entry, key: `${entry.node}:${entry.number}` }))
    .sort((a, b) => sum(a.clock) - sum(b.clock) || a.node.localeCompare(b.node));
  const lanes = new Map();
  const byKey = new Map();
  const arrows = [];
  for (const event of events) {
    const lane = lanes.get(event.node) ?? [];
    lanes.set(event.node, lane);
    const previous = lane.at(-1);
    const sources = sourcesOf(event, previous, lanes);
    event.column = 1 + Math.max(-1, ...[previous, ...sources].map((known) => known?.column ?? -1));
    for (const source of sources) arrows.push({ from: source, to: event });
    lane.push(event);
    byKey.set(event.key, event);
  }
  const last = Math.max(0, ...events.map(({ column }) => column));
  const first = Math.max(0, last - columnsMax + 1);
  const shown = events.filter(({ column }) => column >= first);
  for (const event of shown) event.column -= first;
  const names = laneOrder([...lanes.keys()], arrows);
  for (const event of shown) event.lane = names.indexOf(event.node);
  return {
    lanes: names,
    columns: last - first + 1,
    events: shown,
    arrows: arrows.filter(({ from, to }) => shown.includes(from) && shown.includes(to)),
  };
}

/** The newest drawn entry of each other node that this one knows of and none before it did. */
function sourcesOf(event, previous, lanes) {
  const found = [];
  for (const [node, lane] of lanes) {
    if (node === event.node) continue;
    const newest = lane.findLast(({ number }) => number <= (event.clock[node] ?? 0));
    if (newest && newest.number > (previous?.clock[node] ?? 0)) found.push(newest);
  }
  return found.filter((source) =>
    !found.some((other) => other !== source && (other.clock[source.node] ?? 0) >= source.number)
  );
}

/** By name, but who has most arrows stands in the middle: lines then cross least. */
function laneOrder(names, arrows) {
  const ends = (name) =>
    arrows.filter(({ from, to }) => [from.node, to.node].includes(name)).length;
  const sorted = names.toSorted();
  if (sorted.length < 3) return sorted;
  const hub = sorted.reduce((best, name) => ends(name) > ends(best) ? name : best);
  const others = sorted.filter((name) => name !== hub);
  return others.toSpliced(Math.floor(others.length / 2), 0, hub);
}

function sum(clock) {
  return Object.values(clock).reduce((total, count) => total + count, 0);
}
