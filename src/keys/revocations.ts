/**
 * Which certificates of a network no longer count though they have not expired: `ca.crl` beside `ca.pem`, an
 * X.509 certificate revocation list (RFC 5280, 5) that the network's CA has signed.
 *
 * What is revoked stays so: a list has all that the ones before it had, and its number is higher.
 */

import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  Extension,
  PemConverter,
  type X509Certificate,
  X509Crl,
  X509CrlGenerator,
} from "@peculiar/x509";
import { messageOf } from "../errors.ts";
import { algorithm, type Signer } from "./authority.ts";

/** One list of them. */
export interface RevocationList {
  /** Higher than those of the lists before it; from 1. */
  readonly number: number;
  /** When it was signed, milliseconds since 1970. */
  readonly atMs: number;
  /** When each was revoked, milliseconds since 1970, by serial number. */
  readonly revokedMs: ReadonlyMap<string, number>;
}

/** All that is known to be revoked; a node's grows while it runs. */
export class Revocations {
  readonly #revokedMs = new Map<string, number>();
  #number = 0;

  constructor(list?: RevocationList) {
    if (list) this.takeOver(list);
  }

  /** Of the latest list; 0 where none is known. */
  get number(): number {
    return this.#number;
  }

  /** How many certificates are. */
  get size(): number {
    return this.#revokedMs.size;
  }

  /** Milliseconds since 1970; nothing where it counts. */
  revokedMs({ serialNumber }: Pick<X509Certificate, "serialNumber">): number | undefined {
    return this.#revokedMs.get(serialNumber);
  }

  /** Nothing of what is known is taken back, whatever list comes. Whether it says anything new. */
  takeOver({ number, revokedMs }: RevocationList): boolean {
    const before = this.size;
    for (const [serial, ms] of revokedMs) {
      if (!this.#revokedMs.has(serial)) this.#revokedMs.set(serial, ms);
    }
    const isNew = number > this.#number || this.size > before;
    this.#number = Math.max(this.#number, number);
    return isNew;
  }

  /** Whether a list lacks any of what is known. */
  isMore(list: RevocationList | undefined): boolean {
    for (const serial of this.#revokedMs.keys()) if (!list?.revokedMs.has(serial)) return true;
    return this.#number > (list?.number ?? 0);
  }
}

/** The file of the list, beside the certificates that it is about. */
export function revocationPath(certs: string): string {
  return `${certs}/ca.crl`;
}

/** The text of the list in a folder; nothing where there is none. */
export async function readRevocationPem(folder: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(revocationPath(folder));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

/**
 * Reads the list in a folder; nothing where there is none. Throws what is wrong with it, also where another CA
 * has signed it.
 */
export async function readRevocationList(
  folder: string,
  ca: X509Certificate,
): Promise<RevocationList | undefined> {
  const pem = await readRevocationPem(folder);
  return pem === undefined ? undefined : await parseRevocationList(pem, ca);
}

/** Replaces the list in a folder at once: one that is half written would be none. */
export async function writeRevocationPem(folder: string, pem: string): Promise<void> {
  const path = revocationPath(folder);
  await Deno.writeTextFile(`${path}.new`, pem);
  await Deno.rename(`${path}.new`, path);
}

/** As {@linkcode readRevocationList}, of PEM. Of a folder's list only the CA is believed, however long it is. */
export async function parseRevocationList(
  pem: string,
  ca: X509Certificate,
): Promise<RevocationList> {
  const crl = parse(pem);
  if (crl.issuer !== ca.subject || !await crl.verify({ publicKey: ca.publicKey })) {
    throw new Error("it was not signed by the CA of this network");
  }
  const number = numberIn(crl.getExtension(numberOid));
  if (number === undefined) throw new Error("it is a revocation list without a number");
  const revokedMs = new Map(
    crl.entries.map((entry) => [entry.serialNumber, entry.revocationDate.getTime()]),
  );
  return { number, atMs: crl.thisUpdate.getTime(), revokedMs };
}

/** Signs the list that follows another, as PEM. */
export async function signRevocationList(
  signer: Signer,
  { number, atMs, revokedMs }: RevocationList,
): Promise<string> {
  const { certificate, key } = signer;
  const crl = await X509CrlGenerator.create({
    issuer: certificate.subject,
    thisUpdate: new Date(atMs),
    // It counts until there is another, so there is no time by which one has to come.
    nextUpdate: certificate.notAfter,
    entries: Array.from(revokedMs, ([serialNumber, ms]) => ({
      serialNumber,
      revocationDate: new Date(ms),
    })),
    extensions: [
      new Extension(numberOid, false, derInteger(number)),
      await AuthorityKeyIdentifierExtension.create(certificate.publicKey),
    ],
    signingAlgorithm: algorithm,
    signingKey: key,
  });
  return PemConverter.encode(crl.rawData, pemTag) + "\n";
}

/** Values in a list; a certificate takes four. */
const listNodesMax = 4_000_000;
/** As other tools know it (RFC 7468, 6). */
const pemTag = "X509 CRL";
/** `cRLNumber` (RFC 5280, 5.2.3). */
const numberOid = "2.5.29.20";

function parse(pem: string): X509Crl {
  // As with certificates, the parser takes other texts too.
  if (!pem.includes(`-----BEGIN ${pemTag}-----`)) throw new Error("it is no PEM revocation list");
  try {
    return new X509Crl(pem, { berOptions: { maxNodes: listNodesMax } });
  } catch (thrown) {
    throw new Error(`it is no X.509 revocation list: ${messageOf(thrown)}`);
  }
}

/** Four bytes and a zero, so that it is never negative; DER takes no more of them than it needs. */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5);
  new DataView(bytes.buffer).setUint32(1, value);
  let start = 0;
  while (start < 4 && bytes[start] === 0 && bytes[start + 1]! < 0x80) start++;
  const needed = bytes.subarray(start);
  return Uint8Array.of(0x02, needed.length, ...needed);
}

function numberIn(extension: Extension | null): number | undefined {
  const der = extension && new Uint8Array(extension.value);
  if (!der || der[0] !== 0x02 || der[1] !== der.length - 2 || der.length > 7) return undefined;
  return der.subarray(2).reduce((value, byte) => value * 0x100 + byte, 0);
}
