/**
 * Bugs that have broken real systems, each put into a copy of the source as a change of one line. The
 * simulator must find every one of them.
 *
 *   deno task mutants    prints the table of README.md in src/simulation
 */

import type { Patch } from "./patched.ts";
import { patchedCopy } from "./patched.ts";

export interface Mutant extends Patch {
  readonly name: string;
  /** Seeds within which it must be found. */
  readonly seeds: number;
}

const participant = "src/protocol/participant.ts";
const inquiries = "src/protocol/inquiries.ts";
const coordinator = "src/protocol/coordinator.ts";
const loop = "src/node/loop.ts";

export const mutants: readonly Mutant[] = [
  {
    name: "ack before durable",
    file: participant,
    find: "out.confirm(this.#coordinator, ack);",
    replace: "out.send(this.#coordinator, ack);",
    seeds: 50,
  },
  {
    name: "send before append",
    file: loop,
    find: "frames = this.#frames(sends, { ...head, clock });",
    replace: "for (const early of this.#frames(sends, { ...head, clock })) this.#tell(early);",
    seeds: 50,
  },
  {
    name: "reply before append",
    file: loop,
    find: "for (const early of out.earlyReplies) reply(early);",
    replace:
      "for (const early of out.earlyReplies) reply(early); for (const waiter of waiters.splice(0)) waiter.done();",
    seeds: 50,
  },
  {
    name: "transaction id reused after a restart",
    file: coordinator,
    find: "const epoch: Epoch = { counter: membership.epochs.length + 1, nonce };",
    replace: "const epoch: Epoch = membership.epoch ?? { counter: 1, nonce };",
    seeds: 50,
  },
  {
    name: "abort presumed for an open transaction",
    file: coordinator,
    find: `out.send(from, { type: "undecided", transaction, payment, why: "voting" });`,
    replace: `out.send(from, { type: "decision", transaction, payment, commit: false });`,
    seeds: 50,
  },
  {
    name: "forgotten with one ack outstanding",
    file: coordinator,
    find: "if (open.unacked.length === 0) {",
    replace: "if (open.unacked.length <= 1) {",
    seeds: 50,
  },
  {
    name: "votes counted instead of voters",
    file: coordinator,
    find: "if (!removeName(waitingFor, from)) return;",
    replace: "waitingFor.shift();",
    seeds: 50,
  },
  {
    name: "refusal not durable",
    file: inquiries,
    find: `this.#record({ type: "refused", transaction, payment }, turn, out);`,
    replace: "",
    seeds: 50,
  },
  {
    name: '"never voted yes" from memory only',
    file: inquiries,
    find:
      "if (this.#lookUps.isBusy(payment) || !this.#lookUps.isAbsent(payment, event, out)) return;",
    replace: "",
    seeds: 500,
  },
  {
    name: "credit spendable while pending",
    file: "src/protocol/ledger.ts",
    find: "return account.posted - account.pendingDebits;",
    replace: "return account.posted - account.pendingDebits + account.pendingCredits;",
    seeds: 50,
  },
  {
    name: "a prepared participant times out",
    file: inquiries,
    find: "held.askedMs = nowMs;",
    replace:
      `if (!this.#isLinked()) { this.#record({ type: "released", transaction: held.transaction, payment }, turn, out); continue; }`,
    seeds: 50,
  },
  {
    name: "payment aborted with its transaction",
    file: participant,
    find: `    } else if (code) {
      const answer =`,
    replace: `    } else if (!commit) {
      const code = decision.code ?? "vote_timeout";
      const answer =`,
    seeds: 50,
  },
  {
    name: "window of ids by the wall clock",
    file: coordinator,
    find: "if (!this.#lookUps.isAbsent(payment, event, out)) return;",
    replace:
      "if (paymentIdMs(payment) < turn.atMs - 60_000 && !this.#lookUps.isAbsent(payment, event, out)) return;",
    seeds: 50,
  },
  {
    name: "mark of evicted ids not raised",
    file: "src/protocol/look_ups.ts",
    find: "if (mark > this.#mark) this.#mark = mark;",
    replace: "",
    seeds: 50,
  },
  {
    name: "forgotten before the index is durable",
    file: "src/protocol/generations.ts",
    find: "this.#older = this.#younger;",
    replace: "this.#older = new Map();",
    seeds: 50,
  },
  {
    name: "witness not checked",
    file: "src/link/memory.ts",
    find: "if (seen === undefined) return;",
    replace: "if (seen === undefined || seen.number >= 0) return;",
    seeds: 50,
  },
  {
    name: "clock taken over in part",
    file: "src/node/inbound.ts",
    find: `if (!isKnown && (role === "participant" || peers.isNewcomer(peer))) return false;`,
    replace: "",
    seeds: 50,
  },
  {
    // It shows in the clocks. The coordinator's greeting to another, or the head that it announces while
    // the newcomer's record waits for the disk, counts the newcomer's entries; then its power fails, and
    // the other is back before the newcomer. What the coordinator writes next cites an entry of which it
    // does not have all the past ("clocks are consistent cuts"). So it takes a crash at a first meeting.
    name: "newcomer believed before it is recorded",
    file: "src/node/peers.ts",
    find: "if (this.#newcomers.has(peer)) return false;",
    replace: "",
    seeds: 500,
  },
  {
    name: "key not durable before its order leaves",
    file: participant,
    find: `this.#record({ type: "keyed", key, request: content, payment }, turn, out);`,
    replace: `this.#record({ type: "keyed", key, request: content, payment }, turn, out, false);`,
    seeds: 50,
  },
  {
    name: "another's account debited",
    file: participant,
    find: "isOurs && this.#own.confirms(order)",
    replace: "true",
    seeds: 50,
  },
  {
    name: "checkpoint without what is held",
    file: "src/protocol/participant_state.ts",
    find: `yield [open.context, { type: "prepared", transaction, order, card }];`,
    replace: "",
    seeds: 50,
  },
  {
    name: "a layer of balances forgotten at replay",
    file: "src/log/checkpoint.ts",
    find: "await replayPieces(storage, { ...layer, first: 0, below }, apply);",
    replace:
      "await replayPieces(storage, { ...layer, first: 0, below }, layer === layers[1] ? () => {} : apply);",
    seeds: 50,
  },
  {
    name: "a changed balance not noted",
    file: "src/protocol/ledger.ts",
    find: "this.#note(account);",
    replace: "if (amount > 0n) this.#note(account);",
    seeds: 50,
  },
  {
    name: "a layer on a checkpoint that was never finished",
    file: "src/log/log.ts",
    find: "this.#isUnfinished ||= record.number > (checkpoint?.number ?? 0);",
    replace: "",
    seeds: 50,
  },
  {
    name: "a layer deleted that is still read",
    file: "src/log/checkpoint.ts",
    find: "if (!used.has(number)) unused.push",
    replace: "unused.push",
    seeds: 50,
  },
  {
    name: "a checkpoint that names no runs of payments",
    file: "src/log/look_up_index.ts",
    find: "payments: this.#of(kinds.payments).at(-1)?.number ?? 0,",
    replace: "payments: 0,",
    seeds: 50,
  },
  {
    name: "merged keys forgotten",
    file: "src/log/look_up_index.ts",
    find: "runs.splice(runs.indexOf(inputs[0]!), inputs.length, output);",
    replace: "runs.splice(runs.indexOf(inputs[0]!), inputs.length);",
    seeds: 500,
  },
  {
    name: "late payments not looked for",
    file: "src/log/look_up_index.ts",
    find: "return this.#of(kinds.payments).concat(this.#of(kinds.late));",
    replace: "return this.#of(kinds.payments);",
    seeds: 50,
  },
  {
    name: "a filter that knows none of its payments",
    file: "src/log/look_up_index.ts",
    find: "filter?.add(key);",
    replace: "",
    seeds: 50,
  },
  {
    name: "settled payments taken for new, but for the first",
    file: "src/protocol/generations.ts",
    find: "if (key > this.#highest) this.#highest = key;",
    replace: "this.#highest ||= key;",
    seeds: 50,
  },
  {
    name: "what is read taken for what was read before, by its hash",
    file: "src/codec/interned.ts",
    find: "if (keys[key++] !== bytes[at++]) return undefined;",
    replace: "{ key++; at++; }",
    seeds: 50,
  },
  {
    name: "what a checkpoint is writing not looked at",
    file: "src/log/look_up_index.ts",
    find: "for (const items of [this.#writing, this.#young]) {",
    replace: "for (const items of [this.#young]) {",
    seeds: 500,
  },
  {
    name: "checkpoint without the account behind a card",
    file: "src/protocol/participant_state.ts",
    find: `yield [open.context, { type: "prepared", transaction, order, card }];`,
    replace: `yield [open.context, { type: "prepared", transaction, order }];`,
    seeds: 200,
  },
  {
    name: "a card pays whatever its expiry",
    file: "src/protocol/issuer.ts",
    find: `if (!claim.expiry || !sameMonth(claim.expiry, card.expiry)) return "expiry_wrong";`,
    replace: "",
    seeds: 50,
  },
  {
    name: "a charge that is declined is voted for",
    file: participant,
    find:
      `if (cardLeg && card === undefined) return this.#vote(prepare, false, out, "card_declined");`,
    replace: `if (cardLeg && card === undefined) return this.#vote(prepare, true, out);`,
    seeds: 50,
  },
  {
    name: "heuristic decision told as a decision",
    file: inquiries,
    find: "      // A heuristic decision is never told as a decision.",
    replace:
      `if (open.type === "forced") return out.send(from, { type: "decision", transaction, payment, commit: open.commit, orderHash: open.commit ? open.order.hash : undefined, decided: open.commit ? open.context : undefined });`,
    seeds: 500,
  },
  {
    name: "mismatch forgotten at a checkpoint",
    file: "src/protocol/participant_state.ts",
    find: `yield [context, { type: "unacknowledged", transaction, payment, commit, by }];`,
    replace: "",
    seeds: 500,
  },
  {
    name: "details stored before their record",
    file: "src/log/log.ts",
    find: "const committed = this.#storage.commit([...writes, ...beside.writes()]);",
    replace:
      "await this.#storage.commit([...beside.writes()]); const committed = this.#storage.commit(writes);",
    seeds: 50,
  },
  {
    name: "details shown to all",
    file: "src/protocol/details.ts",
    find: "return recipient === name ? one : { recipient, hash };",
    replace: "return one;",
    seeds: 50,
  },
  {
    name: "details left out when sent again",
    file: participant,
    find: "const { order, details } = own;",
    replace: "const { order } = own; const details = undefined;",
    seeds: 50,
  },
  {
    name: "details erased while a payment is open",
    file: "src/protocol/administration.ts",
    find: "const isOver = !this.#state.held(payment);",
    replace: "const isOver = true;",
    seeds: 50,
  },
];

export interface Finding {
  readonly mutant: Mutant;
  /** Missing where no seed found it. */
  readonly failed?: { readonly seed: number; readonly rule: string };
}

/**
 * Runs the simulator over a copy of the source with one bug in it.
 *
 * @param isChecked whether the compiler looks at it first: a bug that is none of the program's would be
 * found, too. It takes some seconds.
 */
export async function hunt(mutant: Mutant, isChecked = false): Promise<Finding> {
  const folder = await patchedCopy([mutant]);
  try {
    const args = ["sim", "--seeds", String(mutant.seeds), "--jobs", "1", "--json"];
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", isChecked ? "--check" : "--no-check", "--frozen"],
        ...[`${folder}/main.ts`, ...args],
      ],
      cwd: folder,
    });
    const { code, stdout, stderr } = await command.output();
    const text = new TextDecoder().decode(stdout);
    if (code !== 0 && code !== 5) {
      throw new Error(`"${mutant.name}" does not run: ${new TextDecoder().decode(stderr)}`);
    }
    const { failed } = JSON.parse(text) as { failed: Finding["failed"] | null };
    return { mutant, failed: failed ?? undefined };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Hunts them, two at a time. */
export async function huntAll(
  hunted: readonly Mutant[],
  found: (finding: Finding) => void,
  isChecked = false,
): Promise<void> {
  const waiting = [...hunted];
  await Promise.all([1, 2].map(async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      found(await hunt(next, isChecked));
    }
  }));
}

if (import.meta.main) {
  const findings = new Map<Mutant, Finding>();
  await huntAll(mutants, (finding) => {
    findings.set(finding.mutant, finding);
    console.error(`${finding.mutant.name}: ${finding.failed ? "found" : "NOT FOUND"}`);
  }, true);
  console.log("| bug | where | seeds it took | what it broke |\n| --- | --- | --- | --- |");
  for (const mutant of mutants) {
    const { failed } = findings.get(mutant)!;
    const [seeds, rule] = failed
      ? [String(failed.seed), failed.rule]
      : [`more than ${mutant.seeds}`, ""];
    console.log(`| ${mutant.name} | \`${mutant.file}\` | ${seeds} | ${rule} |`);
  }
  if ([...findings.values()].some(({ failed }) => !failed)) Deno.exit(1);
}
