/**
 * How a dialer comes to a listener that has said hello, and holds the key of the very certificate that it shows.
 *
 * TLS verifies the listener's name, and does not tell by which certificate. That is enough while all certificates
 * of a name are its node's. Once the CA has revoked some, the holder of a revoked key could answer TLS, and pass on
 * the hello of the node itself. So where there is a list of the revoked, TLS has to verify the name that no other
 * certificate has than the one that was shown.
 */

import type { Authority } from "../keys/certificate.ts";
import { Connection } from "./connection.ts";
import type { Dialled, Heard } from "./handshake.ts";
import { hearHello } from "./handshake.ts";
import { certificateRefused, Refusal } from "./refusal.ts";

export interface Reached extends Heard {
  readonly connection: Connection;
}

export interface ReachOptions {
  readonly dialled: Dialled;
  /** `HOST:PORT` */
  readonly address: string;
  readonly authority: Authority;
  readonly caPem: string;
  readonly signal: AbortSignal;
  /** Told of each connection before anything is waited for: it is the caller's to close. */
  readonly opened: (connection: Connection) => void;
}

/**
 * @throws {Refusal} if who answers is not to be linked with; also what {@linkcode Connection.dial} and
 * {@linkcode hearHello} throw
 */
export async function reach(options: ReachOptions): Promise<Reached> {
  const { dialled, authority } = options;
  const first = await reachBy(dialled.name, options);
  const { serialName } = first.peer;
  if ((authority.revocations?.number ?? 0) === 0 || serialName === undefined) return first;
  first.connection.close();
  const second = await reachBy(serialName, options).catch((thrown) => {
    if (certificateRefused(thrown)?.code !== "wrong_name") throw thrown;
    throw notItsOwn(dialled.name);
  });
  // Between the two it may have come back with another.
  if (second.peer.serialName !== serialName) throw notItsOwn(dialled.name);
  return second;
}

async function reachBy(
  serverName: string,
  { dialled, address, authority, caPem, signal, opened }: ReachOptions,
): Promise<Reached> {
  const connection = await Connection.dial(address, serverName, caPem, signal);
  opened(connection);
  // Cancelled in the moment between the two.
  if (signal.aborted) connection.close();
  await connection.secure();
  return { connection, ...await hearHello(connection, authority, dialled) };
}

function notItsOwn(name: string): Refusal {
  return new Refusal(
    "bad_proof",
    `who answers shows a certificate of "${name}" whose key it does not have: it may have one that was revoked`,
  );
}
