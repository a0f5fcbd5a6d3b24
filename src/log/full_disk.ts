/** What a log's owner is told where its disk has no room left. */

import { statfsSync } from "node:fs";
import { messageOf } from "../errors.ts";

/** SQLite begins with a file of so many bytes beside the log. */
const firstBytes = 32_768;

/**
 * Says so and what helps, if an error of a log's file means that; else there is nothing to say.
 *
 * @param freeBytesOf of the disk of a folder
 */
export function fullDisk(
  path: string,
  error: unknown,
  freeBytesOf: (folder: string) => number = freeBytesNow,
): Error | undefined {
  const said = messageOf(error);
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (!isFull(said, () => freeBytesOf(folder))) return undefined;
  return new Error(
    `The disk of the data folder "${folder}" is full (${said}), so its node can't run; what it has told ` +
      "stands in its log. Make room there, a few megabytes to look at its books with --offline, or " +
      "move the folder to a larger disk and name it by --data; then start it again",
    { cause: error },
  );
}

function isFull(said: string, freeBytes: () => number): boolean {
  if (/disk is full|No space left on device/.test(said)) return true;
  // Where the first file has no room, SQLite blames the disk, and a whole log would be called damaged.
  return said.includes("disk I/O error") && freeBytes() < firstBytes;
}

function freeBytesNow(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    // It can't be told, or may not be asked.
    return Infinity;
  }
}
