/** What a node's certificate says, and whether to believe it. */

import "reflect-metadata";
import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";
import { messageOf, shortened } from "../errors.ts";
import { isName, type Role } from "../names.ts";
import { sha256 } from "../sha256.ts";
import type { Revocations } from "./revocations.ts";

/** Why a certificate is not accepted, for programs. */
export type CertificateFault =
  | "wrong_network"
  | "expired"
  | "revoked"
  | "wrong_name"
  | "wrong_role"
  | "bad_voucher"
  | "garbage";

/** A certificate that is not accepted; the message says why, with the values. */
export class CertificateError extends Error {
  override name = "CertificateError";

  constructor(readonly fault: CertificateFault, message: string) {
    super(message);
  }
}

/** Who a certificate says its owner is, once the CA's signature has been checked. */
export interface PeerCertificate {
  readonly name: string;
  readonly role: Role;
  readonly publicKey: KeyObject;
  readonly expiresMs: number;
  /** The name that no other certificate has, where it has one. */
  readonly serialName?: string;
}

/** A network's certificate authority, as far as it takes to check its signatures. */
export interface Authority {
  readonly certificate: X509Certificate;
  /** SHA-256 of the CA's certificate (DER) in hexadecimal: the network's own identity. */
  readonly network: string;
  /** Those of its certificates that no longer count. Without them all do: of the past it is not asked. */
  readonly revocations?: Revocations;
}

/**
 * Checks that a certificate was signed by the network's CA, is valid at `nowMs` and not revoked, and
 * names a node and its role. The node's name is the subject's common name, which must be among the DNS names too,
 * as dialers verify it as one; the hosts for HTTPS stand beside it and name no node.
 *
 * Throws {@linkcode CertificateError}.
 */
export async function verifyPeerCertificate(
  authority: Authority,
  certDer: Uint8Array,
  nowMs: number,
): Promise<PeerCertificate> {
  const certificate = parseCertificate(certDer);
  const ca = authority.certificate;
  const signed = certificate.issuer === ca.subject &&
    await certificate.verify({ publicKey: ca.publicKey, signatureOnly: true });
  if (!signed) {
    throw new CertificateError(
      "wrong_network",
      `the certificate of "${
        shortened(certificate.subject)
      }" was not signed by the CA of this network`,
    );
  }
  if (isOfCa(certificate)) {
    throw new CertificateError("wrong_name", "the certificate is that of a CA, not of a node");
  }
  const name = nameOf(certificate);
  checkValidity(certificate, name, nowMs);
  const revokedMs = authority.revocations?.revokedMs(certificate);
  if (revokedMs !== undefined) {
    throw new CertificateError("revoked", revokedText(name, revokedMs));
  }
  return {
    name,
    role: roleOf(certificate, name),
    publicKey: publicKeyOf(certificate, name),
    expiresMs: certificate.notAfter.getTime(),
    serialName: serialNameIn(certificate),
  };
}

/** @param ms since 1970 */
export function revokedText(name: string, ms: number): string {
  const at = new Date(ms).toISOString();
  return `the certificate of "${name}" was revoked by the network's CA at ${at}`;
}

/** DER, or PEM as a text. Throws {@linkcode CertificateError} if it is no certificate. */
export function parseCertificate(encoded: Uint8Array | string): X509Certificate {
  // The parser takes other texts too, and says of the rest what only its authors understand.
  if (typeof encoded === "string" && !encoded.includes("-----BEGIN CERTIFICATE-----")) {
    throw new CertificateError("garbage", "it is no PEM certificate");
  }
  try {
    return new X509Certificate(typeof encoded === "string" ? encoded : new Uint8Array(encoded));
  } catch (thrown) {
    throw new CertificateError("garbage", `it is no X.509 certificate: ${messageOf(thrown)}`);
  }
}

/** SHA-256 of a certificate's DER encoding. */
export function fingerprint(certDer: Uint8Array): Uint8Array {
  return sha256(certDer);
}

export function readAuthority(caPem: string): Authority {
  const certificate = parseCertificate(caPem);
  const network = fingerprint(new Uint8Array(certificate.rawData));
  return { certificate, network: network.toHex() };
}

/** Whether it may sign others. */
export function isOfCa(certificate: X509Certificate): boolean {
  return certificate.getExtension(BasicConstraintsExtension)?.ca === true;
}

/** Throws {@linkcode CertificateError} unless the certificate carries exactly one role. */
export function roleOf(certificate: X509Certificate, name: string): Role {
  return roleAmong(alternativeNames(certificate, "url"), name);
}

/** As {@linkcode roleOf}, of the URI names of a certificate or of a request for one. */
export function roleAmong(uris: readonly string[], name: string): Role {
  const roles = uris.filter((uri) => uri.startsWith(rolePrefix))
    .map((uri) => uri.slice(rolePrefix.length));
  const role = roles[0];
  if (roles.length === 1 && (role === "coordinator" || role === "participant")) return role;
  throw new CertificateError(
    "wrong_role",
    `the certificate of "${name}" does not carry one role (${roleUri("participant")} or ${
      roleUri("coordinator")
    })`,
  );
}

/** The URI name that carries a role. */
export function roleUri(role: Role): string {
  return rolePrefix + role;
}

/** The DNS and IP names of a certificate: the node's own and its hosts. */
export function hostsOf(certificate: X509Certificate): string[] {
  return alternativeNames(certificate, "dns").filter((name) => !isSerialName(name))
    .concat(alternativeNames(certificate, "ip"));
}

/**
 * The DNS name that one certificate has, and no other: TLS verifies names, and tells nobody which certificate it
 * has seen. Too long for a node's name.
 */
export function serialNameOf(serialNumber: string): string {
  return `s${serialNumber}`;
}

/** Whether a host would be such a name. */
export function isSerialName(host: string): boolean {
  return /^s[0-9a-f]{32}$/i.test(host);
}

/** That name of a certificate; one of an earlier version has none. */
export function serialNameIn(certificate: X509Certificate): string | undefined {
  const name = serialNameOf(certificate.serialNumber);
  return alternativeNames(certificate, "dns").includes(name) ? name : undefined;
}

const rolePrefix = "handfast:role:";

function nameOf(certificate: X509Certificate): string {
  const names = certificate.subjectName.getField("CN");
  const name = names[0];
  if (name === undefined || names.length > 1 || !isName(name)) {
    throw new CertificateError(
      "wrong_name",
      `the certificate of "${certificate.subject}" does not name one node`,
    );
  }
  if (!alternativeNames(certificate, "dns").includes(name)) {
    throw new CertificateError(
      "wrong_name",
      `the certificate of "${name}" lacks that name among its DNS names`,
    );
  }
  return name;
}

function checkValidity(certificate: X509Certificate, name: string, nowMs: number): void {
  const { notBefore, notAfter } = certificate;
  if (nowMs > notAfter.getTime()) {
    throw new CertificateError(
      "expired",
      `the certificate of "${name}" expired at ${notAfter.toISOString()}`,
    );
  }
  if (nowMs < notBefore.getTime()) {
    throw new CertificateError(
      "expired",
      `the certificate of "${name}" is valid only from ${notBefore.toISOString()}`,
    );
  }
}

function publicKeyOf(certificate: X509Certificate, name: string): KeyObject {
  const key = createPublicKey({
    key: Buffer.from(certificate.publicKey.rawData),
    format: "der",
    type: "spki",
  });
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new CertificateError("garbage", `the key of "${name}" is no ECDSA P-256 key`);
  }
  return key;
}

function alternativeNames(certificate: X509Certificate, type: "dns" | "ip" | "url"): string[] {
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.filter((name) => name.type === type).map((name) => name.value);
}
