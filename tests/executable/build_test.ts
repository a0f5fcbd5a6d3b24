/** What `deno task compile` says where the runtime can't be downloaded. */

import { assertEquals } from "@std/assert";
import { runtimeFault } from "../../src/build.ts";

const url = "https://dl.deno.land/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip";

/** As Deno 2.9.6 says it. */
const offline = `error: Writing deno compile executable to temporary file '/tmp/handfast.tmp'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (${url}): client error (Connect): dns error
    2: client error (Connect)
    3: dns error
    4: failed to lookup address information: Name or service not known

Stack backtrace:
   0: <unknown>`;

Deno.test("a runtime that can't be downloaded is told in two lines, with what to name instead", () => {
  assertEquals(runtimeFault(offline)?.split("\n"), [
    `cannot have Deno's runtime from ${url}: failed to lookup address information: Name or service not known`,
    "name in DENORT_BIN a runtime (denort) that is at hand, and in HANDFAST_COMPILER the Deno of its version",
  ]);
});

Deno.test("what else goes wrong is not taken for a download", () => {
  assertEquals(runtimeFault("error: No space left on device (os error 28)"), undefined);
});
