/** What commands take that read the logs of stopped nodes. */

import { UsageError } from "../errors.ts";
import type { Arguments } from "./arguments.ts";
import type { Flag } from "./command.ts";

export const dataFlag: Flag = {
  name: "data",
  value: "DIR",
  repeats: true,
  help: "a node's data folder; any number of them",
};

export const logKeysFlag: Flag = {
  name: "log-key",
  value: "FILE",
  repeats: true,
  help: "the key of encrypted logs; of several each log takes the one that fits",
};

/**
 * The folders that `--data` gives, each once.
 *
 * @param command named in errors
 */
export async function foldersIn(args: Arguments, command: string): Promise<readonly string[]> {
  const dirs = args.all("data");
  if (dirs.length === 0) throw new UsageError(`"${command}" needs --data DIR, once for each node`);
  await refuseTwice(dirs);
  return dirs;
}

/** @throws {UsageError} which would otherwise be found in use, by this very program */
async function refuseTwice(dirs: readonly string[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const dir of dirs) {
    // One that is not there is told of when it is opened.
    const path = await Deno.realPath(dir).catch(() => dir);
    const before = seen.get(path);
    seen.set(path, dir);
    if (before === undefined) continue;
    const both = before === dir ? `"${dir}" twice` : `the same folder as "${before}" and "${dir}"`;
    throw new UsageError(`--data names ${both}: give each node's once`);
  }
}
