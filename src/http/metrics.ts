/** `/metrics`: the node in Prometheus' text format, version 0.0.4. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import config from "../../deno.json" with { type: "json" };
import type { LinkState, NodeApi, NodeStatus } from "./node_api.ts";
import { linkStates } from "./node_api.ts";
import { problems } from "./problem.ts";

export function addMetricsRoute(app: OpenAPIHono, node: NodeApi): void {
  app.openapi(metricsRoute, async (c) => {
    const text = metricsText(await node.status());
    return c.text(text, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

const metricsRoute = createRoute({
  method: "get",
  path: "/metrics",
  summary: "The node in Prometheus' text format; on a loopback address open to all",
  responses: {
    200: { description: "Its figures", content: { "text/plain": { schema: z.string() } } },
    ...problems(401, 421),
  },
});

function metricsText(status: NodeStatus): string {
  const { role } = status;
  const linksIn = (state: LinkState) => status.peers.filter(({ link }) => link === state).length;
  const entries = status.clock.get(status.name) ?? 0;
  return [
    ...metric("node_info", "gauge", "The node; always 1", [
      [`{name="${status.name}",role="${role}",version="${config.version}"}`, 1],
    ]),
    ...metric("payments_total", "counter", "Payments decided since the node started", [
      ['{outcome="committed"}', status.committed],
      ['{outcome="aborted"}', status.aborted],
    ]),
    ...metric("payments_open", "gauge", "Payments under way", [["", status.open]]),
    ...metric("payments_in_doubt", "gauge", "Prepared here with the decision unknown", [
      ["", status.inDoubt],
    ]),
    ...metric("longest_doubt_seconds", "gauge", "For how long the first of those has been so", [
      ["", status.longestDoubtMs / 1_000],
    ]),
    ...metric("forced", "gauge", "Forced by an operator here, with the real decision unknown", [
      ["", status.forced],
    ]),
    ...status.clockOffsetMs === undefined ? [] : metric(
      "clock_offset_seconds",
      "gauge",
      "The node's clock minus its coordinator's, as the last decision showed",
      [["", status.clockOffsetMs / 1_000]],
    ),
    ...metric("mismatches", "gauge", "Forced decisions found wrong and not acknowledged", [
      ["", status.mismatches.length],
    ]),
    ...metric("links", "gauge", "Peers known, by the state of their link", [
      ...linkStates.map((state): Sample => [`{state="${state}"}`, linksIn(state)]),
    ]),
    ...metric("log_entries_total", "counter", "Entries of the node's log", [["", entries]]),
    ...metric("log_records_total", "counter", "Records made durable since the node started", [
      ["", status.written.records],
    ]),
    ...metric("log_bytes_total", "counter", "Of the entries they stand in", [
      ["", status.written.logBytes],
    ]),
    ...status.dataFreeBytes === undefined ? [] : metric(
      "data_free_bytes",
      "gauge",
      "Free on the disk of the data folder; a full disk stops the node",
      [["", status.dataFreeBytes]],
    ),
    ...metric("link_bytes_total", "counter", "Of frames sent to peers since the node started", [
      ["", status.written.linkBytes],
    ]),
    ...metric("alarms", "gauge", "Things that should never happen and did, the latest", [
      ["", status.alarms.length],
    ]),
    ...certificate(status),
    ...metric("revocation_list", "gauge", "Number of the CA's list of revoked certificates", [
      ["", status.revocationList ?? 0],
    ]),
    ...latency(status),
    "",
  ].join("\n");
}

type Sample = readonly [suffix: string, value: number];

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  const full = `handfast_${name}`;
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} ${type}`,
    ...samples.map(([suffix, value]) => `${full}${suffix} ${value}`),
  ];
}

function certificate({ certificateEndsMs }: NodeStatus): string[] {
  if (certificateEndsMs === undefined) return [];
  const help = "When the node's own certificate ends, in Unix time";
  return metric("certificate_not_after_seconds", "gauge", help, [["", certificateEndsMs / 1_000]]);
}

function latency({ role, latencies: { boundsMs, counts, sumMs } }: NodeStatus): string[] {
  let below = 0;
  const buckets = counts.map((count, at): Sample => {
    below += count;
    const boundMs = boundsMs[at];
    return [`_bucket{le="${boundMs === undefined ? "+Inf" : boundMs / 1000}"}`, below];
  });
  const help = role === "participant"
    ? "From a user's request to its answer"
    : "From an order to its decision, of a sample";
  return metric("payment_seconds", "histogram", help, [
    ...buckets,
    ["_sum", sumMs / 1000],
    ["_count", below],
  ]);
}
