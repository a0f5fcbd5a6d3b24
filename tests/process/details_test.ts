/** What a payment tells its recipient, from one process to another, and where it is left. */

import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadIdentity } from "../../src/keys/identity.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import { IdentitySealing } from "../../src/node/identity_sealing.ts";
import { openDetails } from "../../src/node/sealing.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import { Cluster, until } from "./cluster.ts";

const memo = "Rent for the blue house in May";
const reference = "INV-2041-blue";
const openings = { alice: ["main=100.00:USD"], bob: ["main=1.00:USD"] };

function idIn(text: string): PaymentId {
  return /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)![0] as PaymentId;
}

interface Seen {
  readonly memo?: string;
  readonly reference?: string;
  readonly details?: string;
  readonly code?: string;
  readonly by?: string;
}

Deno.test("a memo is read by its recipient, by nobody else, until it is erased", async (t) => {
  await using cluster = await Cluster.make(openings);
  const run = (line: string) => cluster.run(...line.split(" "));
  const seenBy = async (name: string, payment: string) =>
    (await cluster.node(name).get(`/v1/payments/${payment}`)).body as Seen;
  let id: PaymentId;
  let sealed: Uint8Array;

  const filesOf = async (name: string) => {
    const read: Uint8Array[] = [];
    for await (const file of Deno.readDir(cluster.data(name))) {
      if (file.isFile) read.push(await Deno.readFile(`${cluster.data(name)}/${file.name}`));
    }
    return Buffer.concat(read);
  };
  const hold = async (name: string, ...sought: Uint8Array[]) => {
    const bytes = await filesOf(name);
    return sought.some((one) => bytes.includes(Buffer.from(one)));
  };
  const clear = [memo, reference].map((text) => new TextEncoder().encode(text));
  const anyPart = () =>
    [0, sealed.length >> 1, sealed.length - 32].map((at) => (
      sealed.subarray(at, at + 32)
    ));

  await t.step("pay --memo: bob reads it, by API and command; the others see none", async () => {
    const flags = ["--memo", memo, "--reference", reference];
    const paid = await cluster.pay("alice", "bob", "1.00", ...flags);
    assertEquals(paid.code, 0, paid.stderr);
    id = idIn(paid.stdout);
    await until("bob posts", async () => (await cluster.node("bob").account()).posted === 2_00);
    const seen = await seenBy("bob", id);
    assertEquals([seen.memo, seen.reference, seen.details], [memo, reference, undefined]);
    const shown = await run(`payment --data data/bob ${id}`);
    assertStringIncludes(shown.stdout, `memo: ${memo}`);
    assertStringIncludes(shown.stdout, `reference: ${reference}`);
    const listed = await run("payments --data data/bob --details");
    assertMatch(listed.stdout, new RegExp(`\t${id}\t${memo}\t${reference}$`, "m"));
    for (const name of ["alice", "coordinator"]) {
      const { memo, reference, details } = await seenBy(name, id);
      assertEquals([memo, reference, details], [undefined, undefined, undefined], name);
    }
  });

  await t.step("what needs no token does not tell it", async () => {
    const { url } = JSON.parse(await Deno.readTextFile(`${cluster.data("bob")}/api.json`));
    for (const path of ["/events", `/events?payment=${id}`, "/metrics", "/"]) {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(5_000) });
      const reader = response.body!.getReader();
      const { value = new Uint8Array() } = await reader.read();
      await reader.cancel();
      assert(!new TextDecoder().decode(value).includes("blue"), path);
    }
  });

  await t.step(
    "sent again, also after a crash, it is the same payment; with another memo it is not",
    async () => {
      await cluster.node("alice").kill();
      await cluster.start("alice");
      await cluster.linked("alice");
      const again = await cluster.pay(
        ...["alice", "bob", "1.00", "--id", id, "--memo", memo] as const,
        ...["--reference", reference],
      );
      assertEquals(again.code, 0, again.stderr);
      for (const other of [["--memo", "Rent for June", "--reference", reference], []]) {
        const refused = await cluster.pay("alice", "bob", "1.00", "--id", id, ...other);
        assertEquals(refused.code, 4, refused.stderr);
        assertStringIncludes(refused.stderr, "was used for a payment of the same legs");
      }
      assertEquals((await cluster.node("bob").account()).posted, 2_00);
    },
  );

  await t.step("an idempotency key stands for the memo, too", async () => {
    const body = { from: "main", to: "main@bob", amount: "100", currency: "USD", memo: "Key" };
    const key = { "Idempotency-Key": '"1234"' };
    const first = await cluster.node("alice").post("/v1/payments", body, key);
    assertEquals(first.status, 201);
    assertEquals(
      (await cluster.node("alice").post("/v1/payments", body, key)).body.id,
      first.body.id,
    );
    const other = await cluster.node("alice").post("/v1/payments", { ...body, memo: "Other" }, key);
    assertEquals([other.status, other.body.code], [422, "key_reused"]);
    assertEquals(other.body.payment, first.body.id);
    // By its id, `pay` finds out what that stands for.
    const again = (memo: string, amount: string) =>
      cluster.pay("alice", "bob", amount, "--memo", memo, "--id", first.body.id!);
    assertEquals((await again("Key", "1.00")).code, 0);
    const told = await again("Other", "1.00");
    assertEquals(told.code, 4);
    assertStringIncludes(
      told.stderr,
      "a payment of the same legs, which is committed; what that tells",
    );
    const more = await again("Key", "1.01");
    assertEquals(more.code, 1);
    assertStringIncludes(more.stderr, "which is committed: 1.00 USD from main@alice to main@bob");
    assertEquals((await seenBy("bob", first.body.id!)).memo, "Key");
  });

  await t.step("a memo that is none, or for nobody, is refused by its name", async () => {
    const pay = (more: object) =>
      cluster.node("alice").post("/v1/payments", {
        ...{ from: "main", to: "main@bob", amount: "100", currency: "USD" },
        ...more,
      });
    const cases: readonly [object, string][] = [
      [{ memo: "a".repeat(141) }, "memo"],
      [{ memo: "a\nb" }, "memo"],
      [{ memo: "" }, "memo"],
      [{ reference: "a".repeat(36) }, "reference"],
      [{ memo: "a", to: "main@alice", from: "other" }, "memo"],
    ];
    for (const [more, field] of cases) {
      const { status, body } = await pay(more);
      assertEquals([status, body.field], [400, field], JSON.stringify(more));
    }
    const { status, body } = await pay({ memo: "a", to: "main@carol" });
    assertEquals([status, body.code], [422, "participant_unknown"]);
    const unknown = await cluster.pay("alice", "carol", "1.00", "--memo", "a");
    assertEquals(unknown.code, 1, unknown.stderr);
  });

  await t.step(
    "the files of bob alone hold it, and sealed; no memory of the coordinator has it",
    async () => {
      for (const name of cluster.names) assert(!await hold(name, ...clear), name);
      const { pid } = cluster.node("coordinator");
      // Where memory can be read at all, as what it has must be found.
      if (await memoryHolds(pid, "127.0.0.1")) assert(!await memoryHolds(pid, memo));
      for (const name of cluster.names.toReversed()) {
        assertEquals(await cluster.node(name).terminate(), 0, name);
      }
      const storage = await KvStorage.open(`${cluster.data("bob")}/log.kv`);
      const log = await Log.open(storage);
      await log.replay(() => {});
      const { order, details } = (await log.details(id))!;
      storage.close();
      sealed = details!.find(({ recipient }) => recipient === "bob")!.sealed!;
      assert(await hold("bob", sealed));
      for (const name of cluster.names) assert(!await hold(name, ...clear), name);
      for (const name of ["alice", "coordinator"]) assert(!await hold(name, ...anyPart()), name);

      const sealing = new IdentitySealing(
        await loadIdentity({ certs: cluster.certs, name: "bob" }),
      );
      const opened = await openDetails(sealing, "bob", order, details);
      assertEquals([opened !== "unreadable" && opened?.memo], [memo]);
      const alices = new IdentitySealing(
        await loadIdentity({ certs: cluster.certs, name: "alice" }),
      );
      assertEquals(await openDetails(alices, "bob", order, details), "unreadable");
    },
  );

  await t.step("erase removes it, says who, and the chain still verifies", async () => {
    await cluster.startAll();
    // Without a terminal there is nobody to ask.
    const erased = await run(`erase ${id} --data data/bob --by ann`);
    assertEquals(erased.code, 0, erased.stderr);
    assertMatch(erased.stdout, new RegExp(`details of ${id} are erased, by ann at 2`));
    const seen = await seenBy("bob", id);
    assertEquals([seen.memo, seen.reference, seen.details], [undefined, undefined, "erased"]);
    assertStringIncludes((await run(`payment --data data/bob ${id}`)).stdout, "details erased");
    const again = await cluster.node("bob").post(`/v1/payments/${id}/erase`, { by: "ben" });
    assertEquals([again.status, (again.body as Seen).by], [200, "ann"]);
    const none = await cluster.node("alice").post(`/v1/payments/${id}/erase`, {});
    assertEquals([none.status, none.body.code], [404, "details_not_found"]);
    assertEquals(
      (await cluster.node("coordinator").post(`/v1/payments/${id}/erase`, {})).status,
      405,
    );
    await cluster.stopAndVerify();
    for (const name of cluster.names) assert(!await hold(name, ...anyPart()), name);
  });

  await t.step("verify finds details that somebody removed without a word", async () => {
    const kv = await Deno.openKv(`${cluster.data("bob")}/log.kv`);
    for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["details"] })) {
      if (value.some((byte) => byte !== 0)) await kv.delete(key);
    }
    kv.close();
    const verified = await run("verify --data data/bob");
    assertEquals(verified.code, 5, verified.stdout + verified.stderr);
    assertStringIncludes(verified.stdout + verified.stderr, "are gone");
  });
});

/** Whether a process has a text anywhere in its memory; false, too, where that can't be read. */
async function memoryHolds(pid: number, text: string): Promise<boolean> {
  const maps = await Deno.readTextFile(`/proc/${pid}/maps`);
  using memory = await Deno.open(`/proc/${pid}/mem`);
  const bytes = Buffer.alloc(1 << 20);
  for (const [, from, to] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const end = parseInt(to!, 16);
    // What begins in one piece may end in the next.
    for (let at = parseInt(from!, 16), kept = 0; at < end;) {
      try {
        await memory.seek(at, Deno.SeekMode.Start);
        const count = await memory.read(bytes.subarray(kept));
        if (!count) break;
        const read = bytes.subarray(0, kept + count);
        if (read.includes(text) || read.includes(Buffer.from(text, "utf16le"))) return true;
        at += count;
        kept = Math.min(2 * text.length, read.length);
        bytes.copyWithin(0, read.length - kept, read.length);
      } catch {
        break;
      }
    }
  }
  return false;
}
