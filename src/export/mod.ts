/** Writes the logs of stopped nodes for other tools, entry by entry: a log may be longer than memory. */

import { toHex } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import type { Log } from "../log/log.ts";
import type { Genesis } from "../protocol/record.ts";
import type { OpenFolder } from "../verify/data_folder.ts";
import { withFolders } from "../verify/data_folder.ts";
import { entryJson } from "./entry_json.ts";
import { shivizHead, shivizLines } from "./shiviz.ts";

export const exportFormats = ["shiviz", "jsonl"] as const;
export type ExportFormat = typeof exportFormats[number];

/**
 * Writes each log from its first entry to its last, one log after the other. Each entry is checked against
 * the one before; whether it is right, `verifyLogs()` says.
 *
 * @param dirs data folders of nodes of one network
 * @param logKeyPaths as {@linkcode withFolders} has them
 * @param out takes a line
 * @throws {UsageError} if a log is encrypted with none of the keys, or if there is no such key
 * @throws {IntegrityError} naming the entry at which a log does not hold; those before it were written
 * @throws {Error} if a folder is in use or without a log, or if two are of one node or of different networks
 */
export async function exportLogs(
  dirs: readonly string[],
  logKeyPaths: readonly string[],
  format: ExportFormat,
  out: (line: string) => void,
): Promise<void> {
  await withFolders(dirs, logKeyPaths, async (folders) => {
    const sources: Source[] = [];
    for (const folder of folders) sources.push(await sourceOf(folder));
    checkTogether(sources);
    const lengths = new Map(sources.map(({ genesis, log }) => [genesis.name, log.head.number]));
    if (format === "shiviz") { for (const line of shivizHead) out(line); }
    for (const source of sources) {
      const { name } = source.genesis;
      for await (const { entry, hash } of entriesOf(source)) {
        if (format === "jsonl") out(JSON.stringify(entryJson(name, entry, hash)));
        else for (const line of shivizLines(name, entry, lengths)) out(line);
      }
    }
  });
}

interface Source {
  readonly dir: string;
  readonly log: Log;
  readonly genesis: Genesis;
}

async function sourceOf({ dir, opened, damage }: OpenFolder): Promise<Source> {
  if (!opened) throw new IntegrityError(`"${dir}": ${damage}`);
  const { log } = opened;
  for await (const { entry: { records: [genesis] } } of log.entries()) {
    if (genesis?.type === "genesis") return { dir, log, genesis };
    throw new IntegrityError(`The log in "${dir}" does not begin with its genesis`);
  }
  throw new IntegrityError(`The log in "${dir}" has no entries`);
}

/** Names stand for nodes in what is written, and clocks count by them. */
function checkTogether(sources: readonly Source[]): void {
  const [first] = sources;
  const names = new Set<string>();
  for (const { genesis: { name, network } } of sources) {
    if (names.has(name)) throw new Error(`Two of the data folders are of node "${name}"`);
    names.add(name);
    if (network === first?.genesis.network) continue;
    throw new Error(
      `${name} is of another network than ${first?.genesis.name}: export each network by itself`,
    );
  }
}

/** All that the log's head promises: what is missing at the end would not be missed by who reads it. */
async function* entriesOf({ dir, log }: Source): ReturnType<Log["entries"]> {
  let last = "";
  for await (const read of log.entries()) {
    yield read;
    last = toHex(read.hash);
  }
  if (last === toHex(log.head.hash)) return;
  throw new IntegrityError(
    `The log in "${dir}" does not end with entry ${log.head.number}, which its head names: see ` +
      `handfast verify --data ${dir}`,
  );
}
