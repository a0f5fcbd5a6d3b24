/**
 * What a CA has signed, in `ca.issued` beside its key, one PEM after the other: certificates of nodes, as a renewal
 * takes the place of `NAME.pem`, and what it replaced counts until it expires or is revoked; and lists of those
 * that are revoked, so that none is forgotten where `ca.crl` is lost.
 */

import type { X509Certificate } from "@peculiar/x509";
import { messageOf, UsageError } from "../errors.ts";
import { parseCertificate } from "./certificate.ts";
import { readCertificate } from "./folder.ts";
import type { RevocationList } from "./revocations.ts";
import { parseRevocationList, readRevocationList, revocationPath } from "./revocations.ts";

export interface Issued {
  readonly certificates: readonly X509Certificate[];
  /** The latest. */
  readonly list?: RevocationList;
}

function issuedPath(dir: string): string {
  return `${dir}/ca.issued`;
}

/** Before anyone can have it. */
export async function noteIssued(dir: string, pem: string): Promise<void> {
  await Deno.writeTextFile(issuedPath(dir), `${pem.trimEnd()}\n`, { append: true });
}

/** One at a time: what a process signs while another revokes is on its list, or comes after it. */
export async function whileIssuing<T>(dir: string, use: () => Promise<T>): Promise<T> {
  using file = await Deno.open(`${dir}/ca.lock`, { write: true, create: true });
  await file.lock(true);
  return await use();
}

/** Throws {@linkcode UsageError} that says what to do about a file that can't be read. */
export async function readIssued(dir: string, ca: X509Certificate): Promise<Issued> {
  const path = issuedPath(dir);
  const certificates: X509Certificate[] = [];
  let list = await listIn(dir, ca);
  const text = await textOf(path);
  for (const pem of (text ?? "").split(/(?=-----BEGIN )/).filter((one) => one.trim() !== "")) {
    try {
      if (pem.includes("BEGIN CERTIFICATE")) certificates.push(parseCertificate(pem));
      else {
        const noted = await parseRevocationList(pem, ca);
        if (noted.number > (list?.number ?? 0)) list = noted;
      }
    } catch (thrown) {
      const at = text!.slice(0, text!.indexOf(pem)).split("\n").length;
      throw new UsageError(
        `Cannot read ${path}: ${
          messageOf(thrown)
        } at line ${at}. Put back a copy of it; where there is ` +
          "none, delete that part, and know that what it was can't be revoked",
      );
    }
  }
  return { certificates, list };
}

/** Those of a name, each once, in the order in which they were signed. */
export async function issuedTo(
  dir: string,
  name: string,
  { certificates }: Issued,
): Promise<X509Certificate[]> {
  const last = await readCertificate(`${dir}/${name}.pem`);
  const all = last ? [...certificates, last] : certificates;
  const theirs = all.filter(({ subjectName }) => subjectName.getField("CN").includes(name));
  return [...new Map(theirs.map((one) => [one.serialNumber, one])).values()];
}

async function listIn(dir: string, ca: X509Certificate): Promise<RevocationList | undefined> {
  try {
    return await readRevocationList(dir, ca);
  } catch (thrown) {
    throw new UsageError(
      `Cannot add to ${revocationPath(dir)}: ${
        messageOf(thrown)
      }. Put back the last list that was signed`,
    );
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
