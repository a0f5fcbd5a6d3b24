/** Transfers between two stores by two-phase commit, as one writes it above stores that have none. */

import { setTimeout as sleep } from "node:timers/promises";
import { Histogram } from "../../../src/bench/histogram.ts";

export const accounts = 1_000;
/** Of every account: no load uses it up. */
export const opening = 1_000_000_000;

/** Accounts 0 to `accounts - 1`, each with `opening` at first. Whatever is answered is on disk. */
export interface Ledger {
  /** Takes a debit (an amount below zero), or notes a credit. False where the account is short. */
  prepare(payment: number, account: number, amount: number): Promise<boolean>;
  commit(payment: number): Promise<unknown>;
  /** Undoes what was prepared; where nothing was, it does nothing. */
  abort(payment: number): Promise<unknown>;
  audit(): Promise<Audit>;
}

export interface Audit {
  /** Of all accounts. */
  readonly total: number;
  /** Legs prepared and neither committed nor aborted. */
  readonly held: number;
}

export interface Stores extends AsyncDisposable {
  readonly ledgers: readonly [Ledger, Ledger];
  /** Makes durable that a payment is to be committed. */
  decide(payment: number): Promise<unknown>;
}

/** How hard, and how long. */
export interface Pressure {
  /** Payments in flight. */
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly ms: number;
}

/** What a load came to. */
export interface Speed {
  /** Committed payments a second. */
  readonly tps: number;
  readonly p50ms: number;
  readonly p99ms: number;
}

/**
 * @throws {Error} where money came or went, where the stores throw, and once `signal` is aborted
 */
export async function measureLoad(
  stores: Stores,
  { concurrency, warmUpMs, ms }: Pressure,
  signal: AbortSignal,
): Promise<Speed> {
  let latencies = new Histogram();
  let isOver = false;
  // Never one of an earlier load, so that a store may be used for a second.
  let payment = Date.now() * 1_000;
  const payOn = async () => {
    while (!isOver) {
      const startMs = performance.now();
      if (await pay(stores, payment++)) latencies.add(performance.now() - startMs);
    }
  };
  const running = Promise.all(Array.from({ length: concurrency }, payOn));
  // A store that fails ends the wait.
  const pass = (ms: number) => Promise.race([sleep(ms, undefined, { signal }), running]);
  try {
    await pass(warmUpMs);
    const counted = latencies = new Histogram();
    const startMs = performance.now();
    await pass(ms);
    const seconds = (performance.now() - startMs) / 1_000;
    // What ends from here on counts no more.
    latencies = new Histogram();
    isOver = true;
    await running;
    await check(stores);
    if (counted.count === 0) throw new Error(`nothing was committed in ${ms} ms`);
    return {
      tps: Math.round(counted.count / seconds),
      p50ms: rounded(counted.quantile(0.5)!),
      p99ms: rounded(counted.quantile(0.99)!),
    };
  } finally {
    isOver = true;
    running.catch(() => {});
  }
}

async function pay({ ledgers: [left, right], decide }: Stores, payment: number): Promise<boolean> {
  const amount = (1 + below(100)) * (Math.random() < 0.5 ? 1 : -1);
  const votes = await Promise.all([
    left.prepare(payment, below(accounts), -amount),
    right.prepare(payment, below(accounts), amount),
  ]);
  if (!votes[0] || !votes[1]) {
    await Promise.all([left.abort(payment), right.abort(payment)]);
    return false;
  }
  await decide(payment);
  await Promise.all([left.commit(payment), right.commit(payment)]);
  return true;
}

async function check({ ledgers }: Stores): Promise<void> {
  const audits = await Promise.all(ledgers.map((ledger) => ledger.audit()));
  const total = audits.reduce((sum, { total }) => sum + total, 0);
  const held = audits.reduce((sum, { held }) => sum + held, 0);
  const expected = ledgers.length * accounts * opening;
  if (total === expected && held === 0) return;
  throw new Error(`the stores hold ${total} and ${held} open legs, not ${expected} and none`);
}

function below(count: number): number {
  return Math.floor(Math.random() * count);
}

function rounded(ms: number): number {
  return Number(ms.toPrecision(3));
}
