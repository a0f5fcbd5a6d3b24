/** Why one end of a connection will not have the other. */

import { messageOf } from "../errors.ts";
import type { CertificateFault } from "../keys/certificate.ts";

export type RefusalCode =
  | CertificateFault
  | "bad_proof"
  | "unknown_version"
  | "frame_too_large"
  | "handshake_timeout"
  | "name_in_use"
  | "objection"
  | "amnesia"
  | "tls_failed"
  | "too_many";

/** This end refuses the other: it is told why, and the connection is closed. */
export class Refusal extends Error {
  override name = "Refusal";

  constructor(
    readonly code: RefusalCode,
    message: string,
    /** Whether something is wrong that people should look at. */
    readonly isFault = true,
  ) {
    super(message);
  }
}

/** The other end refused this one. */
export class PeerRefusal extends Error {
  override name = "PeerRefusal";

  constructor(
    /** As the peer gave it: one of {@linkcode RefusalCode}, or of a later version's. */
    readonly code: string,
    message: string,
    /** Whether it came from a peer that has proven who it is, once this end had proven itself too. */
    readonly proven: boolean,
    /** Whether who refuses had shown a certificate that counts. */
    readonly isMember = true,
  ) {
    super(message);
  }
}

/** The connection ended before anyone refused anyone. */
export class ConnectionEnded extends Error {
  override name = "ConnectionEnded";
}

/**
 * One line on why a connection came to nothing; `other` is whom it was with. Errors of TLS itself
 * have the wording of rustls.
 */
export function failureLine(thrown: unknown, other: string): string {
  if (thrown instanceof Refusal) return `refused ${other}: ${thrown.code}: ${thrown.message}`;
  if (thrown instanceof PeerRefusal) {
    return `refused by ${other}: ${thrown.code}: ${thrown.message}`;
  }
  if (thrown instanceof Deno.errors.InvalidData) {
    return `no TLS with ${other}: ${tlsFault(thrown.message)}: ${endOf(thrown)}`;
  }
  return `no link with ${other}: ${endOf(thrown)}`;
}

/** As {@linkcode failureLine}, for the end that dialled, with what its operator can do about it. */
export function dialFailureLine(thrown: unknown, other: string): string {
  const line = failureLine(thrown, other);
  if (!(thrown instanceof Deno.errors.InvalidData)) return line;
  const remedy = remedies.get(tlsFault(thrown.message));
  return remedy ? `${line}; ${remedy}` : line;
}

/** What the system or TLS says of a connection that is over. */
export function endOf(thrown: unknown): string {
  const message = messageOf(thrown);
  // Followed by the address of a page for programmers.
  return /without sending TLS close_notify/.test(message) ? "the other end vanished" : message;
}

/** What the dialer can do about what TLS says of the listener, which may be no node at all. */
const remedies: ReadonlyMap<RefusalCode, string> = new Map([
  ["wrong_name", "the coordinator's name is given by --server-name"],
  ["wrong_network", "is ca.pem that of the network of the node that answers?"],
  ["garbage", "what answers there speaks no TLS: is it the HTTP port?"],
]);

/** What is wrong with the certificate that the listener has shown, if TLS found something at this end. */
export function certificateRefused(thrown: unknown): Refusal | undefined {
  if (!(thrown instanceof Deno.errors.InvalidData)) return undefined;
  if (!thrown.message.startsWith("invalid peer certificate")) return undefined;
  const code = tlsFault(thrown.message);
  const remedy = remedies.get(code);
  return new Refusal(code, `${thrown.message}${remedy ? `; ${remedy}` : ""}`);
}

/** Whether dialling again can't help, after the dialer itself refused the listener. */
export function isFinalByDialer(code: string): boolean {
  return code === "wrong_role" || code === "unknown_version";
}

/** Whether dialling again can't help, after the listener refused the dialer. */
export function isFinalByListener(code: string): boolean {
  return isFinalByDialer(code) || finalByListener.includes(code);
}

/** What is wrong with the dialer's certificate or voucher stays wrong; so does a name whose holder answers. */
const finalByListener = [
  "wrong_network",
  "expired",
  "revoked",
  "wrong_name",
  "bad_voucher",
  "name_in_use",
];

/** The finding of the dialer, or the alert by which the listener hears of it. */
function tlsFault(message: string): RefusalCode {
  if (/UnknownIssuer|UnknownCA/.test(message)) return "wrong_network";
  if (/expired/i.test(message)) return "expired";
  if (/not valid for name|BadCertificate/.test(message)) return "wrong_name";
  if (/corrupt message/.test(message)) return "garbage";
  return "tls_failed";
}
