/** Values encrypted at rest: what an owner of the disk without the key can't read, and can't do. */

import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { toHex } from "../../src/bytes.ts";
import { IntegrityError, InvariantError } from "../../src/errors.ts";
import { entryPartBytesMax, kvValueBytesMax, sealedOverheadBytes } from "../../src/limits.ts";
import { contentsOf, SealedStorage } from "../../src/log/sealed_storage.ts";
import type { MemoryDisk, Storage, StorageKey, Write } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { CrashingStorage, fileSecret } from "./disks.ts";

const otherSecret = fileSecret.map((byte) => byte ^ 1);
const text = (value: string) => new TextEncoder().encode(value);
const numberBytes = 6;
const noncesFrom = 1 + numberBytes;
const cipherFrom = noncesFrom + 12;

function makeDisk(): MemoryDisk {
  return { values: [], headVersion: 0 };
}

function copyOf({ values, headVersion }: MemoryDisk): MemoryDisk {
  return { values: values.map(({ key, value }) => ({ key, value: value.slice() })), headVersion };
}

async function open(inner: Storage | MemoryDisk): Promise<SealedStorage> {
  const storage = "values" in inner ? new MemoryStorage(inner) : inner;
  const sealed = await SealedStorage.open(storage, fileSecret);
  assert(sealed, "it does not open");
  return sealed;
}

/** What lies on the disk. */
function rawOf(disk: MemoryDisk, ...key: StorageKey): Uint8Array {
  const found = disk.values.find((stored) => stored.key.join() === key.join());
  assert(found, `nothing at ${key.join()}`);
  return found.value;
}

function put(disk: MemoryDisk, key: StorageKey, value: Uint8Array): Promise<void> {
  return new MemoryStorage(disk).commit([{ key, value }]);
}

function keyNumbers(disk: MemoryDisk): number[] {
  return disk.values.filter(({ key }) => key[0] === "key").map(({ key }) => key[1]!);
}

Deno.test("SealedStorage stores nothing of a value in the clear, and adds what limits count", async () => {
  const disk = makeDisk();
  const storage = await open(disk);
  const value = text("alice pays bob ".repeat(20));
  await storage.commit([{ key: ["entry", 1, 0], value }]);
  const raw = rawOf(disk, "entry", 1, 0);
  assertEquals(raw.length, value.length + sealedOverheadBytes);
  assert(!new TextDecoder("latin1").decode(raw).includes("bob"));
  await storage.commit([{ key: ["entry", 2, 0], value: new Uint8Array(entryPartBytesMax) }]);
  assert(rawOf(disk, "entry", 2, 0).length <= kvValueBytesMax);
  assertEquals(await storage.get(["entry", 1, 0]), value);
});

Deno.test("SealedStorage reads no value from which one bit was flipped, wherever it is", async () => {
  const disk = makeDisk();
  const writer = await open(disk);
  const keys: StorageKey[] = [["head"], ["entry", 5, 0], ["page", 4, 1, 0]];
  await writer.commit(keys.map((key, i) => ({ key, value: new Uint8Array(i * 7).fill(i) })));
  for (const key of keys) {
    const raw = rawOf(disk, ...key).slice();
    for (let bit = 0; bit < raw.length * 8; bit++) {
      const flipped = raw.slice();
      flipped[bit >> 3]! ^= 1 << bit % 8;
      await put(disk, key, flipped);
      const storage = await open(disk);
      await assertRejects(() => storage.get(key), IntegrityError, key.join("/"));
      const list = () => Array.fromAsync(storage.listFrom(key[0], [key[0]]));
      await assertRejects(list, IntegrityError, key.join("/"));
    }
    for (let length = 0; length < raw.length; length++) {
      await put(disk, key, raw.slice(0, length));
      await assertRejects(async () => (await open(disk)).get(key), IntegrityError, key.join("/"));
    }
    await put(disk, key, raw);
    assert(await (await open(disk)).get(key));
  }
});

Deno.test("SealedStorage reads no value where another was written, even of the same length", async () => {
  const keys: StorageKey[] = [
    ...[["head"], ["checkpoint"], ["entry", 1, 0], ["entry", 1, 1], ["entry", 2, 0]] as const,
    ...[["state", 1, 0], ["page", 1, 0, 2], ["page", 1, 2, 0], ["run", 1, 0]] as const,
  ];
  const disk = makeDisk();
  const writer = await open(disk);
  await writer.commit(keys.map((key) => ({ key, value: new Uint8Array(9) })));
  for (const from of keys) {
    for (const to of keys) {
      if (from === to) continue;
      const changed = copyOf(disk);
      await put(changed, to, rawOf(disk, ...from));
      const storage = await open(changed);
      await assertRejects(() => storage.get(to), IntegrityError, to.join("/"));
      assert(await storage.get(from));
    }
  }
});

Deno.test("SealedStorage uses no nonce twice with one data key, over values, commits and starts", async () => {
  const disk = makeDisk();
  const seen = new Set<string>();
  for (let start = 0; start < 4; start++) {
    const storage = await open(disk);
    for (let commit = 0; commit < 20; commit++) {
      const key = (i: number): StorageKey => i === 0 ? ["head"] : ["entry", i, 0];
      await storage.commit(
        Array.from({ length: 5 }, (_, i) => ({ key: key(i), value: text("same") })),
      );
      for (let i = 0; i < 5; i++) {
        const pair = toHex(rawOf(disk, ...key(i)).subarray(1, cipherFrom));
        assert(!seen.has(pair), `start ${start}, commit ${commit}`);
        seen.add(pair);
      }
    }
  }
  const numbers = keyNumbers(disk);
  assertEquals(numbers.length, 4);
  // Wrapped by one and the same key.
  const wraps = numbers.map((number) => toHex(rawOf(disk, "key", number).subarray(1, 13)));
  assertEquals(new Set(wraps).size, 4);
});

Deno.test("SealedStorage encrypts by another data key in a restored copy, however equal the counters are", async () => {
  const disk = makeDisk();
  const first = await open(disk);
  await first.commit([{ key: ["head"], value: text("before") }]);
  first.close();
  const copy = copyOf(disk);
  const values = [text("alice pays bob 1"), text("alice pays bob 2")] as const;
  const [a, b] = await Promise.all([disk, copy].map(async (disk, i) => {
    const storage = await open(disk);
    await storage.commit([{ key: ["entry", 1, 0], value: values[i]! }]);
    return rawOf(disk, "entry", 1, 0);
  })) as [Uint8Array, Uint8Array];
  // The counters are as equal as they can be: what differs is the key.
  assertEquals(a.subarray(noncesFrom, cipherFrom), b.subarray(noncesFrom, cipherFrom));
  assertNotEquals(a.subarray(1, noncesFrom), b.subarray(1, noncesFrom));
  // With one keystream for both, what is encrypted would differ as the values do.
  const difference = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!);
  const length = values[0].length;
  const encrypted = [a, b].map((raw) => raw.subarray(cipherFrom, cipherFrom + length));
  assertNotEquals(toHex(difference(encrypted[0]!, encrypted[1]!)), toHex(difference(...values)));
  const [common] = keyNumbers(disk).filter((number) => keyNumbers(copy).includes(number));
  assert(common !== undefined, "the copy has lost the data key of what it was copied with");
  // What the original wrote since is nothing that the copy can take over.
  await put(copy, ["entry", 1, 0], a);
  await assertRejects(
    async () => (await open(copy)).get(["entry", 1, 0]),
    IntegrityError,
    "data key",
  );
});

Deno.test("SealedStorage.open() gives nothing for another key, and writes nothing", async () => {
  const disk = makeDisk();
  for (let start = 0; start < 2; start++) {
    await (await open(disk)).commit([{ key: ["head"], value: text("x") }]);
  }
  const before = copyOf(disk);
  assertEquals(await SealedStorage.open(new MemoryStorage(disk), otherSecret), undefined);
  assertEquals(disk, before);
});

Deno.test("SealedStorage.open() refuses a data key from which one bit was flipped", async () => {
  const disk = makeDisk();
  await (await open(disk)).commit([{ key: ["head"], value: text("x") }]);
  const [alone] = keyNumbers(disk);
  const raw = rawOf(disk, "key", alone!).slice();
  const flipped = (bit: number) =>
    raw.map((byte, i) => i === bit >> 3 ? byte ^ 1 << bit % 8 : byte);
  for (let bit = 8; bit < raw.length * 8; bit++) {
    await put(disk, ["key", alone!], flipped(bit));
    // It may as well be the wrong file.
    assertEquals(await SealedStorage.open(new MemoryStorage(disk), fileSecret), undefined);
  }
  await put(disk, ["key", alone!], raw);
  await (await open(disk)).commit([{ key: ["head"], value: text("y") }]);
  for (let bit = 0; bit < raw.length * 8; bit++) {
    await put(disk, ["key", alone!], flipped(bit));
    await assertRejects(() => open(disk), IntegrityError, `key/${alone}`);
  }
  for (let length = 0; length < raw.length; length++) {
    await put(disk, ["key", alone!], raw.slice(0, length));
    await assertRejects(() => open(disk), IntegrityError, `key/${alone}`);
  }
});

Deno.test("SealedStorage.open() takes no data key that was stored under another number", async () => {
  const disk = makeDisk();
  for (let start = 0; start < 2; start++) {
    await (await open(disk)).commit([{ key: ["head"], value: text("x") }]);
  }
  const [one, two] = keyNumbers(disk);
  await put(disk, ["key", one!], rawOf(disk, "key", two!));
  await assertRejects(() => open(disk), IntegrityError, `key/${one}`);
});

Deno.test("SealedStorage names a value whose data key is missing", async () => {
  const disk = makeDisk();
  await (await open(disk)).commit([{ key: ["entry", 1, 0], value: text("x") }]);
  const [number] = keyNumbers(disk);
  await (await open(disk)).commit([{ key: ["entry", 2, 0], value: text("y") }]);
  await new MemoryStorage(disk).commit([{ key: ["key", number!] }]);
  const storage = await open(disk);
  assertEquals(await storage.get(["entry", 2, 0]), text("y"));
  const named = `Value entry/1/0 of the log is encrypted by data key ${number}`;
  await assertRejects(() => storage.get(["entry", 1, 0]), IntegrityError, named);
});

Deno.test("SealedStorage writes nothing while it is only read", async () => {
  const disk = makeDisk();
  await (await open(disk)).commit([{ key: ["head"], value: text("x") }]);
  const counting = new CrashingStorage(new MemoryStorage(disk));
  const reader = await open(counting);
  assertEquals(await reader.get(["head"]), text("x"));
  await Array.fromAsync(reader.listFrom("entry", ["entry"]));
  assertEquals(counting.commits, 0);
});

/** Keeps what is committed until it is told to go on. */
class SlowStorage extends MemoryStorage {
  readonly begun: StorageKey[][] = [];
  readonly #gates: (() => void)[] = [];

  override async commit(writes: readonly Write[]): Promise<void> {
    this.begun.push(writes.map(({ key }) => key));
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    await super.commit(writes);
  }

  async goOn(): Promise<void> {
    this.#gates.shift()!();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("SealedStorage has its data key on disk before it begins to write a value", async () => {
  const slow = new SlowStorage();
  const storage = await open(slow);
  const commits = [1, 2].map((n) => storage.commit([{ key: ["entry", n, 0], value: text("x") }]));
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(slow.begun.map((keys) => keys.map(([word]) => word)), [["key"]]);
  await slow.goOn();
  assertEquals(slow.begun.slice(1), [[["entry", 1, 0]], [["entry", 2, 0]]]);
  await slow.goOn();
  await slow.goOn();
  await Promise.all(commits);
  // Once is enough.
  const later = storage.commit([{ key: ["entry", 3, 0], value: text("x") }]);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(slow.begun.length, 4);
  await slow.goOn();
  await later;
});

Deno.test("SealedStorage goes on after a crash between its data key and the first value", async () => {
  const disk = makeDisk();
  const write: Write = { key: ["head"], value: text("x") };
  for (const [commitsMax, contents] of [[0, "nothing"], [1, "sealed"]] as const) {
    const crashing = await open(new CrashingStorage(new MemoryStorage(disk), commitsMax));
    await assertRejects(() => crashing.commit([write]), Error, "crashed");
    assertEquals(await contentsOf(new MemoryStorage(disk)), contents);
    assertEquals(disk.values.length, commitsMax);
  }
  const storage = await open(disk);
  assertEquals(await storage.get(["head"]), undefined);
  await storage.commit([write]);
  assertEquals(await (await open(disk)).get(["head"]), text("x"));
});

Deno.test("SealedStorage writes no value after its data key could not be stored", async () => {
  const disk = makeDisk();
  const inner = new CrashingStorage(new MemoryStorage(disk), 0);
  const storage = await open(inner);
  const write: Write = { key: ["head"], value: text("x") };
  for (let again = 0; again < 2; again++) await assertRejects(() => storage.commit([write]));
  assertEquals(disk.values, []);
});

Deno.test("SealedStorage keeps the word of its data keys to itself", async () => {
  const storage = await open(makeDisk());
  await assertRejects(() => storage.commit([{ key: ["key", 1] }]), InvariantError);
});

Deno.test("contentsOf() tells apart nothing, a log in the clear and an encrypted one", async () => {
  assertEquals(await contentsOf(new MemoryStorage()), "nothing");
  for (const key of [["head"], ["entry", 1, 0]] as const) {
    const disk = makeDisk();
    await put(disk, key, text("x"));
    assertEquals(await contentsOf(new MemoryStorage(disk)), "plain");
  }
  const disk = makeDisk();
  await (await open(disk)).commit([{ key: ["entry", 1, 0], value: text("x") }]);
  assertEquals(await contentsOf(new MemoryStorage(disk)), "sealed");
});
