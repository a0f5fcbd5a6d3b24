/**
 * How long it takes to look up an idempotency key that is not there, after so many checkpoints, and how long
 * checkpoints take to write their keys and to merge those of others; prints JSON lines.
 *
 *   deno run -A tests/speed/keys.ts [--checkpoints=1000] [--keys=3000]
 */

import { parseArgs } from "@std/cli/parse-args";
import { commitInPieces } from "../../src/log/checkpoint.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { LookUpIndex } from "../../src/log/look_up_index.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import { toHex } from "../../src/bytes.ts";

const flags = parseArgs(Deno.args, { string: ["checkpoints", "keys"] });
const checkpoints = Number(flags.checkpoints ?? 1_000);
const keys = Number(flags.keys ?? 3_000);
const lookUps = 50;

function newKey(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

async function msOf(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

const folder = await Deno.makeTempDir({ prefix: "handfast-keys-" });
try {
  const storage = await KvStorage.open(`${folder}/log.kv`);
  const index = new LookUpIndex(storage);
  let writtenMs = 0;
  let mergedMs = 0;
  for (let number = 1; number <= checkpoints; number++) {
    const payment = "" as PaymentId;
    for (let i = 0; i < keys; i++) {
      index.add([{ type: "keyed", key: newKey(), request: "", payment }], number);
    }
    writtenMs += await msOf(() => commitInPieces(storage, index.freeze(number, 0)));
    mergedMs += await msOf(() => commitInPieces(storage, index.merge()));
    index.thaw();
    if (number !== checkpoints && !/^[13]0*$/.test(String(number))) continue;
    const lookUpMs = await msOf(async () => {
      for (let i = 0; i < lookUps; i++) await index.find(newKey());
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
