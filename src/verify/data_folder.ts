/** A stopped node's data folder, held for as long as it is read. */

import { IntegrityError } from "../errors.ts";
import { readLogKey } from "../keys/log_key.ts";
import { logPathOf, takeFolder } from "../log/folder_lock.ts";
import { Log } from "../log/log.ts";
import type { LogKey } from "../log/log_file.ts";
import { openLogFileByAny } from "../log/log_file.ts";
import type { Storage } from "../log/storage.ts";
import type { Genesis } from "../protocol/record.ts";

export interface OpenFolder {
  readonly dir: string;
  /** Nothing where the file is so damaged that it can't be opened. */
  readonly opened?: { readonly storage: Storage; readonly log: Log };
  readonly damage?: string;
  /** Where the log is encrypted: the key that opened it. */
  readonly logKey?: LogKey;
  close(): void;
}

/**
 * Opens data folders, all of them or none, and closes them once they are used.
 *
 * @param logKeyPaths files of the keys of those that are encrypted, in whatever order; others are no fault
 * @throws {UsageError} if a log is encrypted with none of the keys, or if there is no such key
 * @throws {Error} if a folder is in use or without a log
 */
export async function withFolders<T>(
  dirs: readonly string[],
  logKeyPaths: readonly string[],
  use: (folders: readonly OpenFolder[]) => Promise<T>,
): Promise<T> {
  const logKeys = await Promise.all(logKeyPaths.map(readLogKey));
  const folders: OpenFolder[] = [];
  try {
    for (const dir of dirs) folders.push(await openFolder(dir, logKeys));
    return await use(folders);
  } finally {
    for (const folder of folders) folder.close();
  }
}

/**
 * Locks and opens a data folder, so that no node writes while it is checked.
 *
 * @param logKeys of which one has to fit if the log is encrypted
 * @throws {Error} if there is no log in it, if a node uses it, or if no key fits
 */
export async function openFolder(
  dir: string,
  logKeys: readonly LogKey[] = [],
): Promise<OpenFolder> {
  const path = logPathOf(dir);
  if (!await isFile(path)) {
    throw new Error(`There is no log in "${dir}": "${path}" does not exist`);
  }
  const lock = await takeFolder(dir, "stop its node first");
  let storage: Storage | undefined;
  const close = () => {
    storage?.close();
    lock.close();
  };
  try {
    const { logKey, ...opened } = await openLogFileByAny(path, logKeys);
    storage = opened.storage;
    return { dir, opened: { storage, log: await Log.open(storage) }, logKey, close };
  } catch (error) {
    if (error instanceof IntegrityError) return { dir, damage: error.message, close };
    close();
    throw error;
  }
}

/** Whose log it is; nothing where it is empty, or too damaged to tell. */
export async function genesisIn({ opened }: OpenFolder): Promise<Genesis | undefined> {
  if (!opened || opened.log.head.number === 0) return undefined;
  const { records } = await opened.log.entry(1);
  return records.find((record) => record.type === "genesis");
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
