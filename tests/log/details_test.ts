/** What stands beside a log: stored with its record, once a payment, and wiped when it is erased. */

import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { detailsHashOf, sealedFor } from "../../src/codec/details.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import { InvariantError } from "../../src/errors.ts";
import { openLogFile } from "../../src/log/log_file.ts";
import { Log } from "../../src/log/log.ts";
import type { SealedDetails } from "../../src/protocol/details.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { disks, keysOf } from "./disks.ts";
import { append, contentOf, keyed, paymentId, posted, stateOf } from "./records.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

interface Telling {
  readonly record: LogRecord & { readonly type: "prepared" };
  readonly details: readonly SealedDetails[];
}

function telling(n: number, attempt = 1, sealed = random(304)): Telling {
  const details = [sealedFor("bob", sealed)];
  const order = encodeOrder({
    payment: paymentId(n),
    originator: "alice",
    legs: [{ account: "main", participant: "bob", currency: "USD", amount: 1n }],
    detailsHash: detailsHashOf(details),
  });
  const transaction = `1-0123456789ab-${n * 100 + attempt}` as TransactionId;
  const record = { type: "prepared", transaction, order, proof: undefined, hasDetails: true };
  return { record: record as Telling["record"], details };
}

function erased(n: number): LogRecord {
  return { type: "erased", payment: paymentId(n), by: "ann" };
}

async function appendAll(log: Log, ...given: readonly (Telling | LogRecord)[]): Promise<void> {
  const isTelling = (one: Telling | LogRecord): one is Telling => "record" in one;
  const records = given.map((one) => isTelling(one) ? one.record : one);
  const details = new Map(given.filter(isTelling).map(({ record, details }) => [record, details]));
  await log.append({ ...contentOf(log.head.number + 1, records), details });
}

async function read(log: Log, n: number): Promise<SealedDetails[] | string> {
  const found = await log.details(paymentId(n));
  if (!found) return "none";
  return found.details ? [...found.details] : "erased";
}

for (const [name, make] of disks) {
  Deno.test(`${name}: details are there with their record, and gone with another`, async () => {
    await using disk = await make();
    const log = await Log.open(await disk.open());
    const [one, two] = [telling(1), telling(2)];
    await append(log, keyed(9));
    await appendAll(log, keyed(8), one, posted(1), two);
    assertEquals(await read(log, 1), [...one.details]);
    assertEquals(await read(log, 2), [...two.details]);
    assertEquals(await read(log, 3), "none");
    await appendAll(log, erased(1));
    assertEquals(await read(log, 1), "erased");
    assertEquals(await read(log, 2), [...two.details]);
    log.close();
    const again = await Log.open(await disk.open());
    await again.replay(() => {});
    assertEquals(await read(again, 1), "erased");
    assertEquals(await read(again, 2), [...two.details]);
    again.close();
  });

  Deno.test(`${name}: a payment's details stand once, with its latest attempt`, async () => {
    await using disk = await make();
    const log = await Log.open(await disk.open());
    const attempts = [1, 2, 3, 4].map((attempt) => telling(1, attempt));
    await appendAll(log, attempts[0]!);
    await appendAll(log, attempts[1]!);
    // Two of one entry, where the first was lost at once.
    await appendAll(log, attempts[2]!, attempts[3]!);
    assertEquals(await read(log, 1), [...attempts[3]!.details]);
    await appendAll(log, erased(1));
    assertEquals(await read(log, 1), "erased");
    const more = telling(1, 5);
    await appendAll(log, more, erased(1));
    assertEquals(await read(log, 1), "erased");
    log.close();
    const storage = await disk.open();
    for (const key of await keysOf(disk, "details")) {
      assert((await storage.get(key))!.every((byte) => byte === 0), key.join("/"));
    }
    storage.close();
  });

  Deno.test(`${name}: an attempt that tells nothing is not said to tell what one before it told`, async () => {
    await using disk = await make();
    const log = await Log.open(await disk.open());
    await appendAll(log, telling(1));
    const { record } = telling(1, 2);
    const { hasDetails: _, ...silent } = record;
    await append(log, silent);
    assertEquals(await read(log, 1), "none");
    await appendAll(log, erased(1));
    log.close();
    const storage = await disk.open();
    for (const key of await keysOf(disk, "details")) {
      assert((await storage.get(key))!.every((byte) => byte === 0), key.join("/"));
    }
    storage.close();
  });

  Deno.test(`${name}: details are found and wiped when only the index knows of them`, async () => {
    await using disk = await make();
    const log = await Log.open(await disk.open());
    const told = telling(1);
    await appendAll(log, told);
    const checkpoint = log.beginCheckpoint(stateOf([]));
    await log.writeCheckpoint(checkpoint);
    await append(log, checkpoint.record);
    await log.finishCheckpoint(checkpoint);
    assertEquals(await read(log, 1), [...told.details]);
    await appendAll(log, erased(1));
    assertEquals(await read(log, 1), "erased");
    log.close();
  });
}

Deno.test("a record that says it has details is not stored without", async () => {
  await using disk = await disks[0]![1]();
  const log = await Log.open(await disk.open());
  await assertRejects(() => append(log, telling(1).record), InvariantError);
});

/** How many of the secrets the files of a folder have something of. */
async function traces(folder: string, secrets: readonly Uint8Array[]): Promise<number> {
  const files = await Array.fromAsync(Deno.readDir(folder));
  const read = files.map(({ name }) => Deno.readFile(`${folder}/${name}`));
  const bytes = Buffer.concat(await Promise.all(read));
  const partsOf = (secret: Uint8Array) =>
    [0, secret.length >> 1, secret.length - 16].map((at) =>
      Buffer.from(secret.subarray(at, at + 16))
    );
  return secrets.filter((secret) => partsOf(secret).some((part) => bytes.includes(part))).length;
}

/** Fills a log until its pages have been split and merged, as years of payments do, and erases all. */
async function fillAndErase(path: string): Promise<{ log: Log; secrets: Uint8Array[] }> {
  const log = await Log.open(await openLogFile(path));
  const secrets: Uint8Array[] = [];
  for (let n = 1; n <= 60; n++) {
    const told = [0, 1, 2].map((i) => telling(3 * n + i, 1, random([304, 560, 816][(n + i) % 3]!)));
    for (const { details } of told) secrets.push(details[0]!.sealed!);
    await appendAll(log, ...told);
  }
  for (let n = 3; n <= 182; n++) await appendAll(log, erased(n));
  return { log, secrets };
}

/** What tables and indexes a log's file has. */
function schemaOf(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare("SELECT type, name FROM sqlite_schema ORDER BY name").all();
    return rows.map(({ type, name }) => `${type} ${name}`);
  } finally {
    database.close();
  }
}

Deno.test("a log that is closed holds nothing of what was erased, in no part of its files", async () => {
  const folder = await Deno.makeTempDir({ prefix: "handfast-log-" });
  try {
    const { log, secrets } = await fillAndErase(`${folder}/log.kv`);
    // That free space keeps some of it until then is why it is wiped.
    assert(await traces(folder, secrets) > 0);
    const schema = schemaOf(`${folder}/log.kv`);
    log.close();
    assertEquals(await traces(folder, secrets), 0);
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["log.kv"]);
    // Without its indexes Deno KV would read all of the file every minute.
    assertEquals(schemaOf(`${folder}/log.kv`), schema);
    const again = await Log.open(await openLogFile(`${folder}/log.kv`));
    await again.replay(() => {});
    assertEquals(again.head.number, 240);
    again.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a log that was not closed is wiped when its owner opens it again", async () => {
  const folder = await Deno.makeTempDir({ prefix: "handfast-log-" });
  try {
    await Deno.mkdir(`${folder}/before`);
    const { log, secrets } = await fillAndErase(`${folder}/before/log.kv`);
    await Deno.mkdir(`${folder}/after`);
    for await (const { name } of Deno.readDir(`${folder}/before`)) {
      await Deno.copyFile(`${folder}/before/${name}`, `${folder}/after/${name}`);
    }
    log.close();
    assert(await traces(`${folder}/after`, secrets) > 0);
    const again = await openLogFile(`${folder}/after/log.kv`);
    assertEquals(await traces(`${folder}/after`, secrets), 0);
    again.close();
    assertEquals(await traces(`${folder}/after`, secrets), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
