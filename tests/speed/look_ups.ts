/**
 * How long it takes to look up what is not there, after so many checkpoints, and how long checkpoints take
 * to write their runs of the index and to merge those of others; prints JSON lines. By default it is about
 * idempotency keys; with `--of=payments` about payments, one in each checkpoint by an id that was made long
 * before, and the look-ups are of such ids.
 *
 *   deno run -A tests/speed/look_ups.ts [--of=payments] [--checkpoints=1000] [--items=3000]
 */

import { parseArgs } from "@std/cli/parse-args";
import { generate } from "@std/uuid/v7";
import { commitInPieces } from "../../src/log/checkpoint.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { LookUpIndex } from "../../src/log/look_up_index.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { toHex } from "../../src/bytes.ts";

const flags = parseArgs(Deno.args, { string: ["of", "checkpoints", "items"] });
const checkpoints = Number(flags.checkpoints ?? 1_000);
const items = Number(flags.items ?? 3_000);
const isOfPayments = flags.of === "payments";
const lookUps = 50;
const startMs = Date.UTC(2025, 0, 31);
const betweenMs = 60_000;
const longBeforeMs = 365 * 24 * 60 * 60_000;

function newKey(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

/** Somewhere within the minute of a checkpoint. */
function idAt(number: number): PaymentId {
  return generate(startMs + Math.floor((number - Math.random()) * betweenMs)) as PaymentId;
}

function oldId(): PaymentId {
  return generate(startMs - Math.floor(Math.random() * longBeforeMs)) as PaymentId;
}

function recordOf(number: number, i: number): LogRecord {
  const payment = i === 0 ? oldId() : idAt(number);
  return isOfPayments
    ? { type: "refused", payment, transaction: "1-0123456789ab-1" as TransactionId }
    : { type: "keyed", key: newKey(), request: "", payment };
}

async function msOf(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

const folder = await Deno.makeTempDir({ prefix: "handfast-look-ups-" });
try {
  const storage = await KvStorage.open(`${folder}/log.kv`);
  const index = new LookUpIndex(storage);
  let writtenMs = 0;
  let mergedMs = 0;
  for (let number = 1; number <= checkpoints; number++) {
    for (let i = 0; i < items; i++) index.add([recordOf(number, i)], number);
    const atMs = startMs + number * betweenMs;
    writtenMs += await msOf(() => commitInPieces(storage, index.freeze(number, atMs)));
    mergedMs += await msOf(() => commitInPieces(storage, index.merge()));
    index.thaw();
    if (number !== checkpoints && !/^[13]0*$/.test(String(number))) continue;
    const lookUpMs = await msOf(async () => {
      for (let i = 0; i < lookUps; i++) await index.find(isOfPayments ? oldId() : newKey());
    });
    console.log(JSON.stringify({
      checkpoints: number,
      runs: index.runs.length,
      lookUpMs: Number((lookUpMs / lookUps).toFixed(2)),
      writtenMs: Math.round(writtenMs / number),
      mergedMs: Math.round(mergedMs / number),
    }));
  }
  storage.close();
} finally {
  await Deno.remove(folder, { recursive: true });
}
