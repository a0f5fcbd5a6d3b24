/** Whether a node could be linked with, for who has no part in the network. */

import { readAuthority } from "../keys/certificate.ts";
import type { Revocations } from "../keys/revocations.ts";
import { handshakeTimeoutMs, lingerMsMax } from "../limits.ts";
import type { Role } from "../names.ts";
import type { Connection } from "./connection.ts";
import { reach } from "./reach.ts";
import { dialFailureLine, Refusal } from "./refusal.ts";

export interface Probe {
  /** `HOST:PORT` */
  readonly address: string;
  /** Who is expected there. */
  readonly name: string;
  readonly role: Role;
  /** The network's CA. */
  readonly caPem: string;
  /** Those of its certificates that no longer count. */
  readonly revocations?: Revocations;
  /** Default: what nodes give each other. */
  readonly timeoutMs?: number;
}

/**
 * Dials as a node does, up to where a node would have to say who it is, and leaves again. Resolves to
 * the line that a node would log, or to nothing if who answers is the one expected.
 *
 * @throws {CertificateError} if the CA's certificate is none
 */
export async function probe(
  { address, name, role, caPem, revocations, timeoutMs = handshakeTimeoutMs }: Probe,
): Promise<string | undefined> {
  const authority = { ...readAuthority(caPem), revocations };
  const aborter = new AbortController();
  let connection: Connection | undefined;
  let late: Refusal | undefined;
  const timer = setTimeout(() => {
    late = new Refusal("handshake_timeout", `no answer of a node within ${timeoutMs} ms`);
    aborter.abort();
    connection?.close();
  }, timeoutMs);
  try {
    const { signal } = aborter;
    const opened = (made: Connection) => connection = made;
    await reach({ dialled: { name, role }, address, authority, caPem, signal, opened });
    return undefined;
  } catch (thrown) {
    return dialFailureLine(late ?? thrown, `"${name}" at ${address}`);
  } finally {
    clearTimeout(timer);
    await connection?.end(lingerMsMax);
    connection?.close();
  }
}
