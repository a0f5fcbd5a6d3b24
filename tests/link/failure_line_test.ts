/** What is said of links that come to nothing: the reason, and what to look at. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dialFailureLine, failureLine } from "../../src/link/refusal.ts";

const remedies = [
  ['certificate not valid for name "coordinator"', "wrong_name", "--server-name"],
  ["invalid peer certificate: UnknownIssuer", "wrong_network", "ca.pem"],
  ["received corrupt message of type X", "garbage", "is it the HTTP port?"],
] as const;

for (const [message, code, remedy] of remedies) {
  const failure = new Deno.errors.InvalidData(message);
  const line = `no TLS with "hub" at 127.0.0.1:7443: ${code}: ${message}`;

  Deno.test(`dialFailureLine() says what to look at where TLS fails for ${code}`, () => {
    const told = dialFailureLine(failure, '"hub" at 127.0.0.1:7443');
    assertStringIncludes(told, `${line}; `);
    assertStringIncludes(told, remedy);
  });

  Deno.test(`failureLine() has no remedy for whoever was dialled where TLS fails for ${code}`, () => {
    assertEquals(failureLine(failure, '"hub" at 127.0.0.1:7443'), line);
  });
}

Deno.test("dialFailureLine() invents no remedy", () => {
  const refused = new Deno.errors.ConnectionRefused("refused");
  assertEquals(dialFailureLine(refused, "somebody"), "no link with somebody: refused");
});

Deno.test("failureLine() says that the other end vanished, and not where rustls explains it", () => {
  const message = "peer closed connection without sending TLS close_notify: https://docs.rs/rustls";
  const line = failureLine(new Deno.errors.UnexpectedEof(message), "somebody");
  assertEquals(line, "no link with somebody: the other end vanished");
  assertEquals(
    failureLine(new Deno.errors.InvalidData(message), "somebody"),
    "no TLS with somebody: tls_failed: the other end vanished",
  );
});
