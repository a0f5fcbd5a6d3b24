/** A network's certificate authority: its certificate and key, and what it signs. */

import "reflect-metadata";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { caValidityDays, certificateBackdateMs } from "../limits.ts";
import type { Role } from "../names.ts";
import { roleUri, serialNameOf } from "./certificate.ts";

/** A certificate and its private key. */
export interface Signer {
  readonly certificate: X509Certificate;
  readonly key: CryptoKey;
}

/** A new network: a CA certificate signed by itself. */
export async function makeSigner(nowMs: number): Promise<Signer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // The serial tells the CAs of two networks apart also by their names.
    name: [{ CN: ["Handfast CA"] }, { "2.5.4.5": [randomHex(8)] }],
    ...validity(nowMs, caValidityDays),
    serialNumber: newSerialNumber(),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      // No CA below this one: whoever signs names of nodes is known.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey };
}

/** What to certify. */
export interface NodeRequest {
  readonly signer: Signer;
  readonly name: string;
  readonly role: Role;
  readonly hosts: readonly string[];
  readonly nowMs: number;
  readonly validityDays: number;
}

/** A new key and its certificate. */
export async function makeNode(request: NodeRequest): Promise<Signer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await signNode({ ...request, publicKey: keys.publicKey });
  return { certificate, key: keys.privateKey };
}

/** The certificate of a node whose public key is given. */
export async function signNode(
  request: NodeRequest & { readonly publicKey: CryptoKey | PublicKey },
): Promise<X509Certificate> {
  const { signer, name, role, hosts, nowMs, validityDays, publicKey } = request;
  const serialNumber = newSerialNumber();
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension([
      { type: "dns", value: name },
      { type: "dns", value: serialNameOf(serialNumber) },
      { type: "url", value: roleUri(role) },
      ...hosts.map((host) => ({ type: isIP(host) ? "ip" as const : "dns" as const, value: host })),
    ]),
    await SubjectKeyIdentifierExtension.create(publicKey),
    await AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey),
  ];
  return await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: signer.certificate.subjectName,
    ...validity(nowMs, validityDays),
    serialNumber,
    signingAlgorithm: algorithm,
    signingKey: signer.key,
    publicKey,
    extensions,
  });
}

/** A CA from its files' text. Throws where they are damaged or do not belong together. */
export async function readSigner(certPem: string, keyPem: string): Promise<Signer> {
  const certificate = new X509Certificate(certPem);
  const pkcs8 = PemConverter.decodeFirst(keyPem);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  const probe = new Uint8Array(1);
  const signature = await crypto.subtle.sign(algorithm, key, probe);
  const publicKey = await certificate.publicKey.export(algorithm, ["verify"]);
  if (await crypto.subtle.verify(algorithm, publicKey, signature, probe)) {
    return { certificate, key };
  }
  throw new TypeError("the key is not that of the certificate");
}

/** The PEM texts of a certificate and of its key (PKCS#8). */
export async function encodeSigner(signer: Signer): Promise<{ certPem: string; keyPem: string }> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", signer.key);
  return {
    certPem: signer.certificate.toString("pem") + "\n",
    keyPem: PemConverter.encode(pkcs8, "PRIVATE KEY") + "\n",
  };
}

/** Of every key in a network, and of the signatures by them. */
export const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 60 * 60_000;

/** Begins a little early, for peers whose clocks are behind. */
function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(Math.min(nowMs, nowMs + days * dayMs) - certificateBackdateMs),
    notAfter: new Date(nowMs + days * dayMs),
  };
}

/** Positive and at most 20 bytes (RFC 5280, 4.1.2.2). */
function newSerialNumber(): string {
  return "01" + randomHex(15);
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
