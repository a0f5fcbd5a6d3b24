/** What is said of links that come to nothing: the reason, and what to look at. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dialFailureLine, failureLine } from "../../src/link/refusal.ts";

const remedies = [
  ['certificate not valid for name "coordinator"', "wrong_name", "--server-name"],
  ["invalid peer certificate: UnknownIssuer", "wrong_network", "ca.pem"],
] as const;

for (const [message, code, remedy] of remedies) {
  Deno.test(`failureLine() says what to look at where TLS fails for ${code}`, () => {
    const line = failureLine(new Deno.errors.InvalidData(message), '"hub" at 127.0.0.1:7443');
    assertStringIncludes(line, `no TLS with "hub" at 127.0.0.1:7443: ${code}: ${message}; `);
    assertStringIncludes(line, remedy);
  });
}

Deno.test("failureLine() invents no remedy", () => {
  const line = failureLine(new Deno.errors.InvalidData("received corrupt message"), "somebody");
  assertEquals(line, "no TLS with somebody: garbage: received corrupt message");
});

Deno.test("dialFailureLine() asks whether what speaks no TLS is the HTTP port", () => {
  const corrupt = new Deno.errors.InvalidData("received corrupt message of type X");
  assertEquals(
    dialFailureLine(corrupt, "somebody"),
    "no TLS with somebody: garbage: received corrupt message of type X; " +
      "what answers there speaks no TLS: is it the HTTP port?",
  );
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
