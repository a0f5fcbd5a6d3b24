/** `doctor` on the logs of stopped nodes, and the keys of those that are encrypted. */

import { messageOf } from "../errors.ts";
import { readLogKey } from "../keys/log_key.ts";
import { logPathOf } from "../log/folder_lock.ts";
import type { Genesis } from "../protocol/record.ts";
import type { OpenFolder } from "../verify/data_folder.ts";
import { genesisIn, openFolder } from "../verify/data_folder.ts";
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

/**
 * Whether a stopped node's log opens with one of the keys, where there are any, and is of a network.
 *
 * @param network of the certificates, where it is known
 */
export async function checkLog(
  dir: string,
  keys: readonly LogKey[],
  network: string | undefined,
): Promise<Finding[]> {
  const path = logPathOf(dir);
  const next = `handfast verify --data ${dir}`;
  let folder: OpenFolder;
  try {
    folder = await openFolder(dir, keys);
  } catch (thrown) {
    // Without a key for it an encrypted log is none that could be looked into.
    if (keys.length === 0) return [];
    return [fail(path, messageOf(thrown), "find the file that the node is started with")];
  }
  try {
    const { damage, logKey } = folder;
    if (damage !== undefined) return [fail(path, damage, next)];
    const encryption = logKey ? `encrypted, and opens with ${logKey.path}` : "not encrypted";
    const findings = keys.length > 0 ? [ok(path, encryption)] : [];
    const genesis = await genesisIn(folder);
    if (network !== undefined && genesis) findings.push(checkNetwork(path, genesis, network));
    return findings;
  } catch (thrown) {
    return [fail(path, messageOf(thrown), next)];
  } finally {
    folder.close();
  }
}

function checkNetwork(path: string, { network, role, name }: Genesis, own: string): Finding {
  if (network === own) return ok(path, `the log of ${role} ${name}, of this network`);
  return fail(
    path,
    `the log of ${role} ${name} is of network ${network}, the certificates are of ${own}`,
    "no node starts with both: name the certificates of its network by --certs, or another data " +
      "folder by --data",
  );
}
