import { assertEquals, assertMatch } from "@std/assert";
import { printer, tolerant } from "../../src/node/printer.ts";

Deno.test("what is printed is one line, whatever others have put into it", () => {
  const lines: string[] = [];
  const print = printer("info", (line) => lines.push(line));
  print("warn", "refused CN=x\n2026-01-01T00:00:00.000Z error ALARM\u001b[2K\u202e\u2028");
  print("debug", "more than is asked for");
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /^\S+ warn refused CN=x 2026-01-01T00:00:00\.000Z error ALARM \[2K {2}$/);
});

Deno.test("a line that can't be written is no error", () => {
  tolerant(() => {
    throw new Error("the disk is full");
  })("a line");
});
