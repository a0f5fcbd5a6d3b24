/** Whether a peer still has the entries that this node has seen of it: every node is a witness of the
 * others' logs. */

import type { Greeting, LinkHost, Seen } from "./host.ts";
import { Refusal } from "./refusal.ts";

/** What a peer is shown of the entry that it asked for: its hash, if this node has it. */
export async function entryShown(host: LinkHost, asked: number): Promise<Uint8Array | undefined> {
  return asked === 0 ? undefined : await host.entryHash(asked);
}

/** What a peer shows of the entry that it was asked for, and what it says of itself. */
interface Showing {
  readonly shows: Uint8Array | undefined;
  readonly greeting: Pick<Greeting, "clock">;
}

/**
 * Throws {@linkcode Refusal}, of which `host` is told, unless `shows` is the hash of the entry that `own` has
 * seen of `peer`. Hashes are compared, not clocks: a restored copy grows past any number with its first
 * entries. `seen` is what was asked for, since more may have been seen through another link meanwhile.
 */
export function checkMemory(
  host: LinkHost,
  own: string,
  peer: string,
  seen: Seen | undefined,
  { shows: shown, greeting: { clock } }: Showing,
): void {
  if (seen === undefined) return;
  if (shown !== undefined && equalBytes(shown, seen.hash)) return;
  host.forgot(peer, clock);
  const fault = shown === undefined ? "no longer has" : "now has another";
  throw new Refusal(
    "amnesia",
    `"${peer}" ${fault} entry ${seen.number} of its own log, which "${own}" has seen: its ` +
      "data folder was lost, restored from a copy or changed. If that is understood, take it back " +
      `with: handfast readmit ${peer} --yes, run on "${own}" and on every other node that ` +
      "refuses it",
  );
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
