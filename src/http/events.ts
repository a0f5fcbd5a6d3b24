/** `/v1/events`: every payment's events as a stream that resumes where it broke off. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { FormatError, messageOf } from "../errors.ts";
import { streamEventsMax } from "../limits.ts";
import { legJson } from "../protocol/order.ts";
import type { EventStream, Streams } from "./event_stream.ts";
import { eventText } from "./event_stream.ts";
import type { NodeApi, NodeEvent } from "./node_api.ts";
import { malformed, problem, problems } from "./problem.ts";

const batchEvents = 256;

export function addEventRoutes(
  app: OpenAPIHono,
  node: NodeApi,
  streams: Streams,
  onError: (line: string) => void,
): void {
  app.openapi(eventsRoute, async (c) => {
    // What a client has received last goes before where it once began.
    const after = c.req.header("last-event-id") || c.req.query("after");
    try {
      if (after !== undefined) await node.eventsAfter(after, 0);
    } catch (thrown) {
      if (!(thrown instanceof FormatError)) throw thrown;
      const field = c.req.header("last-event-id") ? "last-event-id" : "after";
      return malformed(c, [{ field, reason: "must be the id of an event of this node's log" }]);
    }
    const start = after ?? `${(await node.status()).clock.get(node.name) ?? 0}`;
    const stream = streams.open(c.req.raw);
    if (!stream) {
      const headers = { "Retry-After": "1" };
      return problem(c, 503, "overloaded", "Too many streams are open", { headers });
    }
    // An id without data: who reconnects before the first event resumes here.
    stream.send(`id: ${start}\n\n`);
    new Pump(node, stream, start).run().catch((thrown) => {
      onError(`/v1/events: ${messageOf(thrown)}`);
      stream.close();
    });
    return stream.response;
  });
}

/** Feeds one client: from the log until it has caught up, from then on what the node tells. */
class Pump {
  readonly #node: NodeApi;
  readonly #stream: EventStream;
  #pending: NodeEvent[] = [];
  #position: string;
  #isCatchingUp = true;
  /** Of what waited, since the last read of the log began. */
  #hasDropped = false;
  #wake: (() => void) | undefined;

  constructor(node: NodeApi, stream: EventStream, position: string) {
    this.#node = node;
    this.#stream = stream;
    this.#position = position;
  }

  async run(): Promise<void> {
    const unsubscribe = this.#node.subscribe((event) => this.#take(event));
    this.#stream.closed.then(() => {
      unsubscribe();
      this.#wake?.();
    });
    while (!this.#stream.isClosed) {
      if (this.#isCatchingUp) await this.#catchUp();
      else if (this.#pending.length > 0) await this.#write(this.#pending.splice(0, batchEvents));
      else await new Promise<void>((wake) => this.#wake = wake);
    }
  }

  #take(event: NodeEvent): void {
    if (this.#pending.length >= streamEventsMax) {
      // The log has it all; only a client that had caught up is too slow.
      if (!this.#isCatchingUp) return this.#stream.close();
      this.#pending = [];
      this.#hasDropped = true;
    }
    this.#pending.push(event);
    this.#wake?.();
  }

  async #catchUp(): Promise<void> {
    this.#hasDropped = false;
    const events = await this.#node.eventsAfter(this.#position, batchEvents);
    await this.#write(events);
    // Caught up where nothing was dropped meanwhile: what waits follows on what was read.
    if (events.length < batchEvents && !this.#hasDropped) this.#isCatchingUp = false;
  }

  async #write(events: readonly NodeEvent[]): Promise<void> {
    for (const event of events) {
      if (!isAfter(event.id, this.#position)) continue;
      await this.#stream.room();
      this.#stream.send(eventText(JSON.stringify(eventJson(event)), { id: event.id }));
      this.#position = event.id;
    }
  }
}

function isAfter(id: string, position: string): boolean {
  const [entry = 0, index = Infinity] = id.split(".").map(Number);
  const [entryBefore = 0, indexBefore = Infinity] = position.split(".").map(Number);
  return entry > entryBefore || (entry === entryBefore && index > indexBefore);
}

function eventJson(event: NodeEvent) {
  const { id, type, payment, transaction, code, commit, by, originator, entry } = event;
  return {
    id,
    type,
    payment,
    transaction,
    code,
    commit,
    by,
    legs: event.legs.map(legJson),
    originator,
    entry,
    clock: Object.fromEntries(event.clock),
    at: new Date(event.atMs).toISOString(),
  };
}

const eventsRoute = createRoute({
  method: "get",
  path: "/v1/events",
  summary: "Every payment's events as they become durable, as server-sent events",
  request: {
    query: z.object({
      after: z.string().optional().openapi({
        description: "Begin after the event with this id, 0 for the first; default: now",
        example: "12.0",
      }),
    }),
    headers: z.object({
      "last-event-id": z.string().optional().openapi({ description: "As after, and before it" }),
    }),
  },
  responses: {
    200: {
      description: "Events without end, each with an id and its data as JSON",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problems(400, 401, 421, 503),
  },
});
