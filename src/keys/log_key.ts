/** The key by which a node's log is encrypted, as a file of its own. */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { UsageError } from "../errors.ts";

const secretBytes = 32;

/**
 * Makes a key: 32 random bytes as hexadecimal digits, mode 0600, on disk when it returns.
 *
 * Throws {@linkcode UsageError} if there is something already: a log may be encrypted with it.
 */
export async function makeLogKey(path: string): Promise<void> {
  let file;
  try {
    file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) {
      throw new UsageError(
        `Cannot write "${path}": it exists, and a log may be encrypted with it. Name another file`,
      );
    }
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new UsageError(`Cannot write "${path}": there is no such folder. Make it first`);
  }
  try {
    const digits = randomBytes(secretBytes).toString("hex");
    await file.write(new TextEncoder().encode(`${digits}\n`));
    await file.sync();
  } finally {
    file.close();
  }
}

/**
 * Reads a key.
 *
 * Throws {@linkcode UsageError} if there is none, or if others than its owner can use the file.
 */
export async function readLogKey(
  path: string,
): Promise<{ readonly path: string; readonly secret: Uint8Array }> {
  let file;
  try {
    file = await Deno.open(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new UsageError(
      `There is no log key "${path}". For a new data folder make one: handfast log-key ${path}`,
    );
  }
  using _ = file;
  const { mode, isFile } = await file.stat();
  if (!isFile) throw new UsageError(`Cannot read the log key "${path}": it is no file`);
  if (mode !== null && (mode & 0o077) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, "0");
    throw new UsageError(
      `Cannot use the log key "${path}": others on this machine can read it (mode ${bits}). ` +
        `If none of them has: chmod 600 ${path}`,
    );
  }
  const text = (await new Response(file.readable).text()).trim();
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new UsageError(
      `Cannot use "${path}" as a log key: it is not ${secretBytes * 2} hexadecimal digits, as ` +
        '"handfast log-key" writes them',
    );
  }
  return { path, secret: Uint8Array.from(Buffer.from(text, "hex")) };
}
