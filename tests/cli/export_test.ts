import { assertEquals, assertStringIncludes } from "@std/assert";
import { Scene } from "../verify/scene.ts";
import { record } from "./recorder.ts";

const refused: readonly [line: string, why: string][] = [
  ["--format jsonl", '"export" needs --data DIR, once for each node'],
  ["--data data/bob", '"export" needs --format shiviz|jsonl'],
  ["--data data/bob --format xml", '--format "xml" is unknown: give one of shiviz, jsonl'],
  ["--data . --data ./. --format jsonl", '--data names the same folder as "." and "./."'],
];
for (const [line, why] of refused) {
  Deno.test(`export ${line} is wrong usage`, async () => {
    const { exit, out, err } = await record("export", ...line.split(" "));
    assertEquals([exit, out], [2, []]);
    assertStringIncludes(err.join(), why);
  });
}

Deno.test("export writes logs on stdout and nothing else, unless a folder is in use", async () => {
  await using scene = await Scene.begin();
  scene.stop();
  const data = scene.dirs.flatMap((dir) => ["--data", dir]);
  const jsonl = await record("export", ...data, "--format", "jsonl");
  assertEquals([jsonl.exit, jsonl.err], [0, []]);
  const nodes = jsonl.out.map((line) => JSON.parse(line).node);
  assertEquals([...new Set(nodes)], ["coordinator", "alice", "bob"]);
  const shiviz = await record("export", ...data, "--format", "shiviz");
  assertEquals([shiviz.exit, shiviz.err, shiviz.out.length], [0, [], 2 + 2 * nodes.length]);

  using lock = await Deno.open(`${scene.dir("bob")}/lock`, { create: true, write: true });
  await lock.lock(true);
  const { exit, out, err } = await record("export", ...data, "--format", "jsonl");
  assertEquals([exit, out], [1, []]);
  assertStringIncludes(err.join(), "is in use");
});
