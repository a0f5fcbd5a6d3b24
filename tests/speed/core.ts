/**
 * What a payment costs of a processor, without sockets and disks: a coordinator and its participants in
 * one thread, with everything else of theirs. Prints a JSON line: microseconds of one core a payment, and
 * how many times that is what a fixed piece of work of the same kind takes here and now, which other machines
 * and other load change less. Of several rounds the least of each counts: what disturbs only adds.
 *
 *   deno run -A tests/speed/core.ts [--payments=10000] [--rounds=5] [--inflight=512] [--participants=2]
 *     [--profile=FILE]
 */

import { createHash } from "node:crypto";
import inspector from "node:inspector/promises";
import process from "node:process";
import { parseArgs } from "@std/cli/parse-args";
import { Load } from "../../src/bench/load.ts";
import { inProcess } from "../../src/bench/payer.ts";
import { accountName, currency, opening } from "../../src/bench/workload.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import type { Greeted, LinkHost, LinkLayer } from "../../src/link/host.ts";
import { Log } from "../../src/log/log.ts";
import type { Storage, StorageKey, Write } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { CoordinatorNode } from "../../src/node/coordinator_node.ts";
import { IdentitySealing } from "../../src/node/identity_sealing.ts";
import { IdentityTrust } from "../../src/node/identity_trust.ts";
import { ParticipantNode } from "../../src/node/participant_node.ts";
import { machine } from "../../src/node/surroundings.ts";
import { cardKeeping } from "../../src/simulation/cards.ts";

const flags = parseArgs(Deno.args, {
  string: ["payments", "rounds", "inflight", "participants", "profile"],
});
const payments = Number(flags.payments ?? 10_000);
const rounds = Number(flags.rounds ?? 5);
const inFlight = Number(flags.inflight ?? 512);
const coordinator = "coordinator";
const payers = Array.from({ length: Number(flags.participants ?? 2) }, (_, i) => `p${i + 1}`);
const names = [coordinator, ...payers];
const accounts = 1_000;

/** Frames go from one node to the other in a later turn of the event loop, all of one turn together. */
class Wire implements LinkLayer {
  static readonly hosts = new Map<string, LinkHost>();
  readonly #name: string;
  readonly #queues = new Map<string, Uint8Array[]>();

  constructor(name: string, host: LinkHost) {
    this.#name = name;
    Wire.hosts.set(name, host);
  }

  send(peer: string, payload: Uint8Array): boolean {
    const queue = this.#queues.get(peer);
    if (queue) queue.push(payload);
    else {
      this.#queues.set(peer, [payload]);
      setTimeout(() => this.#deliver(peer), 0);
    }
    return true;
  }

  #deliver(peer: string): void {
    const queue = this.#queues.get(peer)!;
    this.#queues.delete(peer);
    for (const payload of queue) Wire.hosts.get(peer)!.received(this.#name, payload);
  }

  listen = () => ({ hostname: "127.0.0.1", port: 1 });
  dial(): void {}
  hangUp(): void {}
  closeLink(): void {}
  hurry(): void {}
  close = () => Promise.resolve();
}

/** A disk that takes its time, as one with a sync does, and none of the processor's. */
class SlowStorage implements Storage {
  readonly #inner = new MemoryStorage({ values: [], headVersion: 0 });
  get = (key: StorageKey) => this.#inner.get(key);
  listFrom = (word: string, from: StorageKey) => this.#inner.listFrom(word, from);
  close(): void {}

  async commit(writes: readonly Write[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    // Nobody looks up what was written but the index, whose pages stay.
    await this.#inner.commit(writes.filter(({ key }) => key[0] !== "entry"));
  }
}

const folder = await Deno.makeTempDir({ prefix: "handfast-core-" });
const certs = `${folder}/certs`;
await initCertificates({ dir: certs, nodes: names });
const nodes = new Map<string, CoordinatorNode | ParticipantNode>();
const trusts = new Map<string, IdentityTrust>();
for (const name of names) {
  const identity = await loadIdentity({ certs, name });
  const trust = new IdentityTrust(identity);
  trusts.set(name, trust);
  const options = {
    identity,
    surroundings: {
      ...machine,
      trust,
      sealing: new IdentitySealing(identity),
      links: (host: LinkHost) => new Wire(name, host),
    },
    log: await Log.open(new SlowStorage()),
    listen: { hostname: "127.0.0.1", port: 0 },
    print: (level: string, line: string) => level === "error" && console.error(line),
  };
  nodes.set(
    name,
    name === coordinator
      ? new CoordinatorNode(options)
      : new ParticipantNode({ ...options, coordinator, cards: cardKeeping }),
  );
}
await Deno.remove(folder, { recursive: true });
for (const node of nodes.values()) {
  node.failed.catch((error) => {
    console.error(error);
    Deno.exit(1);
  });
  await node.start();
  node.listen();
}
const greeted = (name: string): Greeted => ({
  ...nodes.get(name)!.greeting(),
  introduction: trusts.get(name)!.introduction,
});
for (const name of payers) {
  nodes.get(coordinator)!.linkUp(name, "participant", greeted(name));
  nodes.get(name)!.linkUp(coordinator, "coordinator", greeted(coordinator));
}
const participants = payers.map((name) => nodes.get(name) as ParticipantNode);
for (const node of participants) {
  await Promise.all(
    Array.from(
      { length: accounts },
      (_, i) => node.openAccount({ account: accountName(i), currency, opening }),
    ),
  );
  while (!node.isReady()) await new Promise((resolve) => setTimeout(resolve, 10));
}
await new Promise((resolve) => setTimeout(resolve, 200));

async function pay(count: number): Promise<number> {
  const workload = {
    participants: payers,
    accounts,
    legs: 2,
    memo: false,
    refusals: 0,
  };
  const before = process.cpuUsage();
  await Promise.all(
    participants.map((node) =>
      new Load(inProcess(node), workload).pay(inFlight / payers.length, count / payers.length)
    ),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** Microseconds of a fixed piece of work: strings, small byte arrays, maps, big integers and hashes. */
function calibration(): number {
  const rounds = 20_000;
  const sums = new Map<string, bigint>();
  const bytes = new Uint8Array(1024);
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) {
    const parts: Uint8Array[] = [];
    for (let part = 0; part < 4; part++) parts.push(bytes.slice(part * 32, part * 32 + 40));
    const key = `${parts[i % 4]!.length}-${(i * 7919) % 5_000}-account`;
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(i));
    bytes[i % 1024] = i;
    if (i % 8 === 0) createHash("sha256").update(bytes).digest();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / rounds;
}

await pay(2 * payments);
calibration();
const session = new inspector.Session();
if (flags.profile) {
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
}
let us = Infinity;
let unitUs = Infinity;
for (let round = 0; round < rounds; round++) {
  unitUs = Math.min(unitUs, calibration());
  us = Math.min(us, await pay(payments));
}
if (flags.profile) {
  const { profile } = await session.post("Profiler.stop");
  await Deno.writeTextFile(String(flags.profile), JSON.stringify(profile));
}
console.log(JSON.stringify({
  inFlight,
  payments,
  us: Number(us.toFixed(1)),
  unitUs: Number(unitUs.toFixed(2)),
  units: Number((us / unitUs).toFixed(2)),
}));
Deno.exit(0);
