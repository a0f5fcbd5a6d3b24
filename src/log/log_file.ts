/** Opens a log's file, in the clear or encrypted. */

import { UsageError } from "../errors.ts";
import { KvStorage } from "./kv_storage.ts";
import { contentsOf, SealedStorage } from "./sealed_storage.ts";
import type { Storage } from "./storage.ts";

/** The key by which a log's owner has it encrypted. */
export interface LogKey {
  /** Of its file, for messages. */
  readonly path: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

export interface OpenLogFile {
  readonly storage: Storage;
  /** The key that opened it; nothing where it is in the clear. */
  readonly logKey?: LogKey;
}

/**
 * Opens a node's own log, or makes it, encrypted if there is a key.
 *
 * @throws {UsageError} if it is encrypted with another key, or without need of one; nothing is written then
 * @throws {IntegrityError} if it is damaged
 */
export async function openLogFile(path: string, logKey?: LogKey): Promise<Storage> {
  const opened = await openAny(await KvStorage.openOwn(path), path, logKey ? [logKey] : []);
  if (!logKey || opened.logKey) return opened.storage;
  opened.storage.close();
  throw new UsageError(
    `The log "${path}" is not encrypted, so --log-key "${logKey.path}" has nothing to open: whether ` +
      "a log is encrypted is chosen before its node's first start. Leave --log-key out. A node that " +
      "has been in a network can't begin anew: its books and what is in doubt would be gone, and " +
      "its peers would refuse it for amnesia",
  );
}

/**
 * As {@linkcode openLogFile}, with keys of several logs: where it is encrypted one of them has to fit, and
 * none is needed where it is not.
 */
export async function openLogFileByAny(
  path: string,
  logKeys: readonly LogKey[],
): Promise<OpenLogFile> {
  return await openAny(await KvStorage.open(path), path, logKeys);
}

async function openAny(
  storage: Storage,
  path: string,
  logKeys: readonly LogKey[],
): Promise<OpenLogFile> {
  try {
    const contents = await contentsOf(storage);
    if (contents === "plain" || contents === "nothing" && logKeys.length === 0) return { storage };
    for (const logKey of logKeys) {
      const sealed = await SealedStorage.open(storage, logKey.secret);
      if (sealed) return { storage: sealed, logKey };
    }
    throw locked(path, logKeys);
  } catch (error) {
    storage.close();
    throw error;
  }
}

function locked(path: string, logKeys: readonly LogKey[]): UsageError {
  const files = logKeys.map(({ path }) => `"${path}"`).join(" nor ");
  return new UsageError(
    logKeys.length === 0
      ? `The log "${path}" is encrypted: give the file of its key by --log-key`
      : `The log "${path}" was not encrypted with the key in ${files}, unless all its data keys are ` +
        "damaged: give the file with which its node was first started by --log-key",
  );
}
