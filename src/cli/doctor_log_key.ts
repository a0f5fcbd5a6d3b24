/** `doctor` on the keys of encrypted logs. */

import { messageOf } from "../errors.ts";
import { readLogKey } from "../keys/log_key.ts";
import { logPathOf } from "../log/folder_lock.ts";
import { openFolder } from "../verify/data_folder.ts";
import { fail, type Finding, ok } from "./finding.ts";

export type LogKey = Awaited<ReturnType<typeof readLogKey>>;

/** The keys that can be used; `findings` tell of all. */
export async function checkLogKeys(
  paths: readonly string[],
  findings: Finding[],
): Promise<LogKey[]> {
  const keys: LogKey[] = [];
  for (const path of paths) {
    try {
      keys.push(await readLogKey(path));
      findings.push(ok(path, "a log key, its owner's alone"));
    } catch (thrown) {
      findings.push(fail(path, messageOf(thrown), "find the file that the node is started with"));
    }
  }
  return keys;
}

/** Whether a stopped node's log opens with one of the keys. */
export async function checkLog(dir: string, keys: readonly LogKey[]): Promise<Finding> {
  const path = logPathOf(dir);
  try {
    const folder = await openFolder(dir, keys);
    folder.close();
    if (folder.damage !== undefined) {
      return fail(path, folder.damage, `handfast verify --data ${dir}`);
    }
    const { logKey } = folder;
    return ok(path, logKey ? `encrypted, and opens with ${logKey.path}` : "not encrypted");
  } catch (thrown) {
    return fail(path, messageOf(thrown), "find the file that the node is started with");
  }
}
