/** The node itself: its status, an operator's readmission of a peer, and the health checks. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { mismatchJson, mismatchSchema } from "./mismatches.ts";
import { linkStates } from "./node_api.ts";
import type { NodeApi, NodeStatus } from "./node_api.ts";
import { problem, problems } from "./problem.ts";
import {
  clockSchema,
  emptyBodyIsNone,
  jsonOf,
  nameSchema,
  operatorBody,
  operatorDefault,
} from "./schema.ts";

export function addStatusRoutes(app: OpenAPIHono, node: NodeApi): void {
  app.openapi(statusRoute, async (c) => c.json(statusJson(await node.status()), 200));

  app.openapi(peerRoute, async (c) => {
    const { name } = c.req.valid("param");
    const introduction = await node.introduction(name);
    if (introduction) {
      const { certificate, voucher } = introduction;
      return c.json(
        { name, certificate: certificate.toBase64(), voucher: voucher.toBase64() },
        200,
      );
    }
    return problem(c, 404, "peer_not_found", `No peer "${name}" is known to ${node.name}`);
  });

  app.openapi({ ...readmitRoute, middleware: emptyBodyIsNone }, async (c) => {
    const { name } = c.req.valid("param");
    const { by = operatorDefault } = c.req.valid("json");
    const answer = await node.readmit(name, by);
    switch (answer) {
      case "readmitted":
        return c.json({ readmitted: name }, 200);
      case "unknown":
        return problem(c, 404, "peer_not_found", `No peer "${name}" is known to ${node.name}`);
      case "linked": {
        const detail = `"${name}" is linked to ${node.name}, which has nothing to take back: ` +
          "readmit it where it is refused";
        return problem(c, 409, "peer_linked", detail);
      }
      default:
        return answer satisfies never;
    }
  });

  app.openapi(healthRoute, (c) => c.json({ status: "ok" } as const, 200));
  app.openapi(readyRoute, (c) => {
    const why = node.whyNotReady();
    if (why === undefined) return c.json({ status: "ready" } as const, 200);
    return problem(c, 503, "not_ready", `${node.name} cannot take payments yet: ${why}`);
  });
}

export function statusJson(status: NodeStatus): z.infer<typeof statusSchema> {
  return {
    name: status.name,
    role: status.role,
    ready: status.whyNotReady === undefined,
    notReady: status.whyNotReady,
    network: status.network,
    epoch: status.epoch,
    clock: Object.fromEntries(status.clock),
    peers: status.peers.map(({ name, address, link }) => ({ name, address, link })),
    open: status.open,
    inDoubt: status.inDoubt,
    longestDoubt: Math.floor(status.longestDoubtMs / 1_000),
    clockOffset: status.clockOffsetMs === undefined ? undefined : status.clockOffsetMs / 1_000,
    committed: status.committed,
    aborted: status.aborted,
    throughput: status.throughput,
    latency: { p50ms: status.latencyMs.p50, p99ms: status.latencyMs.p99 },
    mismatches: status.mismatches.map(mismatchJson),
    alarms: [...status.alarms],
  };
}

const count = z.number().int();

const statusSchema = z.object({
  name: z.string(),
  role: z.enum(["coordinator", "participant"]),
  ready: z.boolean().openapi({ description: "Whether it takes payments" }),
  notReady: z.string().optional().openapi({ description: "Why it takes none" }),
  network: z.string().openapi({ description: "SHA-256 of the network's CA certificate" }),
  epoch: z.string(),
  clock: clockSchema,
  peers: z.array(
    z.object({ name: z.string(), address: z.string(), link: z.enum(linkStates) }),
  ),
  open: count.openapi({ description: "Payments under way" }),
  inDoubt: count.openapi({ description: "Of these, prepared here with the decision unknown" }),
  longestDoubt: count.openapi({
    description: "For how long the first of those has been so, seconds",
  }),
  clockOffset: z.number().optional().openapi({
    description:
      "A participant's clock minus its coordinator's, as the last decision showed, seconds",
  }),
  committed: count,
  aborted: count,
  throughput: z.number().openapi({
    description: "Payments decided a second, over the last ten seconds",
  }),
  latency: z.object({ p50ms: z.number().nullable(), p99ms: z.number().nullable() }),
  mismatches: z.array(mismatchSchema).openapi({
    description: "Forced decisions that the real ones contradict, not acknowledged by any operator",
  }),
  alarms: z.array(z.string()).openapi({
    description:
      "Things that should never happen and did, newest last, each once with how often it " +
      "was raised; of a forced decision until it turns out to be the real one, or an operator " +
      "acknowledges that it was not",
  }),
}).openapi("Status");

const statusRoute = createRoute({
  method: "get",
  path: "/v1/status",
  summary: "What the node knows, and has on disk",
  responses: { 200: jsonOf("Its status", statusSchema), ...problems(401, 421) },
});

const peerRoute = createRoute({
  method: "get",
  path: "/v1/peers/{name}",
  summary: "By what a node is known: this one, or a peer",
  request: { params: z.object({ name: nameSchema }) },
  responses: {
    200: jsonOf(
      "Both in base64, checked when they came",
      z.object({
        name: z.string(),
        certificate: z.string().openapi({ description: "X.509 (DER), signed by the network's CA" }),
        voucher: z.string().openapi({
          description: "Signed by the certificate's key, for those by which it signs and opens",
        }),
      }),
    ),
    ...problems(400, 401, 404, 421),
  },
});

const readmitRoute = createRoute({
  method: "post",
  path: "/v1/peers/{name}/readmit",
  summary: "Take back a peer refused for amnesia",
  request: { params: z.object({ name: nameSchema }), body: operatorBody },
  responses: {
    200: jsonOf("Taken back, and recorded", z.object({ readmitted: z.string() })),
    ...problems(400, 401, 404, 409, 413, 415, 421),
  },
});

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  summary: "Whether the node answers",
  security: [],
  responses: { 200: jsonOf("It does", z.object({ status: z.literal("ok") })), ...problems(421) },
});

const readyRoute = createRoute({
  method: "get",
  path: "/readyz",
  summary: "Whether the node takes payments",
  security: [],
  responses: {
    200: jsonOf("It does", z.object({ status: z.literal("ready") })),
    ...problems(421, 503),
  },
});
