/** `deno task explore [WORD]`: explores all scopes, or those whose names have the word. */

import { Explorer } from "./explorer.ts";
import { openCore } from "./open_core.ts";
import { scopes } from "./scopes.ts";

const [word = ""] = Deno.args;
const core = await openCore();
console.log("| what may happen | states | of a node | messages | seconds |\n| - | - | - | - | - |");
for (const scope of scopes.filter(({ name }) => name.includes(word))) {
  const startMs = performance.now();
  const { states, nodeStates, messages, violation } = new Explorer(scope, core).explore();
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  console.log(`| ${scope.name} | ${states} | ${nodeStates} | ${messages} | ${seconds} |`);
  if (!violation) continue;
  console.error(`${violation.rule}, after:\n  ${violation.way.join("\n  ")}`);
  Deno.exit(1);
}
