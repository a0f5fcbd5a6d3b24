/** A merchant charges cards of an issuer, and whose number they have is nowhere to be found afterwards. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Cluster, type Result } from "./cluster.ts";
import { formsIn, formsInFile, formsInMemory, needlesOf } from "./needles.ts";

/** Of digits that occur nowhere by chance. */
const number = "4929738216503941";
const unknownNumber = "5385901274638207";
const expiry = `${String(new Date().getUTCMonth() + 1).padStart(2, "0")}/${
  (new Date().getUTCFullYear() + 2) % 100
}`;
const wrongExpiry = expiry.replace(/\d$/, (digit) => `${(Number(digit) + 1) % 10}`);
const masked = "492973******3941";
const otherMasked = "538590******8207";

Deno.test(
  "a card of bob's pays alice, or is declined, and its number stays in no file, line or page",
  run,
);

async function run(t: Deno.TestContext): Promise<void> {
  const openings = { alice: ["main=10.00:USD"], bob: ["main=100.00:USD"] };
  await using cluster = await Cluster.make(openings);
  let alice = cluster.node("alice");
  const bob = cluster.node("bob");
  const atBob = ["--data", cluster.data("bob")];
  /** All that nodes have answered, and pages. */
  const answers: string[] = [];
  let cvv = "";

  const charge = (amount: string, lines: readonly string[], ...flags: string[]): Promise<Result> =>
    cluster.runReading(
      lines.join("\n"),
      ...["charge", "--data", cluster.data("alice"), "--issuer", "bob", "--to", "main"],
      ...["--amount", amount, "--currency", "USD", ...flags],
    );
  const balances = async () => {
    await cluster.unheld();
    return [(await alice.account()).posted, (await bob.account()).posted];
  };
  const card = (...args: string[]) => cluster.run("card", ...args, ...atBob);
  const listed = async () => {
    const { stdout } = await card("list", "--json");
    answers.push(stdout);
    return JSON.parse(stdout) as {
      cards: { id: string; masked: string; account: string; expiry: string }[];
      declined: { reason: string; masked?: string; merchant: string }[];
    };
  };

  await t.step("bob adds a card, which shows its CVV and not its number", async () => {
    const add = [number, expiry].join("\n");
    const args = ["card", "add", "--account", "main", ...atBob];
    const { code, stdout, stderr } = await cluster.runReading(add, ...args);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, `${masked}, pays from main until ${expiry}`);
    cvv = /CVV (\d{3}):/.exec(stdout)?.[1] ?? "";
    assertMatch(cvv, /^\d{3}$/);
    const again = await cluster.runReading(add, ...args, "--json");
    answers.push(again.stdout);
    assertEquals(JSON.parse(again.stdout).cvv, cvv);
    const other = await cluster.runReading(add, "card", "add", "--account", "none", ...atBob);
    assertEquals(other.code, 1);
    assertEquals((await listed()).cards.map(({ masked, account }) => [masked, account]), [
      [masked, "main"],
    ]);
    const mode = (await Deno.stat(`${cluster.data("bob")}/card.key`)).mode ?? 0o600;
    assertEquals(mode & 0o777, 0o600);
  });

  await t.step("alice charges it: committed, bob's account debited, hers credited", async () => {
    const { code, stdout, stderr } = await charge("20.00", [number, expiry, cvv]);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^committed \S+: 20\.00 USD by a card of bob to main$/m);
    assertMatch(stderr, /^payment [0-9a-f-]{36}$/m);
    assertEquals(await balances(), [30_00, 80_00]);
    const spaced = number.replace(/(\d{4})(?=\d)/g, "$1 ");
    assertEquals((await charge("1.00", [spaced, expiry])).code, 0);
    const json = JSON.stringify({ number, expiry, cvv });
    const asJson = await charge("1.00", [json], "--json");
    answers.push(asJson.stdout);
    assertEquals(asJson.code, 0);
    assertEquals(await balances(), [32_00, 78_00]);
  });

  await t.step("the same charge sent again pays once", async () => {
    const id = "01926a3e-7d24-7c54-9a3b-52b1c3f8e6a1";
    for (let i = 0; i < 2; i++) {
      const { code, stderr } = await charge("2.00", [number, expiry], "--id", id);
      assertEquals(code, 0, stderr);
    }
    assertEquals(await balances(), [34_00, 76_00]);
  });

  await t.step("the same key is the same charge, also after a restart and with a CVV", async () => {
    const body = {
      ...{ issuer: "bob", to: "main", amount: "5", currency: "USD" },
      card: { number, expiry },
    };
    const key = { "Idempotency-Key": '"till-7"' };
    const post = (card: object) =>
      alice.post("/v1/charges", { ...body, card: { ...body.card, ...card } }, key);
    const first = await post({});
    assertEquals([first.status, first.body.state], [201, "committed"]);
    const again = [await post({ cvv })];
    await alice.kill();
    alice = await cluster.start("alice");
    await cluster.linked("alice");
    again.push(await post({}), await post({ cvv }));
    for (const { body: { id, state } } of again) {
      assertEquals([id, state], [first.body.id, "committed"]);
    }
    assertEquals(await balances(), [34_05, 75_95]);
    assertEquals((await cluster.pay("alice", "bob", "0.05")).code, 0);
  });

  await t.step("bob sees which account paid; alice and the coordinator see a card", async () => {
    const id = "01926a3e-7d24-7c54-9a3b-52b1c3f8e6a1";
    for (const name of ["alice", "bob", "coordinator"]) {
      const { body } = await cluster.node(name).get(`/v1/payments/${id}`);
      const { legs, card } = body as unknown as { legs: { account: string }[]; card?: string };
      assertEquals(legs.map(({ account }) => account), ["card@bob", "main@alice"], name);
      assertEquals(card, name === "bob" ? "main" : undefined, name);
      const at = ["--data", cluster.data(name)];
      const payer = name === "bob" ? "card@bob (main)" : "card@bob";
      const one = await cluster.run("payment", id, ...at);
      assertStringIncludes(one.stdout, `\n  ${payer}\t-2.00 USD\n`);
      const all = await cluster.run("payments", ...at);
      assertStringIncludes(all.stdout, `2.00 USD from ${payer} to main@alice\t${id}`);
    }
    const list = async (name: string) => {
      const { body } = await cluster.node(name).get("/v1/payments?account=main");
      return (body as unknown as { payments: unknown[] }).payments.length;
    };
    assertEquals([await list("alice"), await list("bob")], [6, 6]);
  });

  const wrongCvv = () => `${(Number(cvv) + 1) % 1000}`.padStart(3, "0");
  const declines: readonly [
    reason: string,
    amount: string,
    lines: () => string[],
    masked: string,
  ][] = [
    ["expiry_wrong", "1.00", () => [number, wrongExpiry], masked],
    ["cvv_wrong", "1.00", () => [number, expiry, wrongCvv()], masked],
    ["insufficient_funds", "76.01", () => [number, expiry, cvv], masked],
    ["card_unknown", "1.00", () => [unknownNumber, expiry], otherMasked],
  ];
  for (const [reason, amount, lines, shown] of declines) {
    await t.step(`${reason} is card_declined to alice, and told to bob alone`, async () => {
      const { code, stdout, stderr } = await charge(amount, lines(), "--json");
      answers.push(stdout);
      assertEquals(code, 3, stderr);
      assertStringIncludes(stderr, "card_declined");
      assertEquals(JSON.parse(stdout).code, "card_declined");
      assert(!(stdout + stderr + alice.stderr + alice.stdout).includes(reason));
      assert(!cluster.node("coordinator").stderr.includes(reason));
      const last = (await listed()).declined.at(-1);
      assertEquals([last?.reason, last?.masked, last?.merchant], [reason, shown, "alice"]);
      await bob.said(`by card ${shown}, payment`);
      assertStringIncludes(bob.stderr, reason);
      assertEquals(await balances(), [34_00, 76_00]);
      // What is paid clears what failed before.
      assertEquals((await charge("0.01", [number, expiry])).code, 0);
      assertEquals((await charge("0.01", [number, expiry])).code, 0);
      const back = await cluster.pay("alice", "main@bob", "0.02");
      assertEquals(back.code, 0, back.stderr);
    });
  }

  await t.step("a restart keeps cards, and what paid with them", async () => {
    for (const name of ["bob", "alice"]) {
      await cluster.node(name).kill();
      await cluster.start(name);
    }
    await cluster.linked("alice", "bob");
    assertEquals((await charge("3.00", [number, expiry, cvv])).code, 0);
    await cluster.unheld();
    assertEquals((await cluster.node("bob").account()).posted, 73_00);
    assertEquals((await cluster.node("alice").account()).posted, 37_00);
  });

  await t.step("without its key bob knows no card, and says so", async () => {
    const path = `${cluster.data("bob")}/card.key`;
    const restart = async () => {
      await cluster.node("bob").terminate();
      return await cluster.start("bob");
    };
    await Deno.rename(path, `${path}.away`);
    await (await restart()).said("until a copy of card.key is put back");
    assertEquals((await charge("1.00", [number, expiry, cvv])).code, 3);
    assertEquals((await listed()).declined.at(-1)?.reason, "card_unknown");
    // With a new key those cards would be lost for good.
    const add = await cluster.runReading(
      [unknownNumber, expiry].join("\n"),
      ...["card", "add", "--account", "main", ...atBob],
    );
    assertEquals(add.code, 1);
    assertStringIncludes(add.stderr, "put a copy of card.key back");
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
    await Deno.rename(`${path}.away`, path);
    await restart();
    assertEquals((await charge("0.01", [number, expiry, cvv])).code, 0);
  });

  await t.step("a removed card is declined", async () => {
    const { cards: [first] } = await listed();
    const { code, stderr } = await card("remove", "--id", first!.id);
    assertEquals(code, 0, stderr);
    assertEquals((await card("remove", "--id", first!.id)).code, 1);
    assertEquals((await charge("1.00", [number, expiry, cvv])).code, 3);
    assertEquals((await listed()).declined.at(-1)?.reason, "card_unknown");
    assertEquals((await listed()).cards, []);
  });

  await t.step("after five failures alice is not looked at for a while", async () => {
    for (let i = 0; i < 4; i++) assertEquals((await charge("1.00", [number, expiry])).code, 3);
    assertEquals((await charge("1.00", [number, expiry])).code, 3);
    assertEquals((await listed()).declined.slice(-2).map(({ reason }) => reason), [
      ...["card_unknown", "too_many_failures"],
    ]);
  });

  await t.step(
    "a number as an argument, or one that is malformed, is repeated nowhere",
    async () => {
      const { code, stderr } = await cluster.run(
        ...["charge", "--data", cluster.data("alice"), "--issuer", "bob", "--to", "main"],
        ...["--amount", "1.00", "--card", number],
      );
      assertEquals(code, 2);
      assert(!stderr.includes(number), stderr);
      const body = {
        issuer: "bob",
        to: "main",
        amount: "1",
        currency: "USD",
        card: { number: `${number}x`, expiry: number, cvv: number, [number]: number },
      };
      for (const path of ["/v1/charges", "/v1/cards", "/v1/payments", "/v1/nothing"]) {
        const answer = await cluster.node("alice").post(path, path === "/v1/payments" ? {} : body);
        answers.push(JSON.stringify(answer.body));
        assert(answer.status >= 400);
      }
    },
  );

  const needles = [...needlesOf(number), ...needlesOf(unknownNumber)];
  const nowhere = (text: string, what: string) =>
    assertEquals(formsIn(new TextEncoder().encode(text), needles), [], what);

  await t.step("no page and no answer shows the number", async () => {
    for (const name of cluster.names) {
      const node = cluster.node(name);
      for (const path of paths) answers.push(await textOf(node.data, path));
      const { body } = await node.get("/v1/payments?limit=100");
      const { payments } = body as unknown as { payments: { id: string }[] };
      for (const { id } of payments) {
        answers.push(await textOf(node.data, `/page/payments/${id}`));
        answers.push(await textOf(node.data, `/v1/payments/${id}`));
      }
    }
    const all = answers.join("\n");
    assert(all.length > 50_000, `${all.length}`);
    assertStringIncludes(all, masked);
    nowhere(all, "answers");
  });

  await t.step("the coordinator's memory does not hold it", async () => {
    if (Deno.build.os !== "linux") return;
    const { pid } = cluster.node("coordinator");
    const token = (await Deno.readTextFile(`${cluster.data("coordinator")}/token`)).trim();
    const sought = [...needles, { form: "its token", bytes: new TextEncoder().encode(token) }];
    const { forms, bytes } = await formsInMemory(pid, sought);
    // What must be there shows that it was read.
    assertEquals(forms, ["its token"]);
    assert(bytes > 10 * 1024 * 1024, `${bytes} bytes`);
  });

  await t.step("no file of any node holds it, while it runs and after", async () => {
    const search = async () => {
      let count = 0;
      for await (const path of filesIn(cluster.folder)) {
        assertEquals(await formsInFile(path, needles), [], path);
        count++;
      }
      assert(count > 20, `${count} files`);
    };
    await search();
    await cluster.stopAndVerify();
    await search();
    nowhere(cluster.said, "what processes said");
    assertStringIncludes(cluster.said, masked);
  });
}

const paths = [
  ...["/", "/events", "/metrics", "/healthz", "/readyz", "/openapi.json", "/v1/status"],
  ...["/v1/accounts", "/v1/cards", "/v1/payments", "/v1/in-doubt", "/v1/events?after=0"],
];

/** What a node answers as text; of a stream, its beginning. */
async function textOf(data: string, path: string): Promise<string> {
  const { url } = JSON.parse(await Deno.readTextFile(`${data}/api.json`)) as { url: string };
  const token = (await Deno.readTextFile(`${data}/token`)).trim();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 500);
  let text = "";
  try {
    const response = await fetch(url + path, {
      headers: { Authorization: `Bearer ${token}` },
      signal: stop.signal,
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  } finally {
    clearTimeout(timer);
  }
  return text;
}

async function* filesIn(folder: string): AsyncIterable<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesIn(path);
    else if (isFile) yield path;
  }
}
