/**
 * What the status page is told, live: one look at the node a moment for all who watch, and of that
 * only the parts that changed. Nothing runs while nobody watches.
 */

import { messageOf } from "../errors.ts";
import { doubtShownAfterMs, doubtsShownMax } from "../limits.ts";
import { accountPageAt } from "./accounts.ts";
import type { EventStream } from "./event_stream.ts";
import { eventText } from "./event_stream.ts";
import { inDoubtAt } from "./in_doubt.ts";
import type { AnyNodeApi, InDoubtView } from "./node_api.ts";
import {
  activityJson,
  pageAccountJson,
  pageInDoubtJson,
  pagePeerJson,
  sampleJson,
  traceJson,
} from "./page_view.ts";
import { statusJson } from "./status.ts";

const lookIntervalMs = 250;
const accountsShown = 200;
const activityShown = 80;

export class PageFeed {
  readonly #node: AnyNodeApi;
  readonly #onError: (line: string) => void;
  readonly #watching = new Set<EventStream>();
  /** The latest data of each part that is sent whole. */
  readonly #parts = new Map<string, string>();
  #activity: ReturnType<typeof activityJson>[] = [];
  /** The sequence of the latest sample that was told. */
  #sampled = 0;
  #isRunning = false;
  #wake: (() => void) | undefined;

  constructor(node: AnyNodeApi, onError: (line: string) => void) {
    this.#node = node;
    this.#onError = onError;
  }

  /** Sends all there is, then what changes. */
  add(stream: EventStream): void {
    for (const [name, data] of this.#parts) stream.send(eventText(data, { name }));
    stream.send(eventText(JSON.stringify(this.#activity), { name: "activity" }));
    // What is new goes to those before it first, so that nobody is told anything twice.
    this.#tellSamples();
    const samples = this.#node.samples(0).map(sampleJson);
    stream.send(eventText(JSON.stringify(samples), { name: "samples" }));
    this.#watching.add(stream);
    stream.closed.then(() => {
      this.#watching.delete(stream);
      if (this.#watching.size === 0) this.#wake?.();
    });
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#watching.size > 0) {
      try {
        await this.#look();
      } catch (thrown) {
        // The node can't be looked at any more: the page says that it is stale.
        this.#onError(`the status page: ${messageOf(thrown)}`);
        for (const stream of this.#watching) stream.close();
      }
      await this.#pause();
    }
    this.#isRunning = false;
  }

  async #pause(): Promise<void> {
    if (this.#watching.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, lookIntervalMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  async #look(): Promise<void> {
    const node = this.#node;
    const [status, traces, { accounts, count }, inDoubt] = await Promise.all([
      node.status(),
      node.recent(),
      accountPageAt(node, 0, accountsShown),
      inDoubtAt(node),
    ]);
    const doubts = lastingDoubts(inDoubt);
    this.#tell("status", {
      ...statusJson(status),
      peers: status.peers.map(pagePeerJson),
      ready: node.isReady(),
      whyNotReady: node.whyNotReady(),
      doubts: { count: doubts.length, longerThanSeconds: doubtShownAfterMs / 1000 },
    });
    this.#tell("payments", traces.map(traceJson));
    this.#tell("accounts", { count, accounts: accounts.map(pageAccountJson) });
    this.#tell("in-doubt", {
      count: doubts.length,
      doubts: doubts.slice(0, doubtsShownMax).map(pageInDoubtJson),
    });
    this.#tellActivity();
    this.#tellSamples();
  }

  #tell(name: string, part: unknown): void {
    const data = JSON.stringify(part);
    if (this.#parts.get(name) === data) return;
    this.#parts.set(name, data);
    this.#send(name, data);
  }

  #tellActivity(): void {
    const known = this.#activity.at(-1)?.sequence ?? 0;
    const fresh = this.#node.activity(known).slice(-activityShown).map(activityJson);
    if (fresh.length === 0) return;
    this.#activity = [...this.#activity, ...fresh].slice(-activityShown);
    this.#send("activity", JSON.stringify(fresh));
  }

  #tellSamples(): void {
    const fresh = this.#node.samples(this.#sampled);
    this.#sampled = fresh.at(-1)?.sequence ?? this.#sampled;
    if (fresh.length > 0) this.#send("samples", JSON.stringify(fresh.map(sampleJson)));
  }

  #send(name: string, data: string): void {
    const text = eventText(data, { name });
    for (const stream of this.#watching) stream.send(text);
  }
}

/** What may need an operator, who looks first for what operators have forced. */
function lastingDoubts(inDoubt: readonly InDoubtView[]): InDoubtView[] {
  const forced = inDoubt.filter((view) => view.forced);
  const held = inDoubt.filter(({ forced, ageMs }) => !forced && ageMs > doubtShownAfterMs);
  return [...forced, ...held];
}
