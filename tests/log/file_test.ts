/** Logs in real files: what damage and a killed process do to them. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { IntegrityError } from "../../src/errors.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import { append, paymentId, prepared } from "./records.ts";

const pageBytes = 4_096;

async function openFile(path: string): Promise<Log> {
  const storage = await KvStorage.open(path);
  try {
    const log = await Log.open(storage);
    await log.replay(() => {});
    return log;
  } catch (error) {
    storage.close();
    throw error;
  }
}

/** A file of some hundred KiB, which nobody has open. */
async function writeFile(dir: string): Promise<string> {
  const path = `${dir}/log.kv`;
  const log = await openFile(path);
  for (let i = 0; i < 20; i++) {
    await append(log, ...Array.from({ length: 10 }, (_, j) => prepared(i * 10 + j, 64)));
  }
  log.close();
  return path;
}

async function inFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "handfast-log-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const damages: [claim: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["garbage", (bytes) => crypto.getRandomValues(new Uint8Array(bytes.length % 60_000))],
  ["text", () => new TextEncoder().encode("this is no log\n".repeat(100))],
  ["half a file", (bytes) => bytes.slice(0, bytes.length / 2)],
  ["half a page", (bytes) => bytes.slice(0, pageBytes / 2)],
  ["a zeroed first page", (bytes) => bytes.slice().fill(0, 0, pageBytes)],
  ["a zeroed page", (bytes) => bytes.slice().fill(0, pageBytes * 3, pageBytes * 4)],
  ["zeroed pages in the middle", (bytes) => bytes.slice().fill(0, pageBytes * 20, pageBytes * 40)],
];

for (const [claim, damage] of damages) {
  Deno.test(`KvStorage.open() refuses ${claim}, names the file and leaves it as it is`, () =>
    inFolder(async (dir) => {
      const path = await writeFile(dir);
      const bytes = await Deno.readFile(path);
      assert(bytes.length > 40 * pageBytes, "the file is too small to be a test");
      const damaged = damage(bytes);
      await Deno.writeFile(path, damaged);
      await assertRejects(() => KvStorage.open(path), IntegrityError, path);
      assertEquals(await Deno.readFile(path), damaged);
    }));
}

Deno.test("a zeroed page of a file is never read as if nothing were wrong", () =>
  inFolder(async (dir) => {
    const path = await writeFile(dir);
    const bytes = await Deno.readFile(path);
    const pages = bytes.length / pageBytes;
    for (let page = 0; page < pages; page += 5) {
      await Deno.writeFile(path, bytes.slice().fill(0, page * pageBytes, (page + 1) * pageBytes));
      await assertRejects(() => openFile(path), IntegrityError);
    }
  }));

Deno.test("a flipped byte of a record in the file is found by the log", () =>
  inFolder(async (dir) => {
    const path = await writeFile(dir);
    const bytes = await Deno.readFile(path);
    const account = new TextEncoder().encode("account-63");
    let at = -1;
    for (let i = 0; at < 0 && i < bytes.length; i++) {
      if (account.every((byte, j) => bytes[i + j] === byte)) at = i;
    }
    bytes[at]! ^= 1;
    await Deno.writeFile(path, bytes);
    await assertRejects(() => openFile(path), IntegrityError, "is not what was written");
  }));

Deno.test("KvStorage.open() names the file that it can't make", () =>
  inFolder(async (dir) => {
    const path = `${dir}/missing/log.kv`;
    await assertRejects(() => KvStorage.open(path), IntegrityError, path);
  }));

Deno.test("KvStorage.open() takes an empty file, as a crash leaves it, for a new log", () =>
  inFolder(async (dir) => {
    const path = `${dir}/log.kv`;
    await Deno.writeFile(path, new Uint8Array());
    const log = await openFile(path);
    await append(log, prepared(1));
    log.close();
    const again = await openFile(path);
    assertEquals(again.head.number, 1);
    again.close();
  }));

Deno.test("SIGKILL loses no entry that was acknowledged", () =>
  inFolder(async (dir) => {
    const path = `${dir}/log.kv`;
    let acknowledged = 0;
    for (const count of [1, 25, 60]) {
      const until = acknowledged + count;
      acknowledged = await killAfter(path, until);
      const log = await openFile(path);
      assert(log.head.number >= acknowledged, `${log.head.number} of ${acknowledged}`);
      const found = await log.lookUp(paymentId(acknowledged * 1_000));
      assertEquals(found.map(([{ number }]) => number), [acknowledged]);
      for (let number = 1; number <= acknowledged; number++) {
        const { records } = await log.entry(number);
        assertEquals(records.length, number % 10 === 0 ? 300 : 1);
      }
      log.close();
    }
  }));

/** Lets a child append until it has told of entry `until`; returns the last that was heard of. */
async function killAfter(path: string, until: number): Promise<number> {
  const script = new URL("appender.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", "--no-lock", script, path],
    stdout: "piped",
  }).spawn();
  let text = "";
  let heard = 0;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    heard = Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
    if (heard >= until) {
      child.kill("SIGKILL");
      break;
    }
  }
  const { signal } = await child.status;
  assertEquals(signal, "SIGKILL");
  return heard;
}

Deno.test("KvStorage says of a full disk whose folder is on it, and what helps", () =>
  inFolder(async (dir) => {
    const path = `${dir}/log.kv`;
    const told = `The disk of the data folder "${dir}" is full (database or disk is full), `;
    const full = () => Promise.reject(new Error("database or disk is full"));
    const { commit } = Deno.AtomicOperation.prototype;
    const { get } = Deno.Kv.prototype;
    const storage = await KvStorage.open(path);
    try {
      Deno.AtomicOperation.prototype.commit = full;
      const error = await assertRejects(() => storage.commit([]), Error, told);
      assertStringIncludes(error.message, "or move the folder to a larger disk");
      Deno.Kv.prototype.get = full;
      await assertRejects(() => KvStorage.open(path), Error, told);
    } finally {
      Object.assign(Deno.AtomicOperation.prototype, { commit });
      Object.assign(Deno.Kv.prototype, { get });
      storage.close();
    }
  }));
