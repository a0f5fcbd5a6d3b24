/**
 * What checkpoints of many accounts cost a participant, without the rest of a node, as JSON lines: of each one
 * how long it took, how much of a core, how long at most it let nothing else run, and how many balances it
 * wrote; then how long a replay takes, and the bytes of the file.
 *
 *   deno run -A tests/speed/checkpoints.ts [--accounts=1000000] [--payments=50000] [--checkpoints=5]
 */

import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { encodeOrder } from "../../src/codec/order.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import type { EntryContext, LogRecord } from "../../src/protocol/record.ts";

const flags = parseArgs(Deno.args, { string: ["accounts", "payments", "checkpoints"] });
const accounts = Number(flags.accounts ?? 1_000_000);
const payments = Number(flags.payments ?? 50_000);
const checkpoints = Number(flags.checkpoints ?? 5);
/** Of an entry. */
const recordsMax = 1_000;
const currency = "USD";

const folder = await Deno.makeTempDir({ prefix: "handfast-checkpoints-" });
const path = `${folder}/log.kv`;
const state = new ParticipantState("alice", "coordinator");
const log = await Log.open(await KvStorage.open(path));

function contextOf(number: number): EntryContext {
  const names = ["alice", "bob", "coordinator"];
  return { number, clock: new Map(names.map((name) => [name, number])), atMs: 1e12 + number };
}

async function append(records: readonly LogRecord[]): Promise<void> {
  for (let from = 0; from < records.length; from += recordsMax) {
    const context = contextOf(log.head.number + 1);
    const some = records.slice(from, from + recordsMax);
    for (const record of some) state.apply(record, context);
    await log.append({ ...context, witnesses: new Map(), records: some });
  }
}

function paymentOf(n: number): LogRecord[] {
  const time = (1e12 + n).toString(16).padStart(12, "0");
  const payment = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${time}` as PaymentId;
  const account = `a${Math.floor(Math.random() * accounts)}`;
  const legs = [
    { account, participant: "alice", currency, amount: -1n },
    { account, participant: "bob", currency, amount: 1n },
  ];
  const order = encodeOrder({ payment, originator: "alice", legs });
  const transaction = `1-0123456789ab-${n}` as TransactionId;
  return [
    { type: "prepared", transaction, order },
    { type: "posted", transaction, payment, decided: contextOf(n) },
  ];
}

async function checkpoint(): Promise<void> {
  let holdMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    holdMs = Math.max(holdMs, performance.now() - lastMs);
    lastMs = performance.now();
  }, 0);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const frozen = state.freeze(contextOf(log.head.number));
  const begun = log.beginCheckpoint(frozen);
  state.rotate();
  await log.writeCheckpoint(begun);
  await append([begun.record]);
  await log.finishCheckpoint(begun);
  state.dropIndexed();
  const ms = Math.round(performance.now() - startMs);
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(timer);
  const balances = begun.record.on > 0 ? frozen.changed.count : frozen.all.count;
  const cpuMs = Math.round((user + system) / 1_000);
  console.log(JSON.stringify({ balances, ms, cpuMs, holdMs: Math.round(holdMs) }));
}

try {
  await log.replay(() => {});
  const open = (i: number): LogRecord => (
    { type: "opened", account: `a${i}`, currency, opening: 10n ** 12n }
  );
  await append(Array.from({ length: accounts }, (_, i) => open(i)));
  for (let i = 0; i < checkpoints; i++) {
    await checkpoint();
    const first = i * payments + 1;
    await append(Array.from({ length: payments }, (_, n) => paymentOf(first + n)).flat());
  }
  log.close();
  const again = await Log.open(await KvStorage.open(path));
  const replayed = new ParticipantState("alice", "coordinator");
  const startMs = performance.now();
  await again.replay((record, context) => replayed.apply(record, context));
  const replayMs = Math.round(performance.now() - startMs);
  again.close();
  console.log(JSON.stringify({ replayMs, fileBytes: (await Deno.stat(path)).size }));
} finally {
  await Deno.remove(folder, { recursive: true });
}
