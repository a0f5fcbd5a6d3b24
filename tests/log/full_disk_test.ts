/** A disk that is full is told apart from one that is damaged. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fullDisk } from "../../src/log/full_disk.ts";

const path = "data/alice/log.kv";

const errors: readonly (readonly [said: string, freeBytes: number, isFull: boolean])[] = [
  ["database or disk is full", 0, true],
  // Quotas, and disks that others write to, may be full with room left.
  ["database or disk is full", 10 ** 9, true],
  ["No space left on device (os error 28)", 10 ** 9, true],
  ["disk I/O error", 0, true],
  ["disk I/O error", 10 ** 9, false],
  ["disk I/O error", Infinity, false],
  ["file is not a database", 0, false],
];

for (const [said, freeBytes, isFull] of errors) {
  Deno.test(`"${said}" with ${freeBytes} bytes free means ${isFull ? "" : "not "}that it is full`, () => {
    const asked: string[] = [];
    const full = fullDisk(path, new Error(said), (folder) => {
      asked.push(folder);
      return freeBytes;
    });
    assertEquals(full !== undefined, isFull);
    assertEquals(asked.every((folder) => folder === "data/alice"), true);
    if (!full) return;
    assertStringIncludes(
      full.message,
      `The disk of the data folder "data/alice" is full (${said})`,
    );
    assertStringIncludes(full.message, "or move the folder to a larger disk and name it by --data");
  });
}
