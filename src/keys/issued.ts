/**
 * Every certificate that a CA has signed for a node, in `ca.issued` beside its key, one PEM after the other: a
 * renewal takes the place of `NAME.pem`, and what it replaced counts until it expires or is revoked.
 */

import type { X509Certificate } from "@peculiar/x509";
import { messageOf } from "../errors.ts";
import { parseCertificate } from "./certificate.ts";
import { readCertificate } from "./folder.ts";

function issuedPath(dir: string): string {
  return `${dir}/ca.issued`;
}

/** Before anyone can have it. */
export async function noteIssued(dir: string, certificate: X509Certificate): Promise<void> {
  await Deno.writeTextFile(issuedPath(dir), certificate.toString("pem") + "\n", { append: true });
}

/** Those of a name that are known, each once, in the order in which they were signed. */
export async function issuedTo(dir: string, name: string): Promise<X509Certificate[]> {
  const bySerial = new Map<string, X509Certificate>();
  for (const certificate of await issued(dir)) {
    if (isOf(certificate, name)) bySerial.set(certificate.serialNumber, certificate);
  }
  // In a folder of a version that noted none there is one of each name.
  const last = await readCertificate(`${dir}/${name}.pem`);
  if (last) bySerial.set(last.serialNumber, last);
  return [...bySerial.values()];
}

async function issued(dir: string): Promise<X509Certificate[]> {
  const path = issuedPath(dir);
  let text;
  try {
    text = await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
  try {
    return text.split(/(?=-----BEGIN )/).filter((pem) => pem.trim() !== "").map(parseCertificate);
  } catch (thrown) {
    throw new Error(`Cannot read ${path}: ${messageOf(thrown)}`);
  }
}

function isOf({ subjectName }: X509Certificate, name: string): boolean {
  return subjectName.getField("CN").includes(name);
}
