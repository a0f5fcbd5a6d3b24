/** When a node is warned that its own certificate ends. */

import { assertEquals, assertMatch } from "@std/assert";
import { renewalDays } from "../../src/limits.ts";
import { Expiry } from "../../src/node/expiry.ts";

const dayMs = 24 * 60 * 60_000;
const endsMs = Date.UTC(2028, 0, 31);

/** What is said when it is looked so many days after the first look, which is so long before the end. */
function said(leftMs: number, days: readonly number[]): string[] {
  const lines: string[] = [];
  const expiry = new Expiry("bob", endsMs, (level, line) => void lines.push(`${level} ${line}`));
  for (const day of days) expiry.look(day * dayMs, endsMs - leftMs + day * dayMs);
  return lines;
}

Deno.test("nothing is said of a certificate that is valid for long", () => {
  assertEquals(said(renewalDays * dayMs, [0]), []);
});

Deno.test("it is said at the start, and then once a day, that a certificate ends soon", () => {
  const lines = said(1.5 * dayMs, [0, 0.1, 0.99, 1, 1.4, 2.1, 3]);
  const told = (line: string) => / (within \d+ days?|expired at)/.exec(line)?.[1];
  assertEquals(lines.map(told), ["within 2 days", "within 1 day", "expired at"]);
  assertMatch(lines[0]!, /^warn the certificate of "bob" ends at 2028-01-31T00:00:00.000Z, /);
  assertMatch(lines[0]!, /sign for it again, and start the node anew/);
});

Deno.test("a node that runs for long is told in time", () => {
  assertEquals(said((renewalDays + 2) * dayMs, [0, 1, 2, 2.1, 3]).length, 1);
});
