/** `doctor` on a certificate folder. */

import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";
import type { X509Certificate } from "@peculiar/x509";
import { messageOf } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import {
  isNodeName,
  parseCertificate,
  readAuthority,
  verifyPeerCertificate,
} from "../keys/certificate.ts";
import { exists } from "../keys/folder.ts";
import { ownKeyPaths, parseSigningKey } from "../keys/own_keys.ts";
import { parseSealingKey } from "../keys/seal.ts";
import { checkMode, fail, type Finding, ok, warn } from "./finding.ts";
import { timeText } from "./times.ts";

const dayMs = 24 * 60 * 60_000;
/** A certificate that ends sooner is to be renewed now. */
const renewalMs = 30 * dayMs;

export async function checkCertificates(dir: string, nowMs: number): Promise<Finding[]> {
  const files = await filesIn(dir);
  if (files === undefined) {
    const next = `handfast init --certs ${dir} --nodes coordinator,alice,bob, ` +
      "or name another folder by --certs DIR";
    return [fail(dir, "there is no such folder", next)];
  }
  const names = (ending: string) =>
    files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length))
      .filter((name) => name !== "ca" && (ending === ".pem" || isNodeName(name)));
  const findings: Finding[] = [];
  const authority = await checkAuthority(dir, files, nowMs, findings);
  const certified = names(".pem");
  for (const name of certified) {
    findings.push(...await checkNode(dir, name, authority, files, nowMs));
  }
  for (const name of names(".key")) {
    findings.push(...await checkMode(`${dir}/${name}.key`, 0o600));
    findings.push(...await checkOwnKeys(dir, name));
    if (certified.includes(name)) continue;
    const next =
      `have ${dir}/${name}.csr signed (handfast sign), and put ${name}.pem and ca.pem here`;
    findings.push(warn(`${dir}/${name}.key`, "a key without a certificate", next));
  }
  if (certified.length === 0 && names(".key").length === 0 && !files.includes("ca.key")) {
    findings.push(fail(dir, "no node's certificate", `handfast csr --certs ${dir} --name NAME`));
  }
  return findings;
}

async function filesIn(dir: string): Promise<string[] | undefined> {
  const files: string[] = [];
  try {
    for await (const { name } of Deno.readDir(dir)) files.push(name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
  return files.sort();
}

async function checkAuthority(
  dir: string,
  files: readonly string[],
  nowMs: number,
  findings: Finding[],
): Promise<Authority | undefined> {
  const path = `${dir}/ca.pem`;
  if (files.includes("ca.key")) {
    findings.push(...await checkMode(`${dir}/ca.key`, 0o600));
  }
  if (!files.includes("ca.pem")) {
    findings.push(fail(path, "there is no such file", "get it from the owner of the network's CA"));
    return undefined;
  }
  try {
    const authority = readAuthority(await Deno.readTextFile(path));
    const next = "make a new network's CA and certificates in time: every node needs them";
    findings.push(checkExpiry(path, "the network's CA", authority.certificate, nowMs, next));
    return authority;
  } catch (thrown) {
    findings.push(fail(path, messageOf(thrown), "get it again from the owner of the network's CA"));
    return undefined;
  }
}

async function checkNode(
  dir: string,
  name: string,
  authority: Authority | undefined,
  files: readonly string[],
  nowMs: number,
): Promise<Finding[]> {
  const path = `${dir}/${name}.pem`;
  const next = `renew it: handfast sign ${name}.csr, or handfast init --nodes ${name} --force`;
  let certificate: X509Certificate;
  let who: string;
  try {
    certificate = parseCertificate(await Deno.readTextFile(path));
    who = name;
    if (authority !== undefined) {
      const der = new Uint8Array(certificate.rawData);
      const own = await verifyPeerCertificate(authority, der, nowMs);
      if (own.name !== name) {
        return [fail(path, `it is the certificate of "${own.name}"`, `name it ${own.name}.pem`)];
      }
      who = `${own.role} ${name}`;
    }
  } catch (thrown) {
    return [fail(path, messageOf(thrown), next)];
  }
  const findings = [checkExpiry(path, who, certificate, nowMs, next)];
  // Without the key it is the CA owner's copy.
  if (files.includes(`${name}.key`)) findings.push(await checkKey(dir, name, certificate));
  return findings;
}

async function checkKey(dir: string, name: string, certificate: X509Certificate): Promise<Finding> {
  const path = `${dir}/${name}.key`;
  const next = `find the key that ${name}.pem was made for, or have a new request signed`;
  try {
    const own = createPublicKey(await Deno.readTextFile(path)).export({
      type: "spki",
      format: "der",
    });
    return Buffer.from(certificate.publicKey.rawData).equals(own)
      ? ok(path, `it is the key of ${name}.pem`)
      : fail(path, `it is not the key of ${name}.pem`, next);
  } catch (thrown) {
    return fail(path, `it cannot be used: ${messageOf(thrown)}`, next);
  }
}

/** The signing and the sealing key. Where they are missing the node makes them at its next start. */
async function checkOwnKeys(dir: string, name: string): Promise<Finding[]> {
  const { signing, sealing } = ownKeyPaths(dir, name);
  const findings: Finding[] = [];
  for (const [path, parse] of [[signing, parseSigningKey], [sealing, parseSealingKey]] as const) {
    if (!await exists(path)) continue;
    findings.push(...await checkMode(path, 0o600));
    try {
      await parse(await Deno.readTextFile(path));
    } catch (thrown) {
      const next = "put back a copy of it, or move it away to have the node make another";
      findings.push(fail(path, `it cannot be used: ${messageOf(thrown)}`, next));
    }
  }
  return findings;
}

function checkExpiry(
  path: string,
  who: string,
  { notAfter }: X509Certificate,
  nowMs: number,
  next: string,
): Finding {
  const leftMs = notAfter.getTime() - nowMs;
  const until = timeText(notAfter.getTime());
  if (leftMs <= 0) return fail(path, `${who}: expired at ${until}`, next);
  const days = Math.floor(leftMs / dayMs);
  const detail = `${who}: valid until ${until}, ${days} days more`;
  return leftMs < renewalMs ? warn(path, detail, next) : ok(path, detail);
}
