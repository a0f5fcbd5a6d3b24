/** One run: a seed, a faulty time, a healed time, and what must hold of both. */

import { orderMemoryMs } from "../limits.ts";
import { verifyOpen } from "../verify/mod.ts";
import { Log } from "../log/log.ts";
import { MemoryStorage } from "../log/storage.ts";
import type { PaymentId } from "../protocol/id.ts";
import { ParticipantNode } from "../node/participant_node.ts";
import { chaosOf, healed } from "./chaos.ts";
import { Client } from "./clients.ts";
import { checkClocks, checkCuts } from "./cuts.ts";
import { checkDetails } from "./details.ts";
import { Faults } from "./faults.ts";
import { Operator } from "./operators.ts";
import { Random } from "./random.ts";
import type { Rule } from "./violation.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  /** Participants; as the seed has it where missing. */
  readonly participants?: number;
  /** Takes each line of the run's trace. */
  readonly record?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  readonly committed: number;
  readonly aborted: number;
  readonly failure?: Failure;
}

export interface Failure {
  readonly rule: Rule;
  readonly message: string;
  readonly step: number;
  readonly payment?: PaymentId;
}

/** How long what was left of the faulty time may take to come to an end. */
const convergenceMsMax = 120_000;
/** What may wait has come by then, and orders for which nobody waits are forgotten. */
const settlingMs = orderMemoryMs + 2_000;
const stoppingMsMax = 20_000;

export async function run({ seed, participants, record }: RunOptions): Promise<RunResult> {
  const random = new Random(seed);
  const world = new World(random, chaosOf(random, participants), record);
  world.trace(() => `seed ${seed} ${JSON.stringify(world.chaos)}`);
  try {
    await live(world);
  } catch (thrown) {
    if (!(thrown instanceof Violation)) throw thrown;
    world.fail(thrown);
  }
  const { coordinator: { committed, aborted } } = world.watch.views;
  const found = world.violation;
  return {
    seed,
    steps: world.schedule.step,
    committed: committed.size,
    aborted: aborted.size,
    failure: found && {
      rule: found.violation.rule,
      message: found.violation.message,
      payment: found.violation.payment,
      step: found.step,
    },
  };
}

/** @throws {Violation} of what holds only at the end */
async function live(world: World): Promise<void> {
  const { schedule, chaos } = world;
  for (const machine of world.machines) machine.start();
  const clients: Client[] = [];
  for (const machine of world.participants) {
    for (let i = 0; i < chaos.clientsEach; i++) clients.push(new Client(world, machine));
  }
  const operators = world.participants.map((machine) => new Operator(world, machine));
  const running = Promise.all([...clients, ...operators].map((person) => person.run()));
  running.catch((thrown) => world.fail(new Violation("no node fails by itself", String(thrown))));
  const faults = new Faults(world);
  faults.begin();
  const until = async (isOver: () => boolean, withinMs: number): Promise<boolean> => {
    const endMs = schedule.nowMs + withinMs;
    let isTimeUp = false;
    schedule.after(withinMs, () => isTimeUp = true);
    await schedule.run(() => world.violation !== undefined || isTimeUp || isOver());
    if (world.violation) throw world.violation.violation;
    return schedule.nowMs < endMs;
  };
  await until(() => false, chaos.faultyMs);

  world.chaos = healed(chaos);
  faults.end();
  for (const person of [...clients, ...operators]) person.end();
  const isQuiet = () => clients.every(({ isDone }) => isDone) && [...remains(world)].length === 0;
  const isInTime = await until(isQuiet, convergenceMsMax);
  if (!isInTime) throw notTerminated(world, clients);
  await until(() => false, settlingMs);
  for (const line of remains(world)) throw new Violation("AC5 termination", line);
  await checkNodes(world, until);

  const stopping = Promise.all(world.machines.toReversed().map((machine) => machine.stop()));
  let hasStopped = false;
  stopping.then(() => hasStopped = true);
  const isStopped = await until(() => hasStopped, stoppingMsMax);
  if (!isStopped) throw new Violation("AC5 termination", "a node does not stop");
  for (const client of clients) client.check();
  checkClocks(world);
  if (mismatchesOf(world).length === 0) checkCuts(world);
  await checkLogs(world);
  await checkDetails(world, clients.flatMap((client) => [...client.told()]));
  if (world.violation) throw world.violation.violation;
}

/** What is not decided everywhere. */
function* remains(world: World): Iterable<string> {
  const { coordinator, participants } = world.watch.views;
  for (const machine of world.machines) {
    if (!machine.life?.isServing) yield `${machine.name} is down`;
  }
  for (const [name, { open }] of participants) {
    for (const [payment, { transaction }] of open) {
      yield `${name} holds ${transaction} of ${payment} for ever`;
    }
  }
  for (const [payment, { transaction }] of coordinator.committed) {
    if (!coordinator.ended.has(transaction)) yield `${payment} is committed and never ends`;
  }
}

function notTerminated(world: World, clients: readonly Client[]): Violation {
  const [unresolved] = clients.flatMap((client) => [...client.unresolved()]);
  const [line] = remains(world);
  const what = line ?? `${unresolved?.payment ?? unresolved?.key} never comes to an outcome`;
  return new Violation("AC5 termination", what, unresolved?.payment);
}

/** What the nodes themselves say when nothing is under way. */
async function checkNodes(
  world: World,
  until: (isOver: () => boolean, withinMs: number) => Promise<boolean>,
): Promise<void> {
  let isDone = false;
  const looks = world.machines.map(async (machine) => {
    const node = machine.life?.node;
    const status = await node?.status();
    if (status?.open) {
      throw new Violation("AC5 termination", `${machine.name} has ${status.open} open`);
    }
    if (!(node instanceof ParticipantNode)) return;
    const { unacknowledged } = world.watch.views.participant(machine.name);
    const raised = status!.mismatches.map(({ transaction }) => transaction);
    if (raised.toSorted().join() !== [...unacknowledged].toSorted().join()) {
      const what = `${machine.name} raises ${raised.join()}, and not ${[...unacknowledged].join()}`;
      throw new Violation("a mismatch is raised until somebody answers for it", what);
    }
    const shown = world.watch.asked(machine);
    const accounts = await node.accounts();
    shown(accounts);
    for (const { account, pendingDebits, pendingCredits } of accounts) {
      if (pendingDebits + pendingCredits === 0n) continue;
      throw new Violation("AC5 termination", `${machine.name} has holds left on ${account}`);
    }
    for (const book of await node.books()) {
      if (book.accounts + book.settlement + book.equity === 0n) continue;
      throw new Violation("books add up to zero", `those of ${machine.name} do not`);
    }
  });
  const all = Promise.all(looks).finally(() => isDone = true);
  all.catch(() => {});
  await until(() => isDone, settlingMs);
  await all;
}

/** The logs as `handfast verify` reads them. */
async function checkLogs(world: World): Promise<void> {
  const folders = await Promise.all(world.machines.map(async ({ name, disk }) => {
    const storage = new MemoryStorage(disk);
    return { dir: name, opened: { storage, log: await Log.open(storage) }, close: () => {} };
  }));
  const { violations } = await verifyOpen(folders);
  const mismatches = mismatchesOf(world);
  for (const payment of mismatches) {
    if (violations.some((line) => line.includes(payment))) continue;
    throw new Violation(
      "the logs verify",
      `nothing is said of the mismatch of ${payment}`,
      payment,
    );
  }
  // A mismatch breaks agreement and the sums, and nothing else.
  const others = violations.filter((line) =>
    !mismatches.some((payment) => line.includes(payment)) &&
    !(mismatches.length > 0 && line.includes("is not conserved"))
  );
  if (others.length > 0) throw new Violation("the logs verify", others.join("; "));
}

/** Payments of which an operator guessed wrong. */
function mismatchesOf({ watch: { views } }: World): PaymentId[] {
  return [...views.participants.values()].flatMap((view) => [...view.mismatches.values()]);
}
