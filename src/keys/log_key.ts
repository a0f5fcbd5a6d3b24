/** The key by which a node's log is encrypted, as a file of its own. */

import { randomBytes } from "node:crypto";
import { UsageError } from "../errors.ts";
import { readSecretFile, secretBytes, writeSecretOnce } from "./folder.ts";

/**
 * Makes a key: 32 random bytes as hexadecimal digits, mode 0600, on disk when it returns.
 *
 * Throws {@linkcode UsageError} if there is something already: a log may be encrypted with it.
 */
export async function makeLogKey(path: string): Promise<void> {
  try {
    if (await writeSecretOnce(path, `${randomBytes(secretBytes).toString("hex")}\n`)) return;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new UsageError(`Cannot write "${path}": there is no such folder. Make it first`);
  }
  throw new UsageError(
    `Cannot write "${path}": it exists, and a log may be encrypted with it. Name another file`,
  );
}

/**
 * Reads a key.
 *
 * Throws {@linkcode UsageError} if there is none, or if others than its owner can use the file.
 */
export async function readLogKey(
  path: string,
): Promise<{ readonly path: string; readonly secret: Uint8Array }> {
  const secret = await readSecretFile(path, "log key", ', as "handfast log-key" writes them');
  if (secret) return { path, secret };
  throw new UsageError(
    `There is no log key "${path}". For a new data folder make one: handfast log-key ${path}`,
  );
}
