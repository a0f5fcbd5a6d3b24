/** A node's data folder: who owns it, and the small files beside the log. */

import { UsageError } from "../errors.ts";

/** Whoever only looks whether it is taken has it for less than a moment. */
async function tryLock(lock: Deno.FsFile): Promise<boolean> {
  for (let tries = 1; tries < lockTriesMax; tries++) {
    if (await lock.tryLock(true)) return true;
    await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
  }
  return await lock.tryLock(true);
}

const lockTriesMax = 5;
const lockPauseMs = 20;

/** A folder that this process owns until it closes it. */
export class DataFolder {
  readonly path: string;
  readonly #lock: Deno.FsFile;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Takes the folder, and makes it if it does not exist.
   *
   * @throws {Error} if another process has it
   */
  static async open(path: string): Promise<DataFolder> {
    try {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      throw new UsageError(`Cannot use "${path}" as a data folder: it is a file`);
    }
    return await DataFolder.#take(path, true);
  }

  /** Takes a folder that must hold a log already. */
  static async openExisting(path: string): Promise<DataFolder> {
    try {
      await Deno.stat(`${path}/log.kv`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(`There is no log in "${path}": name a node's data folder`);
    }
    return await DataFolder.#take(path, false);
  }

  static async #take(path: string, create: boolean): Promise<DataFolder> {
    // A folder without a lock is one that no node has run in; only reading does not make one.
    const lock = await Deno.open(`${path}/lock`, { read: true, write: true, create: true });
    if (!await tryLock(lock)) {
      lock.close();
      const remedy = create ? "stop it, or name another with --data" : "stop it first";
      throw new Error(`The data folder "${path}" is in use by another process: ${remedy}`);
    }
    // One that was killed has left it behind, and what listens there now is somebody else's.
    if (create) await Deno.remove(`${path}/api.json`).catch(() => {});
    return new DataFolder(path, lock);
  }

  /** Whether a process has it; nothing where none ever had. */
  static async isTaken(path: string): Promise<boolean | undefined> {
    let lock;
    try {
      lock = await Deno.open(`${path}/lock`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    try {
      return !await lock.tryLock(false);
    } finally {
      lock.close();
    }
  }

  get logPath(): string {
    return `${this.path}/log.kv`;
  }

  get cardKeyPath(): string {
    return `${this.path}/card.key`;
  }

  /** The token of the HTTP API: 32 random bytes, made at the first start. */
  async token(): Promise<string> {
    const path = `${this.path}/token`;
    try {
      const token = (await Deno.readTextFile(path)).trim();
      if (token) return token;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    const token = bytes.toHex();
    await Deno.writeTextFile(path, `${token}\n`, { mode: 0o600 });
    return token;
  }

  /**
   * Tells commands on this machine where the node's API is.
   *
   * @param ca the CA of its certificate, PEM, where it speaks HTTPS
   */
  async announce(url: string, ca?: string): Promise<void> {
    const path = `${this.path}/api.json`;
    await Deno.writeTextFile(`${path}.new`, `${JSON.stringify({ url, ca })}\n`);
    await Deno.rename(`${path}.new`, path);
  }

  /** Gives the folder back. */
  async close(): Promise<void> {
    await Deno.remove(`${this.path}/api.json`).catch(() => {});
    await this.#lock.unlock();
    this.#lock.close();
  }
}
