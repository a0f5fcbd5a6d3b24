/** The node itself: its status, an operator's readmission of a peer, and the health checks. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { acksToldAfterMs } from "../limits.ts";
import { mismatchJson, mismatchSchema } from "./mismatches.ts";
import { linkStates } from "./node_api.ts";
import type { NodeApi, NodeStatus, PeerMemory } from "./node_api.ts";
import { problem, problems } from "./problem.ts";
import {
  clockSchema,
  emptyBodyIsNone,
  jsonOf,
  nameSchema,
  operatorBody,
  operatorDefault,
  timeSchema,
} from "./schema.ts";

export function addStatusRoutes(app: OpenAPIHono, node: NodeApi): void {
  app.openapi(statusRoute, async (c) => c.json(statusJson(await node.status()), 200));

  app.openapi(peerRoute, async (c) => {
    const { name } = c.req.valid("param");
    const introduction = await node.introduction(name);
    if (introduction) {
      const [certificate, voucher] = [introduction.certificate, introduction.voucher]
        .map((bytes) => bytes.toBase64()) as [string, string];
      const memory = memoryJson(await node.memoryOf(name));
      return c.json({ name, certificate, voucher, ...memory }, 200);
    }
    return problem(c, 404, "peer_not_found", `No peer "${name}" is known to ${node.name}`);
  });

  app.openapi({ ...readmitRoute, middleware: emptyBodyIsNone }, async (c) => {
    const { name } = c.req.valid("param");
    const { by = operatorDefault } = c.req.valid("json");
    // Afterwards it is forgotten.
    const memory = memoryJson(await node.memoryOf(name));
    const answer = await node.readmit(name, by);
    switch (answer) {
      case "readmitted":
        return c.json({ readmitted: name, ...memory }, 200);
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
    forced: status.forced,
    clockOffset: status.clockOffsetMs === undefined ? undefined : status.clockOffsetMs / 1_000,
    unacknowledged: status.unacknowledged.map(({ participant, payments, longestMs }) => ({
      participant,
      payments,
      longest: Math.floor(longestMs / 1_000),
    })),
    committed: status.committed,
    aborted: status.aborted,
    throughput: status.throughput,
    latency: { p50ms: status.latencyMs.p50, p99ms: status.latencyMs.p99 },
    certificateNotAfter: status.certificateEndsMs === undefined
      ? undefined
      : new Date(status.certificateEndsMs).toISOString(),
    revocationList: status.revocationList,
    mismatches: status.mismatches.map(mismatchJson),
    alarms: [...status.alarms],
  };
}

function memoryJson(memory: PeerMemory | undefined): z.infer<typeof memorySchema> {
  const payments = memory?.forgotten?.payments;
  return {
    seen: memory?.seen,
    forgotten: memory?.forgotten && {
      ends: memory.forgotten.ends,
      payments: payments && {
        count: payments.count,
        all: payments.isAll,
        since: payments.sinceMs === undefined
          ? undefined
          : new Date(payments.sinceMs).toISOString(),
        among: payments.among,
      },
    },
  };
}

const count = z.number().int();

const memorySchema = z.object({
  seen: count.optional().openapi({
    description: "The number of the latest entry of its log that was seen here",
  }),
  forgotten: z.object({
    ends: count.openapi({ description: "The last entry of that log, as the peer says" }),
    payments: z.object({
      count: count.openapi({ description: "Those that the peer may lack" }),
      all: z.boolean().openapi({
        description:
          "False where there may be more: this node's log was not read further back, or one of the two logs " +
          "was lost before",
      }),
      since: timeSchema.optional().openapi({ description: "When the first of them may have been" }),
      among: count.openapi({
        description: "How many GET /v1/payments has to list to list all of them",
      }),
    }).optional().openapi({
      description:
        "Committed here since what the peer's log knows of; only where this node or the " +
        "peer is a coordinator",
    }),
  }).optional().openapi({
    description:
      "Where it was refused for amnesia since this node started: what it has come back with",
  }),
});

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
  forced: count.openapi({
    description: "Beside those in doubt: forced by an operator, the real decision unknown",
  }),
  clockOffset: z.number().optional().openapi({
    description:
      "A participant's clock minus its coordinator's, as the last decision showed, seconds",
  }),
  unacknowledged: z.array(z.object({
    participant: z.string(),
    payments: count,
    longest: count.openapi({ description: "Since the first of them was committed, seconds" }),
  })).openapi({
    description: "At a coordinator: who has not acknowledged what has been committed for longer " +
      `than ${acksToldAfterMs / 1_000} s, and so keeps it open`,
  }),
  committed: count,
  aborted: count,
  throughput: z.number().openapi({
    description: "Payments decided a second, over the last ten seconds",
  }),
  latency: z.object({ p50ms: z.number().nullable(), p99ms: z.number().nullable() }),
  certificateNotAfter: timeSchema.optional().openapi({
    description: "When the node's own certificate ends: it makes no link after that",
  }),
  revocationList: z.number().int().optional().openapi({
    description: "Number of the CA's list of revoked certificates that the node goes by",
  }),
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
      memorySchema.extend({
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
    200: jsonOf(
      "Taken back, and recorded; with what is given up by it",
      memorySchema.extend({ readmitted: z.string() }),
    ),
    ...problems(400, 401, 403, 404, 409, 413, 415, 421),
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
