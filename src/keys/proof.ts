/**
 * The proof by which a dialer shows who it is: `Deno.listenTls` can't ask for a client certificate, so
 * TLS proves the listener alone.
 *
 * The signature covers both fresh nonces, so it can't be replayed; the listener's certificate (as
 * `tls-server-end-point` of RFC 5929), so it can't be relayed to another listener; and its direction,
 * so it can't be reflected.
 */

import { Buffer } from "node:buffer";
import { type KeyObject, sign, verify } from "node:crypto";
import type { Role } from "../names.ts";

/** Bytes of a nonce. */
export const nonceBytes = 32;

export interface ProofParty {
  readonly name: string;
  readonly role: Role;
  readonly nonce: Uint8Array;
}

/** Everything a proof vouches for. */
export interface ProofSubject {
  /** Version of the link protocol. */
  readonly version: number;
  readonly dialer: ProofParty;
  readonly listener: ProofParty;
  /** SHA-256 of the listener's certificate (DER). */
  readonly listenerFingerprint: Uint8Array;
}

/** Signs with the dialer's key: ECDSA P-256 over SHA-256, DER. */
export function signProof(subject: ProofSubject, dialerKey: KeyObject): Uint8Array {
  return new Uint8Array(sign("sha256", encodeProof(subject), dialerKey));
}

/** Whether the signature is the dialer's, over exactly this. False also for bytes that are none. */
export function verifyProof(
  subject: ProofSubject,
  dialerKey: KeyObject,
  signature: Uint8Array,
): boolean {
  try {
    return verify("sha256", encodeProof(subject), dialerKey, signature);
  } catch {
    // An encoding that can't be read as a signature throws; to the listener it is a bad one.
    return false;
  }
}

function encodeProof(subject: ProofSubject): Uint8Array {
  const { version, dialer, listener, listenerFingerprint } = subject;
  return lengthPrefixed([
    Buffer.from("handfast link proof"),
    Buffer.from(String(version)),
    Buffer.from("from dialer to listener"),
    dialer.nonce,
    Buffer.from(dialer.name),
    Buffer.from(dialer.role),
    listener.nonce,
    Buffer.from(listener.name),
    Buffer.from(listener.role),
    listenerFingerprint,
  ]);
}

/** No two lists of fields have the same encoding. */
function lengthPrefixed(fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields.flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  }));
}
