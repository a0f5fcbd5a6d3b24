/** Between nodes there is TLS and nothing else. */

import { assert, assertEquals } from "@std/assert";
import { Capture, notTls } from "./capture.ts";
import { Cluster } from "./cluster.ts";
import { formsIn, formsInFile, needlesOf } from "./needles.ts";

const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };

Deno.test("what nodes say to each other is TLS only", async () => {
  await using cluster = await Cluster.make(openings, false);
  const capture = await Capture.begin(`${cluster.folder}/capture.pcapng`);
  await cluster.startAll();
  const paid = await cluster.pay("alice", "bob", "5.00");
  assertEquals(paid.code, 0, paid.stderr);
  await cluster.unheld();
  const port = Number((await cluster.node("coordinator").address()).split(":")[1]);
  const streams = (await capture.end()).filter(({ from, to }) => from === port || to === port);
  assert(streams.length >= 4, `${streams.length} streams of links`);
  for (const stream of streams) {
    assert(stream.bytes.length > 1_000, "a link without a payment");
    assertEquals(notTls(stream), undefined);
  }
});

Deno.test("what passes while a card is charged is TLS only, and its number is in no packet", async () => {
  // Nobody else's: all that passes on this machine is listened to.
  const number = "5370819462753181";
  const expiry = `12/${(new Date().getUTCFullYear() + 2) % 100}`;
  await using cluster = await Cluster.make(openings, false);
  const file = `${cluster.folder}/capture.pcapng`;
  const capture = await Capture.begin(file);
  const flags = ["--https"];
  await cluster.start("coordinator", { flags });
  await Promise.all(cluster.participants.map((name) => cluster.start(name, { flags })));
  const ports = new Set<number>();
  for (const name of cluster.names) {
    ports.add(Number((await cluster.node(name).address()).split(":")[1]));
    const { url } = JSON.parse(await Deno.readTextFile(`${cluster.data(name)}/api.json`));
    ports.add(Number(new URL(url).port));
  }
  assertEquals(ports.size, 6);

  const at = (name: string) => ["--data", cluster.data(name)];
  const add = ["card", "add", "--account", "main", ...at("bob")];
  const added = await cluster.runReading(`${number}\n${expiry}`, ...add);
  assertEquals(added.code, 0, added.stderr);
  const charge = ["charge", "--issuer", "bob", "--to", "main", "--amount", "5.00", ...at("alice")];
  const cvv = /CVV (\d{3}):/.exec(added.stdout)![1];
  const charged = await cluster.runReading(`${number}\n${expiry}\n${cvv}`, ...charge);
  assertEquals(charged.code, 0, charged.stderr);
  const streams = (await capture.end()).filter(({ from, to }) => ports.has(from) || ports.has(to));

  // Two links and two commands at least, each there and back.
  assert(streams.length >= 8, `${streams.length} streams`);
  for (const stream of streams) assertEquals(notTls(stream), undefined);
  const needles = needlesOf(number);
  for (const { bytes } of streams) assertEquals(formsIn(bytes, needles), []);
  assertEquals(await formsInFile(file, needles), []);
});

Deno.test("what is no TLS is told from it", () => {
  const of = (bytes: number[]) => ({ from: 1, to: 2, bytes: new Uint8Array(bytes) });
  assertEquals(notTls(of([22, 3, 1, 0, 1, 9, 23, 3, 3, 0, 2, 1, 2])), undefined);
  assert(notTls(of([...new TextEncoder().encode("GET / HTTP/1.1")])));
  assert(notTls(of([22, 3, 1, 0, 1, 9, 99, 3, 3, 0, 0])));
});

Deno.test("a node that serves HTTPS where its certificate does not reach says so, with the remedy", async () => {
  await using cluster = await Cluster.make(openings, false);
  const flags = ["--https"];
  const wrong = await cluster.start("coordinator", { flags, http: "localhost:0" });
  await wrong.said("its certificate does not name it; make it with --hosts localhost");
  await wrong.terminate();
  const right = await cluster.start("coordinator", { flags });
  assert(!right.stderr.includes("does not name it"));
});
