/** Files of logs, in the clear and encrypted: which key opens which, and what their bytes tell. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { IntegrityError, UsageError } from "../../src/errors.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { LogKey } from "../../src/log/log_file.ts";
import { openLogFile, openLogFileByAny } from "../../src/log/log_file.ts";
import {
  append,
  checkpoint,
  keyed,
  keyOf,
  noContext,
  paymentId,
  posted,
  prepared,
  stateOf,
} from "./records.ts";

const keys = ["a.key", "b.key", "c.key"].map((path, i): LogKey => (
  { path, secret: new Uint8Array(32).fill(i + 1) }
));
const [key, other, third] = keys as [LogKey, LogKey, LogKey];
/** Of payments and keys: no digits that come by chance. */
const n = 0x9c3f_51a7_e2d4;

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "handfast-log-" });
  try {
    await test(`${dir}/log.kv`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function openLog(path: string, logKey?: LogKey): Promise<Log> {
  const log = await Log.open(await openLogFile(path, logKey));
  await log.replay(() => {});
  return log;
}

/** Entries, a checkpoint with its index, and entries after it. */
async function write(path: string, logKey?: LogKey): Promise<void> {
  const log = await openLog(path, logKey);
  await append(log, prepared(n), keyed(n + 1));
  await append(log, posted(n));
  await checkpoint(log, stateOf([[noContext, prepared(n)]]));
  await append(log, prepared(n + 2, 64));
  log.close();
}

/** All that is there of the log, as Latin-1 text. */
async function bytesOf(path: string): Promise<string> {
  let all = "";
  for (const ending of ["", "-wal", "-shm", "-journal"]) {
    const bytes = await Deno.readFile(path + ending).catch(() => new Uint8Array());
    all += new TextDecoder("latin1").decode(bytes);
  }
  return all;
}

/** Names, orders and ids as they might stand in the bytes: raw, as digits, and those with dashes. */
function needles(): string[] {
  const raw = (digits: string) =>
    new TextDecoder("latin1").decode(Uint8Array.fromHex(digits.slice(0, 12)));
  const ids = [paymentId(n), paymentId(n + 1), paymentId(n + 2)];
  const names = ["alice", "account-1", "coordinator", "0123456789ab"];
  const digits = [...ids.map((id) => id.replaceAll("-", "")), keyOf(n + 1).slice(20)];
  const hexNames = names.map((name) => new TextEncoder().encode(name).toHex());
  return [...ids, ...names, ...hexNames, ...digits, ...digits.map(raw)];
}

Deno.test("an encrypted log's files hold no order, name, payment id or key, raw or in hexadecimal", () =>
  inFolder(async (path) => {
    await write(path);
    const plain = await bytesOf(path);
    // That the search finds what there is.
    const found = needles().filter((needle) => plain.includes(needle));
    for (const needle of ["alice", "account-1", "coordinator", needles().at(-1)!]) {
      assert(found.includes(needle), `${needle} is not even in the clear`);
    }
    await inFolder(async (path) => {
      await write(path, key);
      const sealed = await bytesOf(path);
      assert(sealed.length > 10_000);
      assertEquals(needles().filter((needle) => sealed.includes(needle)), []);
      const log = await openLog(path, key);
      assertEquals((await log.lookUp(paymentId(n))).length, 2);
      log.close();
      // While it is open and after a crash most of it is in the write-ahead file.
      const again = await openLog(path, key);
      await append(again, prepared(n));
      const open = await bytesOf(path);
      again.close();
      assertEquals(needles().filter((needle) => open.includes(needle)), []);
    });
  }));

const refusals: readonly [
  claim: string,
  written: LogKey | undefined,
  given: LogKey | undefined,
  named: readonly string[],
][] = [
  ["an encrypted log without a key", key, undefined, ["is encrypted", "--log-key"]],
  ["a log in the clear with a key", undefined, key, [
    "not encrypted",
    "a.key",
    "Leave --log-key out. ",
    "would refuse it for amnesia",
  ]],
  ["an encrypted log with another key", key, other, ["was not encrypted with", "b.key"]],
];
for (const [claim, written, given, named] of refusals) {
  Deno.test(`openLogFile() refuses ${claim}, names the file and leaves it as it is`, () =>
    inFolder(async (path) => {
      await write(path, written);
      const before = await bytesOf(path);
      const error = await assertRejects(() => openLogFile(path, given), UsageError, path);
      for (const words of named) assert(error.message.includes(words), error.message);
      assertEquals(await bytesOf(path), before);
      // It is free again, and as it was.
      const log = await openLog(path, written);
      assertEquals(log.head.number, 4);
      log.close();
    }));
}

Deno.test("openLogFile() refuses a log whose first data key alone is there, without the key", () =>
  inFolder(async (path) => {
    const kv = await KvStorage.open(path);
    await kv.commit([{ key: ["key", 5], value: new Uint8Array(61) }]);
    kv.close();
    await assertRejects(() => openLogFile(path), UsageError, "is encrypted");
  }));

Deno.test("openLogFile() refuses a damaged data key beside whole ones as damage", () =>
  inFolder(async (path) => {
    await write(path, key);
    await write(path, key);
    const kv = await KvStorage.open(path);
    for await (const { key, value } of kv.listFrom("key", ["key"])) {
      value[20]! ^= 1;
      await kv.commit([{ key, value }]);
      break;
    }
    kv.close();
    await assertRejects(() => openLogFile(path, key), IntegrityError, "a data key");
  }));

Deno.test("openLogFile() encrypts a file that a crash left empty, if there is a key", () =>
  inFolder(async (path) => {
    await Deno.writeFile(path, new Uint8Array());
    await write(path, key);
    await assertRejects(() => openLogFile(path), UsageError, "is encrypted");
  }));

Deno.test("openLogFileByAny() takes the key that fits, and none for a log in the clear", () =>
  inFolder(async (path) => {
    await write(path, other);
    const { storage, logKey } = await openLogFileByAny(path, keys);
    storage.close();
    assertEquals(logKey, other);
    const named = '"a.key" nor "c.key"';
    await assertRejects(() => openLogFileByAny(path, [key, third]), UsageError, named);
    await inFolder(async (path) => {
      await write(path);
      const { storage, logKey } = await openLogFileByAny(path, keys);
      assertEquals(logKey, undefined);
      assert(await storage.get(["head"]));
      storage.close();
    });
  }));
