/** What may be lacking at a peer that has come back with an older log. */

import { assertEquals } from "@std/assert";
import { listRecordsMax } from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { lostPayments } from "../../src/node/forgotten.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { append, keyed, posted, prepared } from "../log/records.ts";

const isPosted = ({ type }: LogRecord) => type === "posted";

async function logOf(...entries: readonly LogRecord[][]): Promise<Log> {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  for (const records of entries) await append(log, ...records);
  return log;
}

Deno.test("lostPayments() counts what was recorded after the last entry that a peer knows of", async () => {
  const log = await logOf(
    [prepared(1)],
    [posted(1), prepared(2)],
    [posted(2), prepared(3), keyed(1)],
    [posted(3)],
  );
  const rows = [
    [0, { count: 3, among: 3, sinceMs: 1_001, isAll: true }],
    [2, { count: 2, among: 1, sinceMs: 1_003, isAll: true }],
    [3, { count: 1, among: 0, sinceMs: 1_004, isAll: true }],
    // As a peer may say.
    [4, { count: 0, among: 0, sinceMs: undefined, isAll: true }],
    [9, { count: 0, among: 0, sinceMs: undefined, isAll: true }],
  ] as const;
  for (const [known, lost] of rows) assertEquals(await lostPayments(log, known, isPosted), lost);
});

Deno.test("lostPayments() reads no more of a long log than a list does, and says so", async () => {
  const many = Array.from({ length: listRecordsMax }, (_, n) => posted(n));
  const log = await logOf([posted(1)], [posted(2)], [posted(3)], many);
  assertEquals(await lostPayments(log, 0, isPosted), {
    count: listRecordsMax,
    among: 0,
    sinceMs: 1_004,
    isAll: false,
  });
});
