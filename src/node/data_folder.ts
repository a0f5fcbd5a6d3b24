/** A node's data folder: who owns it, and the small files beside the log. */

import { UsageError } from "../errors.ts";
import { logPathOf, takeFolder } from "../log/folder_lock.ts";

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
    const lock = await takeFolder(path, "stop it, or name another with --data");
    // One that was killed has left it behind, and what listens there now is somebody else's.
    await Deno.remove(`${path}/api.json`).catch(() => {});
    return new DataFolder(path, lock);
  }

  get logPath(): string {
    return logPathOf(this.path);
  }

  get cardKeyPath(): string {
    return `${this.path}/card.key`;
  }

  /** The token of the HTTP API: 32 random bytes, made at the first start. */
  token(): Promise<string> {
    return this.#tokenIn("token");
  }

  /** As {@linkcode token}, of one that only looks. */
  readToken(): Promise<string> {
    return this.#tokenIn("token.read");
  }

  async #tokenIn(file: string): Promise<string> {
    const path = `${this.path}/${file}`;
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
    this.#lock.close();
  }
}
