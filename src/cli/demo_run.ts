/** The demo: a coordinator and two ledgers in one process, with real links and real logs. */

import type { Endpoint } from "../endpoint.ts";
import { initCertificates } from "../keys/init.ts";
import type { PaymentAnswer } from "../http/node_api.ts";
import { ParticipantNode } from "../node/participant_node.ts";
import type { RunningNode } from "../node/run.ts";
import { startNode, stopSignal } from "../node/run.ts";
import { waitMsDefault } from "../limits.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Leg } from "../protocol/order.ts";
import type { Found } from "../protocol/step.ts";
import { amountText } from "./amounts.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { terminalStyle } from "./style.ts";

const currency = "USD";
/** Minor units. */
const openings = { alice: 20_000_00n, bob: 23_183_00n } as const;
const anywhere: Endpoint = { hostname: "127.0.0.1", port: 0 };

/** The steps are for people to read also where they go to a file. */
const columns = terminalStyle(false);

interface Scene {
  readonly coordinator: RunningNode;
  readonly alice: RunningParticipant;
  readonly bob: RunningParticipant;
}

interface RunningParticipant extends RunningNode {
  readonly node: ParticipantNode;
}

export interface DemoOptions {
  /** End after the payments, instead of serving the page. */
  readonly once: boolean;
  readonly json: boolean;
}

/** Runs the demo in a folder of its own, which it removes. Returns the exit code. */
export async function runDemo({ once, json }: DemoOptions, io: Io): Promise<number> {
  const ended = stopSignal().then(() => undefined);
  const folder = await Deno.makeTempDir({ prefix: "handfast-demo-" });
  const say = json ? () => {} : io.out;
  try {
    const scene = await open(folder);
    try {
      say("A coordinator and two ledgers, alice and bob, each with a log of its own on disk.");
      const played = play(
        scene,
        io,
        say,
        json ? (value) => io.out(JSON.stringify(value)) : () => {},
      )
        .then(() => conclude(scene, json, io));
      // Whoever ends it early does not wait for what it comes to.
      played.catch(() => {});
      const isConserved = await Promise.race([played, ended]);
      // Whoever wants to know what it comes to has to wait for that.
      if (isConserved === undefined) return once ? exitCode.failed : exitCode.done;
      if (once || !isConserved) return isConserved ? exitCode.done : exitCode.violation;
      const pageAt = `The status page: ${scene.coordinator.url} (Ctrl-C ends the demo)`;
      if (json) io.err(pageAt);
      else say(pageAt);
      await ended;
      return exitCode.done;
    } finally {
      for (const { stop } of [scene.alice, scene.bob, scene.coordinator]) await stop();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function open(folder: string): Promise<Scene> {
  const certs = `${folder}/certs`;
  await initCertificates({ dir: certs, nodes: ["coordinator", "alice", "bob"] });
  const start = (name: string, server?: Endpoint) =>
    startNode({
      role: server ? "participant" : "coordinator",
      name,
      certs,
      data: `${folder}/${name}`,
      listen: anywhere,
      http: anywhere,
      server,
      serverName: "coordinator",
      open: server
        ? [{ account: "main", amount: openings[name as keyof typeof openings], currency }]
        : [],
      logLevel: "warn",
    }, (level, line) => level === "error" && console.error(line));
  const coordinator = await start("coordinator");
  const port = Number(coordinator.listen.split(":").at(-1));
  const server = { hostname: anywhere.hostname, port };
  const [alice, bob] = await Promise.all([
    linked(start("alice", server)),
    linked(start("bob", server)),
  ]);
  return { coordinator, alice, bob };
}

async function linked(starting: Promise<RunningNode>): Promise<RunningParticipant> {
  const { node, ...rest } = await starting;
  if (!(node instanceof ParticipantNode)) throw new TypeError(`${node.name} is no participant`);
  await node.linked;
  return { node, ...rest };
}

type Say = (line: string) => void;

async function play(scene: Scene, io: Io, say: Say, tell: (value: unknown) => void) {
  const { alice, bob } = scene;
  const pay = async (from: RunningParticipant, to: RunningParticipant, amount: bigint) => {
    const text = `${from.node.name} pays ${to.node.name} ${amountText(amount, currency)}`;
    const legs = [legOf(from, -amount), legOf(to, amount)];
    const answer = await from.node.submit({ legs, waitMs: waitMsDefault });
    return { from: from.node.name, text, answer };
  };
  const show = async ({ from, text, answer }: Awaited<ReturnType<typeof pay>>) => {
    const payment = "payment" in answer ? answer.payment.id : answer.id;
    const outcome = outcomeOf(answer);
    const steps = await stepsOf(scene, payment);
    say("");
    say(io.style.paint("strong", `${text}: ${outcome}`));
    say(`  ${from} asks the coordinator, and it asks each ledger: can you?`);
    for (const line of columns.table(steps.map(rowOf), false)) say(`  ${line}`);
    tell({ payment, text, outcome, steps });
  };
  await showBalances(scene, say);
  await show(await pay(alice, bob, 125_00n));
  await show(await pay(bob, alice, 1_000_50n));
  const several = [alice, bob, alice, bob].map((from, i) =>
    pay(from, from === alice ? bob : alice, BigInt(i + 1) * 10_00n)
  );
  say("");
  say("Four at once; their records share entries, and so syncs of the disk:");
  for (const paid of await Promise.all(several)) await show(paid);
  say("");
  say("More than alice has. Her ledger votes no, so the payment is aborted everywhere:");
  await show(await pay(alice, bob, 1_000_000_00n));
  say("");
  await showBalances(scene, say);
}

function legOf({ node }: RunningNode, amount: bigint): Leg {
  return { account: "main", participant: node.name, amount, currency };
}

function outcomeOf(answer: PaymentAnswer): string {
  if (answer.state === "rejected") return `rejected (${answer.code})`;
  if (answer.state === "aborted") return `aborted (${answer.payment.code})`;
  return answer.state;
}

/** One durable step of a payment. */
interface Step {
  readonly node: string;
  readonly what: string;
  /** RFC 3339. Missing, as are the others, where nothing was written. */
  readonly at?: string;
  readonly entry?: number;
  readonly clock?: Readonly<Record<string, number>>;
}

/** What the logs of the three nodes say of a payment, in the order of two-phase commit. */
async function stepsOf({ coordinator, alice, bob }: Scene, payment: PaymentId): Promise<Step[]> {
  const decided = await coordinator.node.history(payment);
  const held = await Promise.all(
    [alice, bob].map(async ({ node }) => ({ node: node.name, found: await node.history(payment) })),
  );
  const steps: Step[] = [];
  for (const { node, found } of held) {
    const prepared = found.find(([, record]) => record.type === "prepared");
    if (prepared) steps.push(stepOf(node, "votes yes: prepared, its leg is held", prepared));
    else steps.push({ node, what: "votes no: nothing is held, nothing written" });
  }
  for (const found of decided) {
    const what = found[1].type === "committed"
      ? "decides: committed, this is the moment of payment"
      : "decides: aborted, for good";
    steps.push(stepOf(coordinator.node.name, what, found));
  }
  for (const { node, found } of held) {
    for (const one of found) {
      const { type } = one[1];
      if (type === "posted") steps.push(stepOf(node, "posts its leg", one));
      if (type === "released") steps.push(stepOf(node, "releases its hold", one));
    }
  }
  return steps;
}

function stepOf(node: string, what: string, [{ number, atMs, clock }]: Found): Step {
  const at = new Date(atMs).toISOString();
  return { node, what, at, entry: number, clock: Object.fromEntries(clock) };
}

/** Who, what, when and where it became durable, and the clock of that entry. */
function rowOf({ node, what, at, entry, clock }: Step): string[] {
  if (at === undefined) return [node, what];
  const counts = Object.entries(clock ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  const text = counts.map(([name, count]) => `${name}:${count}`).join(" ");
  return [node, what, `${at.slice(11, 23)} UTC`, `entry ${entry}`, `clock {${text}}`];
}

async function balanceOf(node: ParticipantNode): Promise<bigint> {
  const accounts = await node.accounts();
  return accounts.reduce((sum, { posted }) => sum + posted, 0n);
}

async function showBalances({ alice, bob }: Scene, say: Say): Promise<void> {
  for (const { node } of [alice, bob]) {
    say(`${node.name} has ${amountText(await balanceOf(node), currency)}`);
  }
}

/** Whether the ledgers together have what they began with, and each ledger's books add up. */
async function conclude({ alice, bob }: Scene, json: boolean, io: Io): Promise<boolean> {
  const sums = await Promise.all([alice, bob].map(({ node }) => balanceOf(node)));
  const sum = sums.reduce((a, b) => a + b, 0n);
  const expected = openings.alice + openings.bob;
  const books = (await Promise.all([alice, bob].map(({ node }) => node.books()))).flat();
  const isZero = books.every((book) => book.accounts + book.settlement + book.equity === 0n);
  const settled = books.reduce((total, { settlement }) => total + settlement, 0n) === 0n;
  const isConserved = sum === expected && isZero && settled;
  const word = isConserved ? "conserved" : "NOT conserved";
  const text = `${word}: the ledgers have ${amountText(sum, currency)} together, and began with ` +
    `${amountText(expected, currency)}; their books ${
      isZero && settled ? "" : "do not "
    }add up to zero`;
  if (json) {
    io.out(JSON.stringify({ conserved: isConserved, sum: `${sum}`, expected: `${expected}` }));
  } else io.out(text);
  return isConserved;
}
