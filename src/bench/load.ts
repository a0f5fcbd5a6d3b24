/** Load on a participant, from within its process, by the function that the API calls. */

import type { DetailsFor } from "../protocol/details.ts";
import type { Leg } from "../protocol/order.ts";
import type { ParticipantNode } from "../node/participant_node.ts";
import { Histogram } from "./histogram.ts";

export const currency = "USD";
/** Of every account, minor units: no load uses it up. */
export const opening = 10n ** 12n;

/** What is paid. */
export interface Workload {
  readonly participants: readonly string[];
  /** Of each participant. */
  readonly accounts: number;
  /** Of a payment, at least two; one of them a debit. */
  readonly legs: number;
  /** Whether each payment tells its recipients something. */
  readonly memo: boolean;
  /** The share of payments that a participant refuses, from 0 to 1. */
  readonly refusals: number;
}

/** How hard. */
export interface Pressure {
  /** In flight at a time; in an open loop the most. */
  readonly concurrency: number;
  /** Payments a second that arrive, whatever becomes of those before; nothing: a closed loop. */
  readonly rate?: number;
  readonly warmUpMs: number;
  readonly ms: number;
}

export interface LoadResult {
  readonly committed: number;
  readonly aborted: number;
  /** By their codes: what was not begun. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Asked for, and not answered in time. */
  readonly pending: number;
  readonly seconds: number;
  /** Of the committed, in milliseconds. */
  readonly latencies: readonly number[];
}

export function accountName(index: number): string {
  return `a${index}`;
}

const waitMs = 30_000;
const memo = "Invoice 2041, payable within 30 days";
const arrivalMs = 1;

class Counts {
  committed = 0;
  aborted = 0;
  pending = 0;
  readonly rejected: Record<string, number> = {};
  readonly latencies = new Histogram();
}

export class Load {
  readonly #node: ParticipantNode;
  readonly #workload: Workload;
  readonly #others: readonly string[];
  #counts = new Counts();
  #isOver = false;

  constructor(node: ParticipantNode, workload: Workload) {
    this.#node = node;
    this.#workload = workload;
    this.#others = workload.participants.filter((name) => name !== node.name);
  }

  async run({ concurrency, rate, warmUpMs, ms }: Pressure): Promise<LoadResult> {
    this.#isOver = false;
    const running = rate === undefined
      ? Promise.all(Array.from({ length: concurrency }, () => this.#payOn()))
      : this.#arrive(rate, concurrency);
    await sleep(warmUpMs);
    const counts = this.#counts = new Counts();
    const startMs = performance.now();
    await sleep(ms);
    const seconds = (performance.now() - startMs) / 1_000;
    // What ends from here on counts no more.
    this.#counts = new Counts();
    this.#isOver = true;
    await running;
    const { committed, aborted, pending, rejected, latencies } = counts;
    return { committed, aborted, pending, rejected, seconds, latencies: latencies.toJSON() };
  }

  /** So many payments and no more, unmeasured. */
  async pay(concurrency: number, count: number): Promise<void> {
    let left = count;
    await Promise.all(Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await this.#pay(performance.now());
    }));
  }

  async #payOn(): Promise<void> {
    while (!this.#isOver) await this.#pay(performance.now());
  }

  /** Payments by the clock: a slow answer holds up none, and counts from when its payment was due. */
  async #arrive(rate: number, most: number): Promise<void> {
    const startMs = performance.now();
    const underWay = new Set<Promise<void>>();
    for (let sent = 0; !this.#isOver;) {
      const due = Math.floor((performance.now() - startMs) * rate / 1_000);
      for (; sent < due && underWay.size < most; sent++) {
        const paid: Promise<void> = this.#pay(startMs + sent * 1_000 / rate)
          .finally(() => underWay.delete(paid));
        underWay.add(paid);
      }
      await sleep(arrivalMs);
    }
    await Promise.all(underWay);
  }

  async #pay(startMs: number): Promise<void> {
    const { legs, details } = this.#payment();
    const answer = await this.#node.submit({ legs, details, waitMs });
    const counts = this.#counts;
    switch (answer.state) {
      case "committed":
        counts.committed++;
        counts.latencies.add(performance.now() - startMs);
        return;
      case "aborted":
        counts.aborted++;
        return;
      case "pending":
        counts.pending++;
        return;
      case "rejected":
        counts.rejected[answer.code] = (counts.rejected[answer.code] ?? 0) + 1;
        // Whoever is told that there is too much comes again a moment later.
        return await sleep(arrivalMs);
    }
  }

  #payment(): { legs: Leg[]; details?: DetailsFor[] } {
    const { accounts, legs: count, memo: hasMemo, refusals } = this.#workload;
    const credits = count - 1;
    const amount = 1n + BigInt(below(100));
    const isRefused = refusals > 0 && Math.random() < refusals;
    const legs: Leg[] = [{
      account: accountName(below(accounts)),
      participant: this.#node.name,
      amount: -amount * BigInt(credits),
      currency,
    }];
    const first = below(this.#others.length);
    for (let i = 0; i < credits; i++) {
      legs.push({
        account: isRefused ? "nobody" : accountName((below(accounts) + i) % accounts),
        participant: this.#others[(first + i) % this.#others.length]!,
        amount,
        currency,
      });
    }
    if (!hasMemo) return { legs };
    const recipients = new Set(legs.slice(1).map(({ participant }) => participant));
    return {
      legs,
      details: [...recipients].map((recipient) => ({ recipient, details: { memo } })),
    };
  }
}

function below(count: number): number {
  return Math.floor(Math.random() * count);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
