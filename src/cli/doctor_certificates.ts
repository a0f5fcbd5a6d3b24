/** `doctor` on a certificate folder. */

import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";
import type { X509Certificate } from "@peculiar/x509";
import { messageOf } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import {
  CertificateError,
  hostsOf,
  parseCertificate,
  readAuthority,
  roleOf,
  verifyPeerCertificate,
} from "../keys/certificate.ts";
import { exists } from "../keys/folder.ts";
import { readRevocationList, revocationPath, Revocations } from "../keys/revocations.ts";
import { ownKeyPaths, parseSigningKey } from "../keys/own_keys.ts";
import { parseSealingKey } from "../keys/seal.ts";
import { renewalDays } from "../limits.ts";
import { isName } from "../names.ts";
import { checkMode, fail, type Finding, ok, warn } from "./finding.ts";
import { hostsIn } from "./init.ts";
import { timeText } from "./times.ts";

const dayMs = 24 * 60 * 60_000;

export async function checkCertificates(dir: string, nowMs: number): Promise<Finding[]> {
  const files = await filesIn(dir);
  if (files === undefined) {
    const next = `handfast init --certs ${dir} --nodes coordinator,alice,bob, ` +
      "or name another folder by --certs DIR";
    return [fail(dir, "there is no such folder", next)];
  }
  const names = (ending: string) =>
    files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length))
      .filter((name) => name !== "ca" && (ending === ".pem" || isName(name)));
  const findings: Finding[] = [];
  const known = await checkAuthority(dir, files, nowMs, findings);
  const authority = known && await checkRevocations(dir, known, findings);
  const certified = names(".pem");
  for (const name of certified) {
    findings.push(...await checkNode(dir, name, authority, files, nowMs));
  }
  for (const name of names(".key")) {
    findings.push(...await checkMode(`${dir}/${name}.key`, 0o600));
    findings.push(...await checkOwnKeys(dir, name));
    if (certified.includes(name)) continue;
    const next = remedy(dir, name, files);
    findings.push(warn(`${dir}/${name}.key`, "a key without a certificate", next));
  }
  if (certified.length === 0 && names(".key").length === 0 && !files.includes("ca.key")) {
    const next = `handfast csr --certs ${dir} --name NAME --role client|server`;
    findings.push(fail(dir, "no node's certificate", next));
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

/** The authority with its list of revoked certificates, where it has one. */
async function checkRevocations(
  dir: string,
  authority: Authority,
  findings: Finding[],
): Promise<Authority> {
  const path = revocationPath(dir);
  try {
    const list = await readRevocationList(dir, authority.certificate);
    if (!list) return authority;
    const { number, atMs, revokedMs: { size } } = list;
    const many = size === 1 ? "1 certificate is" : `${size} certificates are`;
    const detail = `list ${number} of the network's CA, of ${timeText(atMs)}: ${many} revoked`;
    findings.push(ok(path, detail));
    return { ...authority, revocations: new Revocations(list) };
  } catch (thrown) {
    findings.push(fail(path, messageOf(thrown), "get it again from the owner of the network's CA"));
    return authority;
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
  let next = `renew it: ${remedy(dir, name, files)}`;
  let certificate: X509Certificate | undefined;
  let who: string;
  try {
    certificate = parseCertificate(await Deno.readTextFile(path));
    next = `renew it: ${remedy(dir, name, files, certificate)}`;
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
    const detail = messageOf(thrown);
    if (!(thrown instanceof CertificateError) || thrown.fault !== "revoked") {
      return [fail(path, detail, next)];
    }
    // The CA's owner has nothing to do about it.
    if (!files.includes(`${name}.key`)) return [ok(path, detail)];
    const hosts = hostsFlag(certificate, name);
    const again = files.includes("ca.key")
      ? `handfast init --certs ${dir} --nodes ${name}${hosts} --force`
      : `handfast csr --certs ${dir} --name ${name} --role ${
        flagOf(certificate, name)
      }${hosts} --force`;
    return [fail(path, detail, `move ${dir}/${name}.*key away, then: ${again}`)];
  }
  const findings = [checkExpiry(path, who, certificate, nowMs, next)];
  // Without the key it is the CA owner's copy.
  if (files.includes(`${name}.key`)) findings.push(await checkKey(dir, name, certificate));
  return findings;
}

/** How a node comes to a new certificate, as commands that can be typed where this folder is. */
function remedy(
  dir: string,
  name: string,
  files: readonly string[],
  before?: X509Certificate,
): string {
  const has = (ending: string) => files.includes(`${name}.${ending}`);
  if (files.includes("ca.key")) {
    if (has("csr")) return `handfast sign ${dir}/${name}.csr --certs ${dir}`;
    if (!has("key")) {
      return `have its owner send ${name}.csr, then: handfast sign FILE --certs ${dir}`;
    }
    return `handfast init --certs ${dir} --nodes ${name}${hostsFlag(before, name)} --force`;
  }
  const back = `and put the ${name}.pem that comes back into ${dir}`;
  if (has("csr")) return `send ${dir}/${name}.csr to the owner of the network's CA, ${back}`;
  const role = flagOf(before, name);
  const renew = has("key") ? " --renew" : "";
  return `handfast csr --certs ${dir} --name ${name} --role ${role}${hostsFlag(before, name)}` +
    `${renew}, send the request to the owner of the network's CA, ${back}`;
}

/** As the certificate has them; nothing where they are what is taken without a flag. */
function hostsFlag(before: X509Certificate | undefined, name: string): string {
  const hosts = before && hostsOf(before).filter((host) => host !== name).join(",");
  return !hosts || hosts === hostsIn(undefined).join(",") ? "" : ` --hosts ${hosts}`;
}

function flagOf(before: X509Certificate | undefined, name: string): string {
  try {
    if (before) return roleOf(before, name) === "coordinator" ? "server" : "client";
  } catch (thrown) {
    if (!(thrown instanceof CertificateError)) throw thrown;
  }
  return "client|server";
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
  return leftMs < renewalDays * dayMs ? warn(path, detail, next) : ok(path, detail);
}
