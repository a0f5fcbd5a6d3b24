// Throughput and latency over time, drawn by uPlot, which is loaded before as a global.

import { byId } from "./elements.js";

const secondsShown = 300;
const heightPx = 180;
/** The node measures every second, and what was measured of a longer pause it does not tell. */
const gapMs = 5_000;

let samples = [];
/** Of those that have something to show. */
let charts = [];

export function addSamples(fresh) {
  const since = Date.now() - secondsShown * 1000;
  const newest = samples.at(-1)?.at ?? 0;
  samples = [...samples, ...fresh.filter(({ at }) => at > newest)].filter(({ at }) => at >= since);
  draw();
}

/** Again from nothing: colours and widths are read when a chart is made. */
export function remake() {
  for (const { plot } of charts) plot.destroy();
  charts = [];
  draw();
}

function draw() {
  const isWanted = {
    throughput: samples.some(({ throughput }) => throughput > 0),
    latency: samples.some(({ p50 }) => p50 !== null),
  };
  for (const [id, make] of Object.entries({ throughput: throughputChart, latency: latencyChart })) {
    byId(id).hidden = !isWanted[id];
    byId(`no${id}`).hidden = isWanted[id];
    const known = charts.find((chart) => chart.id === id);
    if (known && isWanted[id]) known.plot.setData(dataOf(known.columns));
    else if (known) drop(known);
    // Without width the page shows something else.
    else if (byId(id).clientWidth > 0) charts.push(make());
  }
  if (samples.length > 0) label();
}

function drop(chart) {
  chart.plot.destroy();
  charts = charts.filter((other) => other !== chart);
}

function dataOf(columns) {
  const rows = withGaps(samples);
  return [
    rows.map(({ at }) => at / 1000),
    ...columns.map((name) => rows.map((row) => row[name] ?? null)),
  ];
}

/** An empty sample wherever nothing was measured, so that no line is drawn there. */
export function withGaps(samples) {
  return samples.flatMap((sample, at) => {
    const before = samples[at - 1];
    const isGap = before && sample.at - before.at > gapMs;
    return isGap ? [{ at: before.at + 1 }, sample] : [sample];
  });
}

/** What has no neighbour is on no line: it is shown as a point. Where all points are shown, null. */
function alone(plot, index, areAllShown) {
  if (areAllShown) return null;
  const values = plot.data[index];
  const isMeasured = (at) => (values[at] ?? null) !== null;
  return values.flatMap((_, at) =>
    isMeasured(at) && !isMeasured(at - 1) && !isMeasured(at + 1) ? [at] : []
  );
}

function throughputChart() {
  const accent = colour("--accent");
  const fill = colour("--accent-soft");
  return chart("throughput", ["throughput"], [{
    label: "a second",
    stroke: accent,
    fill,
    width: 2,
  }]);
}

function latencyChart() {
  return chart("latency", ["p50", "p99"], [
    { label: "p50", stroke: colour("--accent"), width: 2 },
    { label: "p99", stroke: colour("--quiet"), width: 1.5, dash: [4, 4] },
  ]);
}

function chart(id, columns, series) {
  const target = byId(id);
  const axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const options = {
    width: target.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    // Half of the last time stands beyond the plot.
    padding: [8, 28, 0, 0],
    scales: {
      x: { range: () => timeRange() },
      y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)] },
    },
    axes: [{ ...axis, size: 28, space: 80, values: (_plot, splits) => splits.map(axisText) }, {
      ...axis,
      size: 48,
    }],
    series: [{}, ...series.map((line) => ({ ...line, points: { size: 4, filter: alone } }))],
  };
  // deno-lint-ignore no-undef
  const plot = new uPlot(options, dataOf(columns), target);
  return { id, plot, columns };
}

/** At first a minute, then more, so that what there is can be seen. */
function timeRange() {
  const now = Date.now() / 1000;
  const passed = now - samples[0].at / 1000;
  return [now - Math.min(secondsShown, Math.max(60, passed)), now];
}

/** Seconds where they are needed to tell two times apart. */
function axisText(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, seconds % 60 === 0 ? 16 : 19);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function label() {
  const last = samples.at(-1);
  const most = Math.max(...samples.map(({ throughput }) => throughput));
  const about = (value) => value === null ? "not measured" : `${value.toFixed(1)} milliseconds`;
  const measured = samples.findLast(({ p50 }) => p50 !== null);
  byId("throughput").setAttribute(
    "aria-label",
    `Now ${last.throughput.toFixed(1)} payments a second, at most ${most.toFixed(1)}`,
  );
  byId("latency").setAttribute(
    "aria-label",
    `Latency p50 ${about(measured?.p50 ?? null)}, p99 ${about(measured?.p99 ?? null)}`,
  );
}
