import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { encodeOrder } from "../../src/codec/order.ts";
import { UsageError } from "../../src/errors.ts";
import { makeLogKey, readLogKey } from "../../src/keys/log_key.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { SealedStorage } from "../../src/log/sealed_storage.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord, NodeRecord } from "../../src/protocol/record.ts";
import { Findings, linesOfKindMax } from "../../src/verify/findings.ts";
import { verifyLogs } from "../../src/verify/mod.ts";
import { Complaints } from "../../src/verify/payments.ts";
import type { Lose, NodeName } from "./scene.ts";
import { assertFound, paymentId, replaced, Scene } from "./scene.ts";

Deno.test("verifyLogs() finds nothing wrong in what nodes wrote, and says what it saw", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const { violations, notChecked, summary } = await verifyLogs(scene.dirs);
  assertEquals(violations, []);
  assertEquals(notChecked, []);
  assertEquals(summary.length, 4);
  assertMatch(summary[0]!, /^coordinator: coordinator, \d+ entries, 5 payments: 4 committed, 1 a/);
  assertMatch(summary[1]!, /^alice: participant, .* 4 committed, 1 aborted, 0 open; 1 checkpoint$/);
  assertMatch(summary[3]!, /^USD: conserved/);
});

Deno.test("verifyLogs() can be repeated: it changes nothing", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const first = await verifyLogs(scene.dirs);
  assertEquals(await verifyLogs(scene.dirs), first);
});

Deno.test("verifyLogs() takes open transactions for no violation, in either phase", async () => {
  await using scene = await Scene.begin();
  await scene.pay(1, "alice", "bob", 100n);
  scene.lose = (to, message) => to === "bob" && message.type === "decision";
  await scene.pay(2, "alice", "bob", 200n);
  scene.lose = (_, message) => message.type === "vote";
  await scene.pay(3, "bob", "alice", 300n);
  scene.stop();
  const { violations, notChecked, summary } = await verifyLogs(scene.dirs);
  assertEquals(violations, []);
  assertEquals(notChecked, []);
  // Alice has paid 300 in all and bob has received 100; 200 are on their way.
  assert(
    summary.includes(
      "USD: conserved: settlement accounts 2.00 USD, committed but not posted -2.00 USD",
    ),
  );
});

Deno.test("verifyLogs() names a forced decision that the real one contradicts", async () => {
  await using scene = await Scene.begin();
  const transaction = await mismatchAtBob(scene);
  scene.stop();
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(
    violations,
    new RegExp(`${transaction}.*forced to abort and decided to commit.*by ann, not acknowledged$`),
  );
  assertFound(violations, /USD is not conserved/);
});

Deno.test("verifyLogs() says by whom and when a mismatch was acknowledged, once", async () => {
  for (const times of [1, 2]) {
    await using scene = await Scene.begin((_, content) =>
      replaced(
        content,
        ({ type }) => type === "acknowledged",
        (record) => Array.from({ length: times }, () => record),
      )
    );
    const transaction = await mismatchAtBob(scene);
    // The checkpoints carry it until then, and not after.
    await scene.checkpoint("bob");
    await scene.step("bob", { type: "acknowledge", request: 0, transaction, by: "ben" });
    const number = scene.headOf("bob");
    if (times === 1) await scene.checkpoint("bob");
    scene.stop();
    const { violations } = await verifyLogs(scene.dirs);
    assertFound(
      violations,
      new RegExp(`${transaction}.*acknowledged by ben in entry ${number}, 2026-01-01T`),
    );
    if (times === 1) assertEquals(violations.length, 2, violations.join("\n"));
    else assertFound(violations, /acknowledges transaction .*, which was acknowledged before/);
  }
});

Deno.test("verifyLogs() finds a checkpoint that has lost a mismatch", async () => {
  await using scene = await Scene.begin();
  await mismatchAtBob(scene);
  await scene.checkpoint("bob", (state) => ({
    ...state,
    rest: state.rest.filter(([, { type }]) => type !== "unacknowledged"),
  }));
  scene.stop();
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(violations, /the checkpoint at entry \d+ is not what the entries up to there make/);
});

/** Bob's operator aborts what was committed. */
async function mismatchAtBob(scene: Scene): Promise<TransactionId> {
  scene.lose = (to, message) => to === "bob" && message.type === "decision";
  await scene.pay(1, "alice", "bob", 100n);
  const transaction = await scene.force("bob", 1, false);
  scene.lose = () => false;
  await scene.tick();
  return transaction;
}

Deno.test("verifyLogs() finds operators that forced against each other, whatever was decided", async () => {
  for (const commit of [true, false]) {
    await using scene = await Scene.begin();
    scene.lose = (to, message) => to === "coordinator" && message.type === "vote";
    await scene.pay(1, "alice", "bob", 100n);
    const transaction = await scene.force("alice", 1, true);
    await scene.force("bob", 1, commit);
    scene.stop();
    const { violations, notChecked } = await verifyLogs(scene.dirs);
    assertEquals(violations.length, commit ? 0 : 1);
    assertEquals(notChecked.length, commit ? 2 : 0);
    if (commit) continue;
    const what = "was forced to commit at alice, but is forced to abort at bob";
    assertFound(
      violations,
      new RegExp(`^payment .*: transaction ${transaction} ${what}: whatever`),
    );
  }
});

Deno.test("verifyLogs() compares a forced decision with the coordinator's log", async () => {
  for (const commit of [true, false]) {
    await using scene = await Scene.begin();
    scene.lose = (to, message) => to === "bob" && message.type === "decision";
    await scene.pay(1, "alice", "bob", 100n);
    const transaction = await scene.force("bob", 1, commit);
    scene.stop();
    const { violations } = await verifyLogs(scene.dirs);
    if (commit) assertEquals(violations, []);
    else assertFound(violations, new RegExp(`${transaction} was forced to abort at bob`));
  }
});

Deno.test("verifyLogs() names a forced commit of what the coordinator aborted", async () => {
  await using scene = await Scene.begin();
  scene.lose = (to, message) =>
    message.type === "vote" || to === "bob" && message.type === "decision";
  await scene.pay(1, "alice", "bob", 100n);
  const transaction = await scene.force("bob", 1, true);
  for (let i = 0; i < 3; i++) await scene.tick();
  scene.stop();
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(
    violations,
    new RegExp(`${transaction} was forced to commit at bob, but coordinator`),
  );
  assertFound(violations, /USD is not conserved/);
});

Deno.test("verifyLogs() can't check a forced decision where there is no real one", async () => {
  for (const commit of [true, false]) {
    await using scene = await Scene.begin();
    scene.lose = (_, message) => message.type === "vote";
    await scene.pay(1, "alice", "bob", 100n);
    const transaction = await scene.force("bob", 1, commit);
    scene.stop();
    for (const dirs of [scene.dirs, [scene.dir("bob")]]) {
      const { violations, notChecked } = await verifyLogs(dirs);
      assertEquals(violations, []);
      assertFound(notChecked, new RegExp(`transaction ${transaction} .* real decision is not`));
    }
  }
});

Deno.test("verifyLogs() lists what needs a node that was not given, and finds no violation", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const names: NodeName[] = ["coordinator", "alice", "bob"];
  for (const missing of names) {
    const given = names.filter((name) => name !== missing);
    const { violations, notChecked } = await verifyLogs(given.map((name) => scene.dir(name)));
    assertEquals(violations, []);
    assertFound(notChecked, new RegExp(`no log of (the )?${missing}`));
    assert(notChecked.length <= 6, notChecked.join("\n"));
  }
});

Deno.test("verifyLogs() compares participants with each other where the coordinator is missing", async () => {
  await using scene = await Scene.play((node, content) => ({
    ...content,
    records: content.records.map((record): LogRecord => {
      if (node !== "bob" || record.type !== "prepared") return record;
      const detailsHash = new Uint8Array(32);
      return { ...record, order: encodeOrder({ ...record.order, detailsHash }) };
    }),
  }));
  scene.stop();
  const { violations } = await verifyLogs([scene.dir("alice"), scene.dir("bob")]);
  assertFound(violations, new RegExp(`payment ${paymentId(4)}: the order at bob is another`));
});

Deno.test("verifyLogs() says of encrypted logs what it says of the same in the clear", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const key = `${scene.path}/log-key`;
  await makeLogKey(key);
  const { secret } = await readLogKey(key);
  const sealed: string[] = [];
  for (const dir of scene.dirs) {
    sealed.push(`${dir}-sealed`);
    await Deno.mkdir(`${dir}-sealed`);
    const from = await KvStorage.open(`${dir}/log.kv`);
    const to = await SealedStorage.open(await KvStorage.open(`${dir}-sealed/log.kv`), secret);
    for (const word of ["entry", "state", "page", "run"]) {
      await to!.commit(await Array.fromAsync(from.listFrom(word, [word])));
    }
    for (const word of ["head", "checkpoint"]) {
      await to!.commit([{ key: [word], value: await from.get([word]) }]);
    }
    from.close();
    to!.close();
  }
  const report = await verifyLogs(scene.dirs);
  assertEquals(await verifyLogs(sealed, [key]), report);
  assertEquals(await verifyLogs([scene.dirs[0]!, ...sealed.slice(1)], [key]), report);

  // Whoever keeps the keys of all nodes gives them all, whichever logs are looked at.
  const spare = `${scene.path}/spare-key`;
  await makeLogKey(spare);
  assertEquals(await verifyLogs(sealed, [spare, key, spare]), report);
  assertEquals(await verifyLogs(scene.dirs, [spare]), report);
  await assertRejects(() => verifyLogs(sealed, [spare]), UsageError, spare);

  const kv = await KvStorage.open(`${scene.dir("bob")}-sealed/log.kv`);
  for await (const { key, value } of kv.listFrom("page", ["page"])) {
    value[30]! ^= 1;
    await kv.commit([{ key, value }]);
  }
  kv.close();
  const { violations } = await verifyLogs(sealed, [key]);
  assertFound(
    violations,
    /bob: the look-up index can't be read: Value page\/0\/\d+\/0\/0 of the log/,
  );
});

Deno.test("verifyLogs() throws where a folder is in use, and names it", async () => {
  await using scene = await Scene.play();
  scene.stop();
  using lock = await Deno.open(`${scene.dir("alice")}/lock`, { create: true, write: true });
  await lock.lock(true);
  await assertRejects(() => verifyLogs(scene.dirs), Error, `alice" is in use`);
  await lock.unlock();
  assertEquals((await verifyLogs(scene.dirs)).violations, []);
});

Deno.test("verifyLogs() waits for a command that only looks whether a folder is taken", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const lock = await Deno.open(`${scene.dirs[0]}/lock`, { create: true, write: true });
  await lock.lock(false);
  const report = verifyLogs(scene.dirs);
  setTimeout(() => lock.close(), 30);
  assertEquals((await report).violations, []);
});

Deno.test("verifyLogs() throws where there is no log, and makes none", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const dir = `${scene.path}/empty`;
  await Deno.mkdir(dir);
  await assertRejects(() => verifyLogs([...scene.dirs, dir]), Error, dir);
  assertEquals([...Deno.readDirSync(dir)], []);
});

Deno.test("verifyLogs() throws where two folders are of one node", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const copy = `${scene.path}/copy`;
  await Deno.mkdir(copy);
  await Deno.copyFile(`${scene.dir("bob")}/log.kv`, `${copy}/log.kv`);
  await assertRejects(() => verifyLogs([...scene.dirs, copy]), Error, '"bob"');
});

Deno.test("verifyLogs() accepts what peers had seen of a node that they readmitted", async () => {
  const hash = new Uint8Array(32);
  let wrongAt = 0;
  await using scene = await Scene.begin((node, content, number) => {
    // What alice saw of the coordinator there was lost by it since.
    if (node !== "alice" || number !== wrongAt) return content;
    const { number: seen } = content.witnesses.get("coordinator")!;
    const witnesses = new Map(content.witnesses).set("coordinator", { number: seen, hash });
    return { ...content, witnesses };
  });
  wrongAt = scene.headOf("alice") + 2;
  await scene.pay(1, "alice", "bob", 100n);
  const readmitted: NodeRecord = { type: "readmitted", name: "coordinator", by: "ann" };
  await scene.step("alice", { type: "record", record: readmitted });
  await scene.checkpoint("alice");
  scene.stop();
  const { violations, notChecked } = await verifyLogs(scene.dirs);
  assertEquals(violations, []);
  assertFound(
    notChecked,
    /alice had seen of coordinator .* readmitted it in entry \d+ \(1 entry\)/,
  );
});

Deno.test("verifyLogs() compares among participants what a readmitted coordinator has lost", async () => {
  // The same up to there, so that its log is an old copy of the other's.
  await using old = await Scene.begin();
  await old.pay(1, "alice", "bob", 100n);
  old.stop();
  const lossOf = async (lose?: Lose) => {
    const scene = await Scene.begin();
    await scene.pay(1, "alice", "bob", 100n);
    if (lose) scene.lose = lose;
    await scene.pay(2, "alice", "bob", 200n);
    await scene.pay(3, "alice", "bob", 900_000n);
    return scene;
  };
  const reportOf = async (scene: Scene, ...readmitting: NodeName[]) => {
    for (const name of readmitting) {
      const record: NodeRecord = { type: "readmitted", name: "coordinator", by: "ann" };
      await scene.step(name, { type: "record", record });
    }
    scene.stop();
    const log = (of: Scene) => `${of.dir("coordinator")}/log.kv`;
    await Deno.copyFile(log(old), log(scene));
    return await verifyLogs(scene.dirs);
  };
  await using scene = await lossOf();
  const { violations, notChecked, summary } = await reportOf(scene, "alice", "bob");
  assertEquals(violations, []);
  assertFound(
    notChecked,
    /^payments at alice that coordinator has lost.* participants only \(2 payments\)$/,
  );
  assertFound(
    notChecked,
    /^payments at bob that coordinator has lost.* participants only \(2 payments\)$/,
  );
  assertFound(summary, /^USD: conserved: settlement accounts 0.00 USD/);

  // Bob has not heard of the second yet.
  await using waiting = await lossOf((to, { type }) => to === "bob" && type === "decision");
  const open = await reportOf(waiting, "alice", "bob");
  assertEquals(open.violations, []);
  assertFound(open.summary, /^USD: conserved: .* committed but not posted -2.00 USD/);

  // Without an operator's word it has been tampered with.
  await using denied = await lossOf();
  const denials = (await reportOf(denied)).violations;
  assertFound(denials, /^alice: entry \d+ has payment .* decided in entry/);
  assertFound(denials, /alice has posted it, but coordinator has not committed it$/);
});

Deno.test("verifyLogs() excuses nothing that a readmitted coordinator's log still has", async () => {
  await using scene = await Scene.begin((node, content) => {
    if (node !== "alice") return content;
    return replaced(content, ({ type }) => type === "posted", (record) => {
      if (record.type !== "posted") return [record];
      const { decided } = record;
      return [{ ...record, decided: { ...decided, atMs: decided.atMs - 1 } }];
    });
  });
  await scene.pay(1, "alice", "bob", 100n);
  const record: NodeRecord = { type: "readmitted", name: "coordinator", by: "ann" };
  for (const name of ["alice", "bob"] as const) await scene.step(name, { type: "record", record });
  scene.stop();
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(violations, /^alice: entry \d+ has payment .* with another clock or time than coord/);
});

Deno.test("verifyLogs() counts a payment once in the index of an entry that speaks of it twice", async () => {
  const twice: LogRecord["type"][][] = [];
  await using scene = await Scene.begin((node, content) => {
    if (node === "bob") twice.push(content.records.map(({ type }) => type));
    return content;
  });
  // Alice can't pay that; bob hears of it only together with what was asked of him.
  scene.slow = "bob";
  await scene.pay(1, "alice", "bob", 900_000n);
  scene.slow = undefined;
  assertEquals(twice.at(-1), ["prepared", "released"]);
  await scene.checkpoint("bob");
  await scene.pay(2, "alice", "bob", 100n);
  scene.stop();
  const { violations, notChecked } = await verifyLogs(scene.dirs);
  assertEquals(violations, []);
  assertEquals(notChecked, []);
});

Deno.test("Findings tells the first of a kind one by one and then counts", () => {
  const findings = new Findings();
  for (let i = 0; i < linesOfKindMax + 5; i++) findings.violation("clock", `entry ${i}`);
  findings.violation("chain", "another kind");
  for (let i = 0; i < 3; i++) findings.notChecked("bob", "entry");
  const { violations, notChecked } = findings.report();
  assertEquals(violations.length, linesOfKindMax + 2);
  assertEquals(violations[linesOfKindMax], "… and 5 more (clock)");
  assertEquals(notChecked, ["bob (3 entries)"]);
});

Deno.test("mismatches are each told, however many there are", () => {
  const findings = new Findings();
  const complaints = new Complaints("bob", findings);
  for (let i = 0; i < 2 * linesOfKindMax; i++) complaints.addMismatch(i, "is one");
  const { violations } = findings.report();
  assertEquals(violations.length, 2 * linesOfKindMax);
  assertEquals(violations.at(-1), `bob: entry ${2 * linesOfKindMax - 1} is one`);
});
