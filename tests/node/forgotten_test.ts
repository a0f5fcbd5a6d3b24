/** What may be lacking at a peer that has come back with an older log. */

import { assertEquals } from "@std/assert";
import { listRecordsMax } from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { ForgetfulPeers, lostPayments } from "../../src/node/forgotten.ts";
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
    [4, { count: 0, among: 0, sinceMs: undefined, isAll: true }],
    // Of a log that this node has lost, or as a peer may say.
    [9, { count: 0, among: 0, sinceMs: undefined, isAll: false }],
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

Deno.test("lostPayments() says that there may be more where a peer was readmitted before", async () => {
  const readmitted: LogRecord = { type: "readmitted", name: "coordinator", by: "ann" };
  const log = await logOf([posted(1)], [readmitted], [posted(2)], [posted(3)]);
  for (const [known, count] of [[0, 3], [1, 2], [3, 1]] as const) {
    const lost = await lostPayments(log, known, isPosted);
    assertEquals([lost.count, lost.isAll], [count, false]);
  }
});

Deno.test("of a peer refused again and again, what it knew of this node's log at first counts", () => {
  const peers = new ForgetfulPeers("alice");
  peers.refused("coordinator", new Map([["coordinator", 7], ["alice", 3]]));
  // It has linked with bob meanwhile, and heard from him.
  peers.refused("coordinator", new Map([["coordinator", 8], ["alice", 20]]));
  assertEquals(peers.get("coordinator"), { ends: 8, known: 3 });
  peers.refused("coordinator", new Map([["coordinator", 1]]));
  assertEquals(peers.get("coordinator"), { ends: 1, known: 0 });
  peers.delete("coordinator");
  peers.refused("coordinator", new Map([["coordinator", 9], ["alice", 20]]));
  assertEquals(peers.get("coordinator"), { ends: 9, known: 20 });
});
