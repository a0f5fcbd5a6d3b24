/** In no order of what can happen to a small network does the protocol break its promises. */

import { assert, assertEquals } from "@std/assert";
import type { Mutant } from "../simulation/mutants.ts";
import { mutants } from "../simulation/mutants.ts";
import { Explorer } from "./explorer.ts";
import { openCore } from "./open_core.ts";
import { scopes } from "./scopes.ts";

const core = await openCore();

for (const scope of scopes) {
  Deno.test(`whatever happens: ${scope.name}`, () => {
    const { states, violation } = new Explorer(scope, core).explore();
    assertEquals(violation, undefined);
    assert(states > 1_000, `${states} states`);
  });
}

/** Bugs of the simulator's, each with a scope in which it shows. */
const bugs: readonly [bug: string, scope: string][] = [
  ["ack before durable", "two attempts"],
  ["transaction id reused after a restart", "one crash"],
  ["abort presumed for an open transaction", "two attempts"],
  ["forgotten with one ack outstanding", "two attempts"],
  ["votes counted instead of voters", "two attempts"],
  ["refusal not durable", "two attempts"],
  ['"never voted yes" from memory only', "leaves memory"],
  ["a prepared participant times out", "two attempts"],
  ["payment aborted with its transaction", "two attempts"],
  ["window of ids by the wall clock", "leaves memory"],
  ["mark of evicted ids not raised", "leaves memory"],
  ["another's account debited", "would debit bob"],
  ["heuristic decision told as a decision", "by hand"],
];

/** Those that show only where a log is lost, which the simulator's nodes never do. */
const bugsOfLoss: readonly [bug: Mutant, scope: string][] = [
  [
    {
      name: '"never voted yes" from a log that was lost',
      file: "src/protocol/inquiries.ts",
      find: "return lost !== undefined &&",
      replace: "return false && lost !== undefined &&",
      seeds: 0,
    },
    "payee loses",
  ],
  [
    {
      name: "votes of a log that was lost count",
      file: "src/protocol/coordinator.ts",
      find: "for (const voting of open) this.#lose(voting, out);",
      replace: "open;",
      seeds: 0,
    },
    "payee loses",
  ],
  [
    {
      name: "abort presumed by a log that was lost",
      file: "src/protocol/coordinator_state.ts",
      find: "|| epoch.counter <= (this.lostEpochs ?? 0)",
      replace: "",
      seeds: 0,
    },
    "coordinator loses",
  ],
  [
    {
      name: "aborts told by what is not durable",
      file: "src/protocol/inquiries.ts",
      find: "settled.code) return out.confirm(from, abortOf());",
      replace: "settled.code) return abort();",
      seeds: 0,
    },
    "coordinator loses",
  ],
  [
    {
      name: "attempts ordered by the numbers of epochs that are counted anew",
      file: "src/protocol/participant.ts",
      find: "if (!wasRefused || before.counter <= present.counter) return true;",
      replace: "return present.counter > before.counter;",
      seeds: 0,
    },
    "folder is lost",
  ],
];

const found = bugs.map(([name, scope]) =>
  [mutants.find((mutant) => mutant.name === name)!, scope] as const
);

for (const [bug, where] of [...found, ...bugsOfLoss]) {
  Deno.test(`a way to a bug is found: ${bug.name}`, async () => {
    const scope = scopes.find((scope) => scope.name.includes(where))!;
    const { violation } = new Explorer(scope, await openCore([bug])).explore();
    assert(violation !== undefined, "no violation");
  });
}
