/** Which names nodes and hosts may have in certificates. Each throws {@linkcode UsageError}. */

import { isIP } from "node:net";
import { shortened, UsageError } from "../errors.ts";
import { isName } from "../names.ts";
import { hostsOf, isSerialName } from "./certificate.ts";
import { readCertificate } from "./folder.ts";

export function checkName(name: string): void {
  if (isName(name) && !name.endsWith("-") && name !== "ca") return;
  const shown = JSON.stringify(shortened(name));
  throw new UsageError(
    `Cannot name a node ${shown}: use a small letter, then at most 30 small letters, digits or ` +
      'hyphens, without a hyphen at the end (it is a DNS name too); "ca" is taken',
  );
}

export function checkHosts(hosts: readonly string[]): void {
  for (const host of hosts) {
    if (isSerialName(host)) {
      throw new UsageError(
        `Cannot put the host "${host}" into a certificate: by such a name a node knows one certificate ` +
          "of another, and whoever had it could pose as that one. Leave it out",
      );
    }
    if (isIP(host) || (host.length <= 253 && hostPattern.test(host))) continue;
    const shown = JSON.stringify(shortened(host));
    throw new UsageError(
      `Cannot put the host ${shown} into a certificate: use a DNS name or an IP address without ` +
        "port, such as localhost or 127.0.0.1",
    );
  }
}

/**
 * A host that is also a node's name would let every node with that host listen as that node, and
 * relay to it what dialers prove: names of nodes and of hosts must not meet.
 */
export async function checkHostsAgainst(
  dir: string,
  existing: readonly string[],
  nodes: readonly string[],
  hosts: readonly string[],
): Promise<void> {
  const names = new Set([...existing, ...nodes]);
  for (const host of hosts) {
    if (!names.has(host)) continue;
    throw new UsageError(
      `Cannot use "${host}" as a host: a node has that name, and whoever held both could pose as ` +
        "it. Rename the node or leave out the host",
    );
  }
  for (const name of existing) {
    if (nodes.includes(name)) continue;
    const certificate = await readCertificate(`${dir}/${name}.pem`);
    const taken = certificate === undefined
      ? undefined
      : hostsOf(certificate).find((host) => host !== name && nodes.includes(host));
    if (taken === undefined) continue;
    throw new UsageError(
      `Cannot name a node "${taken}": the certificate of "${name}" has it as a host. Choose ` +
        "another name",
    );
  }
}

const hostPattern =
  /^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
