import { assert, assertEquals, assertMatch } from "@std/assert";
import { Streams } from "../../src/http/event_stream.ts";
import { serveHttp } from "../../src/http/serve.ts";
import { streamEventsMax, streamMissedBeatsMax, streamsMax } from "../../src/limits.ts";
import { FakeNode, token } from "./fake_node.ts";

interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Reads a stream of events, block by block. */
class Reading {
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #abort: AbortController;
  #text = "";

  private constructor(response: Response, abort: AbortController) {
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    this.#abort = abort;
  }

  static async of(url: string, headers: Record<string, string> = {}): Promise<Reading> {
    const abort = new AbortController();
    const authorization = `Bearer ${token}`;
    const { signal } = abort;
    const response = await fetch(url, { headers: { authorization, ...headers }, signal });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    return new Reading(response, abort);
  }

  /** The next block that is no comment; nothing at the end. */
  async next(): Promise<Block | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end === -1) {
        const { value, done } = await this.#reader.read();
        if (done) return undefined;
        this.#text += value;
        continue;
      }
      const lines = this.#text.slice(0, end).split("\n");
      this.#text = this.#text.slice(end + 2);
      const fields = lines.map((line) => line.split(/: (.*)/).slice(0, 2));
      const block = Object.fromEntries(fields.filter(([name]) => name !== ""));
      if (Object.keys(block).length > 0) return block;
    }
  }

  async ids(count: number): Promise<(string | undefined)[]> {
    const ids = [];
    while (ids.length < count) ids.push((await this.next())?.id);
    return ids;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel().catch(() => {});
  }
}

async function serving(
  test: (url: string, node: FakeNode) => Promise<void>,
  node = new FakeNode(),
): Promise<void> {
  const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token, graceMs: 200 });
  try {
    await test(server.url, node);
  } finally {
    await server.shutdown();
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let i = 0; !isSo(); i++) {
    assert(i < 200, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("/v1/events begins now, and says where that is", () =>
  serving(async (url, node) => {
    node.record();
    const reading = await Reading.of(`${url}/v1/events?after=4`);
    assertEquals(await reading.next(), { id: "4" });
    await reading.close();
    const now = await Reading.of(`${url}/v1/events`);
    assertEquals(await now.next(), { id: "3" });
    await now.close();
    await until("unsubscribed", () => node.listeners.size === 0);
  }));

Deno.test("a stream without room is closed by what it loses, or once nobody reads it any more", () => {
  const { setInterval } = globalThis;
  let beat = () => {};
  globalThis.setInterval = ((run: () => void) => {
    beat = run;
    return 0;
  }) as unknown as typeof setInterval;
  try {
    const streams = new Streams();
    const stream = streams.open(new Request("http://127.0.0.1/"))!;
    while (stream.hasRoom) stream.send(": \n".repeat(1_000));
    beat();
    assertEquals(stream.isClosed, false);
    stream.send("data: 1\n\n");
    assertEquals(stream.isClosed, true);
    const unread = streams.open(new Request("http://127.0.0.1/"))!;
    while (unread.hasRoom) unread.send(": \n".repeat(1_000));
    for (let beats = 1; beats < streamMissedBeatsMax; beats++) beat();
    assertEquals(unread.isClosed, false);
    beat();
    assertEquals(unread.isClosed, true);
  } finally {
    globalThis.setInterval = setInterval;
  }
});

Deno.test("/v1/events tells a payment's events whole", () =>
  serving(async (url, node) => {
    const reading = await Reading.of(`${url}/v1/events`);
    await reading.next();
    node.record();
    const { id, data } = await reading.next() ?? {};
    assertEquals(id, "4.0");
    assertEquals(JSON.parse(data ?? ""), {
      id: "4.0",
      type: "posted",
      payment: "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e",
      transaction: "1-0123456789ab-7",
      legs: [
        { account: "main@alice", amount: "-12500", currency: "USD" },
        { account: "main@bob", amount: "12500", currency: "USD" },
      ],
      originator: "alice",
      entry: 4,
      clock: { coordinator: 12, alice: 3 },
      at: "2025-01-31T12:00:00.000Z",
    });
    await reading.close();
  }));

Deno.test("/v1/events resumes after an event: each once and none left out", () =>
  serving(async (url, node) => {
    for (let i = 0; i < 600; i++) node.record();
    const first = await Reading.of(`${url}/v1/events?after=0`);
    assertEquals(await first.ids(4), ["0", "4.0", "4.1", "4.2"]);
    await first.close();
    // A browser that reconnects sends where it was, beside the query it began with.
    const second = await Reading.of(`${url}/v1/events?after=0`, { "last-event-id": "4.2" });
    for (let i = 0; i < 5; i++) node.record();
    const expected = Array.from({ length: 602 }, (_, i) => `4.${i + 3}`);
    assertEquals(await second.ids(603), ["4.2", ...expected]);
    node.record();
    assertEquals(await second.ids(1), ["4.605"]);
    await second.close();
  }));

Deno.test("/v1/events refuses what is no event's id", () =>
  serving(async (url) => {
    for (const id of ["x", "4.x"]) {
      const response = await fetch(`${url}/v1/events?after=x`, {
        headers: { authorization: `Bearer ${token}`, "last-event-id": id },
      });
      assertEquals(response.status, 400);
      assertEquals((await response.json()).field, "last-event-id");
    }
    const asked = await fetch(`${url}/v1/events?after=x`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assertEquals([asked.status, (await asked.json()).field], [400, "after"]);
  }));

Deno.test("a client too slow for /v1/events is closed, and resumes without a gap", () =>
  serving(async (url, node) => {
    const reading = await Reading.of(`${url}/v1/events`);
    await reading.next();
    await until("caught up", () => node.listeners.size === 1);
    let recorded = 0;
    // More than the sockets hold: what waits in the node is bounded.
    while (node.listeners.size > 0) {
      assert(recorded < 40 * streamEventsMax, "never closed");
      for (let i = 0; i < 1_000; i++, recorded++) node.record();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    let last: string | undefined;
    for (let block = await reading.next(); block; block = await reading.next()) last = block.id;
    assert(last !== undefined && last !== `4.${recorded - 1}`);
    const resumed = await Reading.of(`${url}/v1/events`, { "last-event-id": last });
    assertEquals(await resumed.ids(2), [last, `4.${Number(last.slice(2)) + 1}`]);
    await resumed.close();
  }));

Deno.test("/events tells the page all parts, then only those that change", () =>
  serving(async (url, node) => {
    const reading = await Reading.of(`${url}/events`);
    const parts = new Map<string, unknown>();
    while (parts.size < 6) {
      const { event = "", data = "" } = await reading.next() ?? {};
      parts.set(event, JSON.parse(data));
    }
    const names = ["accounts", "activity", "in-doubt", "payments", "samples", "status"];
    assertEquals([...parts.keys()].sort(), names);
    node.ready = false;
    let changed = await reading.next();
    while (changed?.event === "activity" || changed?.event === "samples") {
      changed = await reading.next();
    }
    assertEquals(changed?.event, "status");
    assertMatch(changed?.data ?? "", /"ready":false/);
    await reading.close();
  }));

Deno.test("a later watcher of /events gets all parts at once", () =>
  serving(async (url) => {
    const first = await Reading.of(`${url}/events`);
    while ((await first.next())?.event !== "in-doubt");
    const second = await Reading.of(`${url}/events`);
    const names = new Set<string | undefined>();
    while (names.size < 6) names.add((await second.next())?.event);
    await Promise.all([first.close(), second.close()]);
  }));

Deno.test("/events tells a page what was measured before it was opened, then what is new", () =>
  serving(async (url, node) => {
    const measure = () => {
      const sequence = node.measured.length + 1;
      const latencyMs = { p50: sequence === 1 ? null : 2.5, p99: null };
      node.measured.push({ sequence, atMs: 1_000 * sequence, throughput: sequence, latencyMs });
    };
    const samplesOf = async (reading: Reading) => {
      let block = await reading.next();
      while (block !== undefined && block.event !== "samples") block = await reading.next();
      return JSON.parse(block?.data ?? "").map(({ at }: { at: number }) => at);
    };
    measure();
    const first = await Reading.of(`${url}/events`);
    assertEquals(await samplesOf(first), [1_000]);
    measure();
    assertEquals(await samplesOf(first), [2_000]);
    measure();
    const second = await Reading.of(`${url}/events`);
    assertEquals(await samplesOf(second), [1_000, 2_000, 3_000]);
    assertEquals(await samplesOf(first), [3_000]);
    measure();
    for (const reading of [first, second]) assertEquals(await samplesOf(reading), [4_000]);
    await Promise.all([first.close(), second.close()]);
  }));

for (const path of ["/events", "/v1/events"]) {
  Deno.test(`shutdown() ends streams of ${path} at once`, async () => {
    const node = new FakeNode();
    const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token, graceMs: 5_000 });
    const readings = await Promise.all([1, 2].map(() => Reading.of(server.url + path)));
    await readings[0]!.next();
    const startedMs = performance.now();
    await server.shutdown();
    assert(performance.now() - startedMs < 1_000);
    for (const reading of readings) while (await reading.next());
  });
}

Deno.test("no more streams are open at once than the server bears", () =>
  serving(async (url) => {
    const readings = await Promise.all(
      Array.from({ length: streamsMax }, () => Reading.of(`${url}/events`)),
    );
    const response = await fetch(`${url}/events`);
    assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
    await response.body?.cancel();
    await Promise.all(readings.map((reading) => reading.close()));
  }));

Deno.test("HEAD leaves no stream open", () =>
  serving(async (url) => {
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ["/events", "/v1/events"]) {
      for (let i = 0; i <= streamsMax; i++) {
        const { status } = await fetch(url + path, { method: "HEAD", headers });
        assertEquals(status, 200);
      }
    }
  }));
