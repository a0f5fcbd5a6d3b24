/** Looks at all that leaves a node, and at all that its disk keeps: nothing may be told before it is durable. */

import { toHex } from "../bytes.ts";
import { decodeFrame } from "../codec/frame.ts";
import type { Entry } from "../codec/record.ts";
import { decodeEntry } from "../codec/record.ts";
import type { AccountView, PaymentView } from "../http/node_api.ts";
import type { Write } from "../log/storage.ts";
import { joinParts, unseal } from "../log/stored.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Message } from "../protocol/message.ts";
import { decisionText } from "../protocol/message.ts";
import type { Life, Machine } from "./machine.ts";
import { Violation } from "./violation.ts";
import { broken, detailsRule, ParticipantView, Views } from "./views.ts";
import type { World } from "./world.ts";

const untold = "nothing is told before it is durable";

export class Watch {
  readonly views: Views;
  readonly #world: World;
  readonly #begun = new Map<TransactionId, PaymentId>();
  /** Ids that nodes have made: users here give an id or a key. */
  readonly #named = new Set<PaymentId>();

  constructor(world: World) {
    this.#world = world;
    this.views = new Views(world.participants.map(({ name }) => name));
  }

  /** What has just become durable. */
  written(machine: Machine, writes: readonly Write[]): void {
    const parts = writes.filter(({ key }) => key[0] === "entry").map(({ value }) => value!);
    if (parts.length === 0) return;
    this.#guard(() => {
      const { bytes, hash } = unseal(joinParts(parts)!, 0);
      const entry = decodeEntry(bytes);
      const { number, records } = entry;
      this.#world.trace(() => {
        const what = records.map((record) => {
          const payment = "order" in record ? record.order.payment : undefined;
          const named = "payment" in record ? record.payment : payment;
          return named ? `${record.type} ${named}` : record.type;
        });
        return `entry ${machine.name} ${number} ${toHex(hash).slice(0, 16)}: ${what.join(", ")}`;
      });
      this.views.add(machine.name, entry, toHex(hash));
      checkBeside(machine.name, entry, writes);
    });
  }

  /** A frame on its way. */
  sent(life: Life, to: string, payload: Uint8Array): void {
    const { machine } = life;
    if (machine.isPutBack) return;
    this.#guard(() => {
      const { name } = machine;
      const { number, hash, clock, messages } = decodeFrame(payload, name);
      if (this.views.of(name).hashes[number - 1] !== toHex(hash) && number > 0) {
        broken(untold, `${name} tells ${to} of entry ${number}, which its disk does not have`);
      }
      if (clock.get(name) !== number) broken(untold, `${name} counts itself ${clock.get(name)}`);
      for (const message of messages) this.#check(name, to, message);
    });
  }

  #check(name: string, to: string, message: Message): void {
    const { coordinator } = this.views;
    const view = this.views.of(name);
    switch (message.type) {
      case "order": {
        const { payment } = message.order;
        if (!this.#named.has(payment) || !(view instanceof ParticipantView)) return;
        if (view.keyed.has(payment)) return;
        return broken(untold, `${name} orders for a key that it has not recorded`, payment);
      }
      case "prepare": {
        const { transaction, order: { payment } } = message;
        const before = this.#begun.get(transaction);
        if (before && before !== payment) {
          broken("no transaction id comes back", `${transaction} is of ${before}, too`, payment);
        }
        this.#begun.set(transaction, payment);
        for (const { recipient, sealed } of message.details ?? []) {
          if (!sealed || recipient === to) continue;
          broken(detailsRule, `${to} is shown what ${recipient} alone is told`, payment);
        }
        return;
      }
      case "vote": {
        const { transaction, payment, yes } = message;
        if (!yes || !(view instanceof ParticipantView)) return;
        // It may be over by the time the vote leaves; what never commits may be voted for.
        const isDurable = view.open.get(payment)?.transaction === transaction ||
          view.posted.get(payment) === transaction || view.released.has(transaction);
        if (!isDurable) broken(untold, `${name} votes yes and has not prepared`, payment);
        return;
      }
      case "ack": {
        const { transaction, payment } = message;
        if (!(view instanceof ParticipantView) || view.posted.get(payment) === transaction) return;
        if (view.mismatches.has(transaction)) return;
        return broken(untold, `${name} acks and has not posted`, payment);
      }
      case "decision": {
        const { transaction, payment, commit, code } = message;
        if (commit) {
          // A participant may pass on what is durable at the coordinator.
          if (coordinator.committed.get(payment)?.transaction === transaction) return;
          return broken(untold, `${name} tells a commit that nobody has`, payment);
        }
        if (code && !coordinator.aborted.has(payment)) {
          broken(untold, `${name} tells ${code}, the coordinator has not`, payment);
        }
        const isKnown = coordinator.aborted.has(payment) || this.views.isBuried(transaction);
        if (view instanceof ParticipantView && !isKnown && !has(view, transaction, payment)) {
          broken(untold, `${name} tells an abort of ${transaction} that it has not`, payment);
        }
        return this.views.bury(transaction, payment, `${name} said`);
      }
      case "outcome":
        return this.#expectOutcome(name, message.payment, message.outcome.state);
    }
  }

  #expectOutcome(name: string, payment: PaymentId, state: string): void {
    const { committed, aborted } = this.views.coordinator;
    if (state === "committed" && !committed.has(payment)) {
      broken(untold, `${name} tells of a commit, the coordinator has none`, payment);
    }
    if (state === "aborted" && !aborted.has(payment)) {
      broken(untold, `${name} tells of an abort, the coordinator has none`, payment);
    }
  }

  /** A node has made the id for a payment that its user names by a key. */
  named(payment: PaymentId): void {
    this.#named.add(payment);
  }

  /** A user is told what became of a payment, or is shown it. */
  told(machine: Machine, payment: PaymentId, state: PaymentView["state"]): void {
    this.#guard(() => {
      this.#expectOutcome(machine.name, payment, state);
      const view = this.views.participant(machine.name);
      if (state !== "prepared" || view.preparedIn.has(payment)) return;
      broken(untold, `${machine.name} shows as prepared what it has not`, payment);
    });
  }

  /** A user asks for balances: what is shown must be what the disk has, from now on or later. */
  asked(machine: Machine): (accounts: readonly AccountView[]) => void {
    const { accounts: histories } = this.views.participant(machine.name);
    const since = new Map(
      [...histories].map(([name, { balances }]) => [name, balances.length - 1]),
    );
    return (accounts) => this.#guard(() => this.#shown(machine, accounts, since));
  }

  #shown(
    { name }: Machine,
    accounts: readonly AccountView[],
    since: ReadonlyMap<string, number>,
  ): void {
    const { accounts: histories } = this.views.participant(name);
    for (const { account, posted, pendingDebits, available } of accounts) {
      const balances = histories.get(account)?.balances.slice(since.get(account) ?? 0) ?? [];
      const isThere = balances.some((one) => one.posted === posted && one.held === pendingDebits);
      if (isThere && available === posted - pendingDebits && available >= 0n) continue;
      const there = balances.map(({ posted, held }) => `${posted} with ${held}`).join(", ");
      broken(
        untold,
        `${name} shows ${account} with ${posted}, of which ${pendingDebits} is held and ` +
          `${available} available; its disk has ${there}`,
      );
    }
  }

  /** Two nodes link. */
  linked(life: Life, peer: string): void {
    const other = this.#world.machines.find(({ name }) => name === peer);
    if (!other?.isPutBack && !life.machine.isPutBack) return;
    const rule = "a node without entries its peers have seen is refused";
    this.#world.fail(new Violation(rule, `${life.machine.name} links with ${peer}`));
  }

  /** A frame, for the trace. */
  describe(from: string, to: string, payload: Uint8Array): string {
    const { number, messages } = decodeFrame(payload, from);
    const said = messages.map((message) => {
      const payment = "order" in message ? message.order.payment : undefined;
      const named = "payment" in message ? message.payment : payment;
      const yes = "yes" in message ? ` ${message.yes ? "yes" : `no ${message.code}`}` : "";
      const commit = "commit" in message ? ` ${decisionText(message.commit)}` : "";
      const transaction = "transaction" in message ? ` ${message.transaction}` : "";
      return `${message.type}${yes}${commit}${transaction} ${named ?? ""}`.trimEnd();
    });
    return `frame ${from}>${to} @${number}: ${said.join(", ")}`;
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown;
      this.#world.fail(thrown);
    }
  }
}

/** What an entry's records are told stands in the same commit: no crash comes between. */
function checkBeside(name: string, { number, records }: Entry, writes: readonly Write[]): void {
  const stored = writes.filter(({ key, isWiping }) => key[0] === "details" && !isWiping);
  // Where one entry has two attempts, the details stand with the second.
  const told = new Map<PaymentId, number>();
  for (const [index, record] of records.entries()) {
    if (record.type === "prepared" && record.hasDetails) told.set(record.order.payment, index);
    else if (record.type === "erased") told.delete(record.payment);
  }
  const places = stored.map(({ key }) => key.join("/")).toSorted();
  const expected = [...told.values()].map((index) => `details/${number}/${index}`).toSorted();
  if (places.join() === expected.join()) return;
  broken(
    detailsRule,
    `${name} stores ${places.join()} with entry ${number}, not ${expected.join()}`,
  );
}

/** Whether a participant has on its disk why a transaction never commits. */
function has(view: ParticipantView, transaction: TransactionId, payment: PaymentId): boolean {
  const posted = view.posted.get(payment);
  const open = view.open.get(payment);
  // What an operator has forced otherwise is never voted for again.
  for (const [forced, of] of view.mismatches) {
    if (of === payment && forced !== transaction) return true;
  }
  return view.refused.has(transaction) || view.released.has(transaction) ||
    (posted !== undefined && posted !== transaction) ||
    (open !== undefined && open.transaction !== transaction);
}
