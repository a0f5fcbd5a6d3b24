/** A data folder's lock: whoever has it is the only one that opens the log in that folder. */

/** Where a data folder's log is. */
export function logPathOf(folder: string): string {
  return `${folder}/log.kv`;
}

/**
 * Takes the lock of a folder that exists; closing it gives it back.
 *
 * @param remedy ends the error
 * @throws {Error} if another process has it
 */
export async function takeFolder(folder: string, remedy: string): Promise<Deno.FsFile> {
  const lock = await Deno.open(lockPathOf(folder), { read: true, write: true, create: true });
  for (let tries = 1; !await lock.tryLock(true); tries++) {
    if (tries === lockTriesMax) {
      lock.close();
      throw new Error(`The data folder "${folder}" is in use by another process: ${remedy}`);
    }
    // Whoever only looks whether it is taken has it for less than a moment.
    await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
  }
  return lock;
}

/** Whether a process has the lock; nothing where none ever had. */
export async function isFolderTaken(folder: string): Promise<boolean | undefined> {
  let lock;
  try {
    lock = await Deno.open(lockPathOf(folder));
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

function lockPathOf(folder: string): string {
  return `${folder}/lock`;
}

const lockTriesMax = 5;
const lockPauseMs = 20;
