/**
 * All that can happen to a small network, in whatever order it happens. What was sent stays on its way, and
 * arrives at any time, never, or more than once: so messages are lost, late, doubled and overtaken without
 * a further word, as in Lamport's specifications of such protocols.
 */

import type { OpenCore } from "./open_core.ts";
import { unsettledIn, violationIn, wrongAnswer } from "./rules.ts";
import type { Scope } from "./scope.ts";
import { requestFor } from "./scope.ts";
import type { Envelope, Local, Option, Step } from "./world.ts";
import {
  hears,
  isToReadmit,
  linking,
  readmitting,
  readmittingBack,
  restoring,
  ticking,
  World,
} from "./world.ts";

export interface Explored {
  /** Of the network, but those in which something else has only not been sent yet. */
  readonly states: number;
  readonly nodeStates: number;
  readonly messages: number;
  readonly violation?: Violation;
}

export interface Violation {
  readonly rule: string;
  /** What had happened. */
  readonly way: readonly string[];
}

/** A state of the network, and how it came to it. */
interface State {
  readonly locals: readonly Local[];
  /** Messages, by their numbers. */
  readonly sent: Sent;
  readonly from?: State;
  readonly by?: Option;
}

/** A set of small numbers, 30 a word. */
type Sent = readonly number[];
const perWord = 30;
/** More than a network needs to come to rest. */
const roundsMax = 40;

export class Explorer {
  readonly #scope: Scope;
  readonly #world: World;
  /** By the states of all nodes: what was sent, at most. */
  readonly #most = new Map<string, Sent[]>();
  /** From which all has come to a good end. */
  readonly #settled = new Set<string>();
  readonly #quietOf = new Map<Local, readonly Step[]>();
  #states = 0;

  constructor(scope: Scope, core: OpenCore) {
    this.#scope = scope;
    this.#world = new World(scope, core);
  }

  explore(): Explored {
    const todo: State[] = [];
    let violation = this.#meet({ locals: this.#world.first(), sent: [] }, todo);
    // The last first: the more was sent already, the less has to be looked at again with more.
    for (let state = todo.pop(); state && !violation; state = todo.pop()) {
      if (!this.#isMost(state)) continue;
      violation = this.#follow(state, todo);
    }
    const { localCount: nodeStates, messageCount: messages } = this.#world;
    return { states: this.#states, nodeStates, messages, violation };
  }

  #follow(state: State, todo: State[]): Violation | undefined {
    const { locals, sent } = state;
    for (const [node, local] of locals.entries()) {
      const take = (option: Option, step: Step): Violation | undefined => {
        if (step.untrue) return { rule: step.untrue, way: [...wayTo(state), option.what] };
        if (step.isBeyond || step.local === local) return undefined;
        const next = option.isReadmitted
          ? locals.map((peer, at) =>
            at === node ? step.local : this.#world.step(peer, readmittingBack(peer.name)).local
          )
          : locals.with(node, step.local);
        // With its process go its links: what was sent over them comes before that, or never.
        const left = option.kept === undefined || node > 0
          ? sent
          : without(sent, this.#world.ofCoordinator());
        const more = withAll(left, step.sent);
        return this.#meet({ locals: next, sent: more, from: state, by: option }, todo);
      };
      for (const envelope of this.#world.to(local.name)) {
        if (!has(sent, envelope.id) || !hears(local, envelope.from)) continue;
        const violation = take(envelope.delivery, this.#world.hear(local, envelope));
        if (violation) return violation;
      }
      for (const option of this.#world.options(local, locals)) {
        const violation = take(option, this.#world.step(local, option));
        if (violation) return violation;
      }
    }
    return undefined;
  }

  /** Takes a state to be followed, unless one is known from which all can follow that can from this one. */
  #meet(found: State, todo: State[]): Violation | undefined {
    const { locals } = found;
    const key = keyOf(locals);
    const known = this.#most.get(key);
    // What those are saturated with this one would be, too.
    if (known?.some((more) => isWithin(found.sent, more))) return undefined;
    const state = { ...found, sent: this.#saturated(found) };
    const { sent } = state;
    this.#most.set(key, [sent, ...known?.filter((less) => !isWithin(less, sent)) ?? []]);
    this.#states++;
    todo.push(state);
    if (known) return undefined;
    const rule = violationIn(locals, this.#scope) ?? this.#unsettled(locals);
    return rule === undefined ? undefined : { rule, way: wayTo(state) };
  }

  #isMost({ locals, sent }: State): boolean {
    return this.#most.get(keyOf(locals))!.some((more) => isWithin(more, sent));
  }

  /**
   * With all that is said by nodes that do not change by it: as messages wait for ever, it makes no
   * difference when that is.
   */
  #saturated({ locals, sent }: State): Sent {
    for (;;) {
      const before = sent;
      for (const local of locals) {
        for (const step of this.#quiet(local, locals)) sent = withAll(sent, step.sent);
        for (const envelope of this.#world.to(local.name)) {
          if (!has(sent, envelope.id) || !hears(local, envelope.from)) continue;
          const step = this.#world.hear(local, envelope);
          if (step.local === local && !step.isBeyond) sent = withAll(sent, step.sent);
        }
      }
      if (sent === before) return sent;
    }
  }

  /** What a node says by itself, without a change. */
  #quiet(local: Local, locals: readonly Local[]): readonly Step[] {
    const known = this.#quietOf.get(local);
    if (known) return known;
    const steps = this.#world.options(local, locals).map((option) =>
      this.#world.step(local, option)
    );
    const quiet = steps.filter((step) =>
      step.local === local && !step.isBeyond && step.sent.length > 0
    );
    this.#quietOf.set(local, quiet);
    return quiet;
  }

  /** Why what is under way does not end, or its users are not told, once nothing goes wrong any more. */
  #unsettled(from: readonly Local[]): string | undefined {
    const rested = this.#rested(from);
    if (typeof rested === "string" || rested === undefined) return rested;
    const rule = unsettledIn(rested);
    if (rule) return rule;
    for (const [at, order] of this.#scope.orders.entries()) {
      const node = this.#world.names.indexOf(order.originator);
      const rule = this.#unanswered(rested, node, at);
      if (rule) return rule;
    }
    return undefined;
  }

  /** Whoever asks again is told what became of it, at the second time if it takes longer than they wait. */
  #unanswered(rested: readonly Local[], node: number, at: number): string | undefined {
    let locals = rested;
    let rule: string | undefined;
    for (let time = 1; time <= 2; time++) {
      const option = this.#world.ordering(locals[node]!, at);
      const { local, sent } = this.#world.step(locals[node]!, option);
      const asked = this.#rested(locals.with(node, local), sent, true);
      if (typeof asked === "string" || asked === undefined) return asked;
      rule = unsettledIn(asked) ?? wrongAnswer(asked, this.#scope, requestFor(at, local.asked - 1));
      if (!rule) return undefined;
      locals = asked;
    }
    return rule;
  }

  /** The nodes once nothing changes any more; nothing where that is known to end well. */
  #rested(
    from: readonly Local[],
    sent: readonly Envelope[] = [],
    isAlways = false,
  ): readonly Local[] | string | undefined {
    const world = this.#world;
    let locals = from;
    const queue = [...sent];
    let untrue: string | undefined;
    const happen = (node: number, step: Step): void => {
      untrue ??= step.untrue;
      locals = locals.with(node, step.local);
      queue.push(...step.sent);
    };
    const deliver = (): void => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const node = world.names.indexOf(next.to);
        if (hears(locals[node]!, next.from)) happen(node, world.hear(locals[node]!, next));
      }
    };
    const passed = new Set<string>();
    for (let round = 0; round < roundsMax; round++) {
      const key = keyOf(locals);
      const isResting = passed.has(key);
      if (!isAlways && this.#settled.has(key)) return undefined;
      if (isResting) {
        if (!isAlways) { for (const one of passed) this.#settled.add(one); }
        return locals;
      }
      if (untrue) return untrue;
      passed.add(key);
      for (const [node, name] of world.names.entries()) {
        if (isToReadmit(locals, name)) happen(0, world.step(locals[0]!, readmitting(name)));
        if (!locals[node]!.isLinked) {
          happen(node, world.step(locals[node]!, linking(name, locals[0]!)));
        }
      }
      // Before any time passes.
      deliver();
      for (const [node, local] of locals.entries()) {
        if (!local.isLost) continue;
        for (const option of restoring(local, locals[0]!)) {
          happen(node, world.step(locals[node]!, option));
        }
      }
      for (const [node, name] of world.names.entries()) {
        happen(node, world.step(locals[node]!, ticking(name)));
      }
      deliver();
    }
    return "does not come to rest";
  }
}

function without(sent: Sent, some: readonly Envelope[]): Sent {
  const left = [...sent];
  for (const { id } of some) {
    const word = Math.floor(id / perWord);
    if (word < left.length) left[word]! &= ~(1 << id % perWord);
  }
  return left;
}

function wayTo(state: State): string[] {
  const way: string[] = [];
  for (let at: State | undefined = state; at?.by; at = at.from) way.unshift(at.by.what);
  return way;
}

function keyOf(locals: readonly Local[]): string {
  return locals.map(({ id }) => id).join();
}

function has(sent: Sent, id: number): boolean {
  return ((sent[Math.floor(id / perWord)] ?? 0) >> id % perWord & 1) === 1;
}

function withAll(sent: Sent, more: readonly Envelope[]): Sent {
  let all: number[] | undefined;
  for (const { id } of more) {
    if (has(all ?? sent, id)) continue;
    all ??= [...sent];
    const word = Math.floor(id / perWord);
    while (all.length <= word) all.push(0);
    all[word]! |= 1 << id % perWord;
  }
  return all ?? sent;
}

function isWithin(some: Sent, all: Sent): boolean {
  return some.every((word, at) => (word & ~(all[at] ?? 0)) === 0);
}
