/** Appends until it is killed, and tells of every entry once it is durable. */

import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import { append, prepared } from "./records.ts";

const log = await Log.open(await KvStorage.open(Deno.args[0]!));
await log.replay(() => {});
for (;;) {
  const next = log.head.number + 1;
  // Now and then an entry of many parts.
  const records = next % 10 === 0
    ? Array.from({ length: 300 }, (_, i) => prepared(next * 1_000 + i, 64))
    : [prepared(next * 1_000)];
  const { number } = await append(log, ...records);
  Deno.stdout.writeSync(new TextEncoder().encode(`${number}\n`));
}
