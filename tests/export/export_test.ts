import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromHex, toHex } from "../../src/bytes.ts";
import { recordJson } from "../../src/export/entry_json.ts";
import type { ExportFormat } from "../../src/export/mod.ts";
import { exportLogs } from "../../src/export/mod.ts";
import { shivizLines } from "../../src/export/shiviz.ts";
import { makeLogKey, readLogKey } from "../../src/keys/log_key.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import { SealedStorage } from "../../src/log/sealed_storage.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { committedBiggest, most, records } from "../codec/samples.ts";
import { orderOf, paymentId, replaced, Scene } from "../verify/scene.ts";

async function exported(
  format: ExportFormat,
  dirs: readonly string[],
  logKeys: readonly string[] = [],
): Promise<string[]> {
  const lines: string[] = [];
  await exportLogs(dirs, logKeys, format, (line) => lines.push(line));
  return lines;
}

async function played(): Promise<Scene> {
  const scene = await Scene.play();
  scene.stop();
  return scene;
}

Deno.test("jsonl has each entry of each log, in their order, chained by hashes", async () => {
  await using scene = await played();
  const entries = (await exported("jsonl", scene.dirs)).map((line) => JSON.parse(line));
  assertEquals([...new Set(entries.map(({ node }) => node))], ["coordinator", "alice", "bob"]);
  for (const name of ["coordinator", "alice", "bob"] as const) {
    const own = entries.filter(({ node }) => node === name);
    assertEquals(own.map(({ number }) => number), own.map((_, index) => index + 1));
    let last = "00".repeat(32);
    for (const { hash, previous, at, atMs, number, clock } of own) {
      assertEquals(previous, last);
      assertMatch(hash, /^[0-9a-f]{64}$/);
      assertEquals([Date.parse(at), clock[name]], [atMs, number]);
      last = hash;
    }
    const storage = await KvStorage.open(`${scene.dir(name)}/log.kv`);
    const { number, hash } = (await Log.open(storage)).head;
    storage.close();
    assertEquals([own.length, last], [number, toHex(hash)]);
    // A witness is an entry of the other log.
    for (const { witnesses } of own) {
      for (
        const [peer, { number, hash }] of Object.entries<{ number: number; hash: string }>(
          witnesses,
        )
      ) {
        assertEquals(entries.find((one) => one.node === peer && one.number === number).hash, hash);
      }
    }
  }
  const order =
    entries.flatMap(({ records }) => records).find(({ type }) => type === "prepared").order;
  assertEquals([order.payment, order.originator, order.legs], [paymentId(1), "alice", [
    { account: "main@alice", amount: "-2500", currency: "USD" },
    { account: "main@bob", amount: "2500", currency: "USD" },
  ]]);
});

Deno.test("jsonl has every record, with nothing in it that JSON has no word for", () => {
  for (const record of records) {
    const json = recordJson(record);
    assertEquals(JSON.parse(JSON.stringify(json)), withoutUndefined(json), record.type);
  }
  const amounts = records.filter(({ type }) => type === "opened").map(recordJson);
  assertEquals(amounts.map((json) => "opening" in json && json.opening)[0], most.toString());
  const committed = recordJson(committedBiggest);
  assert("proofs" in committed && committed.proofs);
  assertEquals(Object.keys(committed.proofs[0]!), ["signer", "index"]);
});

/** As JSON leaves it out, too. Bytes and maps stay what they are, and so would differ from JSON. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (value === null || typeof value !== "object") return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, withoutUndefined(one)]),
  );
}

/** Of several logs, of one, and of two between which the third has carried everything. */
const given = [["coordinator", "alice", "bob"], ["bob"], ["alice", "bob"]] as const;
for (const names of given) {
  Deno.test(`shiviz of ${names.join(", ")} is a file that ShiViz takes`, async () => {
    await using scene = await played();
    const lines = await exported("shiviz", names.map((name) => scene.dir(name)));
    const lengths = names.map((name) => [name, scene.headOf(name)] as const);
    checkAsShiviz(lines, new Map(lengths));
  });
}

Deno.test("shiviz counts no entry that a node has lost", async () => {
  await using scene = await played();
  const path = `${scene.dir("bob")}/log.kv`;
  const kv = await Deno.openKv(path);
  const storage = await KvStorage.open(path);
  const lost = scene.headOf("bob");
  const { previous } = await (await Log.open(storage)).entry(lost);
  storage.close();
  await kv.delete(["entry", lost, 0]);
  // A head is the entry's number, and its hash.
  await kv.set(["head"], Uint8Array.of(lost - 1, ...previous));
  kv.close();
  const lengths = new Map([["coordinator", scene.headOf("coordinator")], ["bob", lost - 1]]);
  checkAsShiviz(await exported("shiviz", [scene.dir("coordinator"), scene.dir("bob")]), lengths);
});

Deno.test("shiviz says what happened: kinds of records and payments, of many the first few", async () => {
  await using scene = await Scene.begin();
  await scene.pay(1, "alice", "bob", 100n);
  scene.slow = "bob";
  for (let n = 2; n < 12; n++) {
    const order = orderOf(n, "alice", "bob", 1n);
    await scene.step("alice", { type: "submit", request: n, order, deadlineMs: 1e9 });
  }
  await scene.settle();
  scene.stop();
  const lines = await exported("shiviz", [scene.dir("bob")]);
  const events = lines.slice(2).filter((_, index) => index % 2 === 1);
  assertEquals(events[0], "genesis bob; started 1");
  assert(events.includes(`prepared ${paymentId(1)}`));
  assert(events.includes(`posted ${paymentId(1)}`));
  const eight = Array.from({ length: 8 }, (_, index) => paymentId(2 + index)).join(", ");
  assert(events.includes(`prepared ${eight} and 2 more`), events.join("\n"));
});

Deno.test("shiviz has no event without words, which ShiViz would lose at the end of a file", () => {
  const empty = {
    number: 2,
    atMs: 0,
    previous: new Uint8Array(32),
    witnesses: new Map(),
    records: [],
  };
  const entry = { ...empty, clock: new Map([["bob", 2]]) };
  assertEquals(shivizLines("bob", entry, new Map([["bob", 2]])), ['bob {"bob":2}', "nothing"]);
});

/** What `LogParser` and `ModelGraph` of ShiViz do with a file, and on what they insist. */
function checkAsShiviz(lines: readonly string[], lengths: ReadonlyMap<string, number>): void {
  const text = lines.map((line) => `${line}\n`).join("");
  const [expression = "", delimiter, ...rest] = text.split("\n");
  assertEquals([expression, delimiter], [
    String.raw`(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`,
    "",
  ]);
  const clocks = new Map<string, Record<string, number>[]>();
  const matches = [...rest.join("\n").matchAll(new RegExp(expression, "gm"))];
  assertEquals(matches.map(([found]) => `${found}\n`).join(""), rest.join("\n"));
  for (const { groups } of matches) {
    const { host = "", clock = "", event = "" } = groups ?? {};
    assert(event !== "");
    const own = clocks.get(host) ?? [];
    clocks.set(host, [...own, JSON.parse(clock)]);
  }
  assertEquals(new Map([...clocks].map(([host, own]) => [host, own.length])), lengths);
  for (const [host, own] of clocks) {
    for (const [index, clock] of own.entries()) {
      assertEquals(clock[host], index + 1);
      for (const [other, count] of Object.entries(clock)) {
        // The entry that is counted as known is there, and all that it knew is known here.
        const known = clocks.get(other)?.[count - 1];
        assert(known, `${host} ${index + 1} knows ${count} of ${other}`);
        for (const [third, less] of Object.entries(known)) {
          assert((clock[third] ?? 0) >= less, `${host} ${index + 1} knows less than it knew`);
        }
      }
    }
  }
}

Deno.test("exportLogs() opens encrypted logs, and writes the same", async () => {
  await using scene = await played();
  const key = `${scene.path}/log-key`;
  await makeLogKey(key);
  const dir = `${scene.path}/sealed`;
  await Deno.mkdir(dir);
  const from = await KvStorage.open(`${scene.dir("bob")}/log.kv`);
  const to = await SealedStorage.open(
    await KvStorage.open(`${dir}/log.kv`),
    (await readLogKey(key)).secret,
  );
  await to!.commit(await Array.fromAsync(from.listFrom("entry", ["entry"])));
  await to!.commit([{ key: ["head"], value: await from.get(["head"]) }]);
  from.close();
  to!.close();
  for (const format of ["jsonl", "shiviz"] as const) {
    assertEquals(await exported(format, [dir], [key]), await exported(format, [scene.dir("bob")]));
  }
  await assertRejects(() => exported("jsonl", [dir]), Error, "is encrypted");
});

Deno.test("exportLogs() writes entries as it reads them, up to where a log is damaged", async () => {
  await using scene = await played();
  const kv = await Deno.openKv(`${scene.dir("bob")}/log.kv`);
  const { value } = await kv.get<Uint8Array>(["entry", 7, 0]);
  value![60]! ^= 1;
  await kv.set(["entry", 7, 0], value);
  kv.close();
  const lines: string[] = [];
  await assertRejects(
    () => exportLogs([scene.dir("bob")], [], "jsonl", (line) => lines.push(line)),
    Error,
    "Entry 7 of the log is not what was written",
  );
  assertEquals(lines.length, 6);
});

Deno.test("exportLogs() misses what was cut off at the end", async () => {
  await using scene = await played();
  const kv = await Deno.openKv(`${scene.dir("bob")}/log.kv`);
  const last = scene.headOf("bob");
  await kv.delete(["entry", last, 0]);
  kv.close();
  await assertRejects(
    () => exported("jsonl", [scene.dir("bob")]),
    Error,
    `bob" does not end with entry ${last}`,
  );
});

Deno.test("exportLogs() refuses what is in use, is no log, or does not belong together", async () => {
  await using scene = await played();
  const copy = `${scene.path}/copy`;
  await Deno.mkdir(copy);
  await assertRejects(() => exported("jsonl", [copy]), Error, "There is no log");
  await Deno.copyFile(`${scene.dir("bob")}/log.kv`, `${copy}/log.kv`);
  await assertRejects(() => exported("jsonl", [scene.dir("bob"), copy]), Error, 'of node "bob"');
  using lock = await Deno.open(`${copy}/lock`, { create: true, write: true });
  await lock.lock(true);
  await assertRejects(() => exported("jsonl", [copy]), Error, "is in use");
  await lock.unlock();
  await Deno.writeFile(`${copy}/log.kv`, fromHex("00".repeat(9_000)));
  await assertRejects(() => exported("jsonl", [copy]), Error, copy);
});

Deno.test("exportLogs() refuses logs of different networks", async () => {
  await using scene = await Scene.play((node, content) =>
    node === "bob"
      ? replaced(content, ({ type }) => type === "genesis", (record) => [
        { ...record, network: "cd".repeat(32) } as LogRecord,
      ])
      : content
  );
  scene.stop();
  await assertRejects(() => exported("shiviz", scene.dirs), Error, "bob is of another network");
});
