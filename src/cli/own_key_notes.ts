import { ownKeyPaths } from "../keys/own_keys.ts";

/** Of nodes whose keys were replaced by force: the signing and sealing keys that are still the old ones. */
export function keptKeys(
  dir: string,
  names: readonly string[],
  made: readonly string[],
): readonly string[] {
  return names.flatMap((name) => Object.values(ownKeyPaths(dir, name)))
    .filter((path) => !made.includes(path));
}

/** For whoever replaces a key since others may have it: they may have these, too. */
export function keptText(kept: readonly string[]): string {
  return `kept ${
    kept.join(", ")
  }: whoever has stolen the old key may have them, too. To replace them, ` +
    "move them away: the node makes others at its next start (see --help for what that ends)";
}

/** What the help of the commands that make keys says of a node's signing and sealing keys. */
export const ownKeyNotes: readonly string[] = [
  "A node's NAME.signing.key and NAME.sealing.key are made where they are missing and never replaced,",
  "also not with --force: without its sealing key a node can't read details that were sealed to it.",
  "For other keys move the files away first: payments with a memo that were sent before, by this node",
  "or to it, can then be asked for by their ids, but not sent again.",
];
