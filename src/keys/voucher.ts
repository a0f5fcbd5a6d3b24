/**
 * A voucher: the statement by which a node's certificate vouches for the keys with which the node signs
 * and to which others seal. Certificates are ECDSA P-256, as browsers want it; these keys are of
 * Curve25519, fast enough for every payment.
 */

import { type KeyObject, sign, verify } from "node:crypto";
import { Reader, Writer } from "../bytes.ts";
import { FormatError, messageOf } from "../errors.ts";
import { isName, type Role } from "../names.ts";
import { type Authority, CertificateError, type PeerCertificate } from "./certificate.ts";
import {
  checkSealingPublicKey,
  publicKeyBytes,
  rawPublicKey,
  readSigningPublicKey,
} from "./public_key.ts";
import type { SealingKey } from "./seal.ts";

export interface Voucher {
  /** SHA-256 of the CA's certificate (DER), in hexadecimal. */
  readonly network: string;
  readonly name: string;
  readonly role: Role;
  /** Ed25519, 32 raw bytes. */
  readonly signingKey: Uint8Array;
  /** X25519, 32 raw bytes. */
  readonly sealingKey: Uint8Array;
  /** By the certificate's key: ECDSA P-256 over SHA-256, r and s of 32 bytes each, s the lower one. */
  readonly signature: Uint8Array;
}

/** What a node vouches for, and with what. */
export interface VoucherSubject {
  readonly network: string;
  readonly name: string;
  readonly role: Role;
  /** Of the certificate. */
  readonly privateKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly sealingKey: Pick<SealingKey, "publicKey">;
}

/** The keys of a peer that its certificate vouches for. */
export interface VouchedKeys {
  readonly name: string;
  readonly role: Role;
  /** Ed25519, public. */
  readonly signingKey: KeyObject;
  /** X25519, public, 32 raw bytes. */
  readonly sealingKey: Uint8Array;
}

/** The bytes of a voucher, signed. */
export function makeVoucher(subject: VoucherSubject): Uint8Array {
  const { network, name, role, privateKey } = subject;
  const signingKey = rawPublicKey(subject.signingKey);
  const sealingKey = subject.sealingKey.publicKey;
  const statement = { network, name, role, signingKey, sealingKey };
  const made = sign("sha256", encodeStatement(statement), p1363(privateKey));
  return encodeVoucher({ ...statement, signature: lowS(made) });
}

export function encodeVoucher(voucher: Voucher): Uint8Array {
  const w = new Writer(256);
  w.raw(encodeStatement(voucher));
  w.raw(voucher.signature);
  return w.slice();
}

/**
 * Reads a voucher from exactly its bytes, without checking its signature.
 *
 * Throws {@linkcode FormatError}.
 */
export function decodeVoucher(bytes: Uint8Array): Voucher {
  const r = new Reader(bytes);
  const said = r.text();
  if (said !== domain) throw new FormatError(`it begins with ${JSON.stringify(said)}`);
  const network = r.hex(networkBytes);
  const name = r.text();
  if (!isName(name)) throw new FormatError(`name ${JSON.stringify(name)}`);
  const role = roles[r.u8()];
  if (role === undefined) throw new FormatError("unknown role");
  const signingKey = r.raw(publicKeyBytes).slice();
  const sealingKey = r.raw(publicKeyBytes).slice();
  // Never of another length: Deno 2.7 ends the process when it is to verify such a one.
  const signature = r.raw(signatureBytes).slice();
  r.end();
  if (isHigh(scalarOf(signature))) throw new FormatError("a signature of which there is a second");
  return { network, name, role, signingKey, sealingKey, signature };
}

/**
 * Checks that a voucher is that of the peer whose certificate has been verified, in this network.
 *
 * Throws {@linkcode CertificateError} that names what differs.
 */
export function verifyVoucher(
  { network }: Pick<Authority, "network">,
  peer: PeerCertificate,
  bytes: Uint8Array,
): VouchedKeys {
  const { name, role } = peer;
  const voucher = read(name, () => decodeVoucher(bytes));
  if (voucher.network !== network) {
    throw new CertificateError(
      "wrong_network",
      `the voucher of "${name}" is for the network ${voucher.network}, not ${network}`,
    );
  }
  if (voucher.name !== name) {
    throw new CertificateError(
      "wrong_name",
      `the voucher of "${name}" is that of "${voucher.name}"`,
    );
  }
  if (voucher.role !== role) {
    throw new CertificateError(
      "wrong_role",
      `the voucher of "${name}" is for a ${voucher.role}, its certificate says ${role}`,
    );
  }
  const statement = encodeStatement(voucher);
  if (!verify("sha256", statement, p1363(peer.publicKey), voucher.signature)) {
    throw new CertificateError(
      "bad_voucher",
      `the voucher of "${name}" is not signed by the key of its certificate`,
    );
  }
  const signingKey = read(name, () => readSigningPublicKey(voucher.signingKey));
  read(name, () => checkSealingPublicKey(voucher.sealingKey));
  return { name, role, signingKey, sealingKey: voucher.sealingKey };
}

/** Another version of the format begins with other words. */
const domain = "handfast voucher 1";
const roles = ["coordinator", "participant"] as const;
const networkBytes = 32;
const scalarBytes = 32;
const signatureBytes = 2 * scalarBytes;
/** Of the group that P-256 generates (SEC 2, 2.4.2). */
const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function encodeStatement(statement: Omit<Voucher, "signature">): Uint8Array {
  const w = new Writer(256);
  w.text(domain);
  w.hex(statement.network);
  w.text(statement.name);
  w.u8(roles.indexOf(statement.role));
  w.raw(statement.signingKey);
  w.raw(statement.sealingKey);
  return w.slice();
}

function p1363(key: KeyObject): { key: KeyObject; dsaEncoding: "ieee-p1363" } {
  return { key, dsaEncoding: "ieee-p1363" };
}

/** With (r, s) also (r, n - s) verifies: the lower s is the one that is taken. */
function lowS(signature: Uint8Array): Uint8Array {
  const s = scalarOf(signature);
  if (!isHigh(s)) return new Uint8Array(signature);
  const low = (groupOrder - s).toString(16).padStart(2 * scalarBytes, "0");
  const w = new Writer(signatureBytes);
  w.raw(signature.subarray(0, scalarBytes));
  w.hex(low);
  return w.slice();
}

function isHigh(s: bigint): boolean {
  return s > groupOrder / 2n;
}

/** The s of a signature. */
function scalarOf(signature: Uint8Array): bigint {
  return BigInt(`0x${signature.subarray(scalarBytes).toHex()}`);
}

function read<T>(name: string, use: () => T): T {
  try {
    return use();
  } catch (thrown) {
    if (!(thrown instanceof FormatError)) throw thrown;
    throw new CertificateError("bad_voucher", `the voucher of "${name}": ${messageOf(thrown)}`);
  }
}
