/** Checks the logs of stopped nodes, without the nodes: what they promised can be proven from them. */

import type { Authority } from "../keys/certificate.ts";
import { checkCertificates } from "./certificates.ts";
import type { Chain } from "./chain.ts";
import { readChain } from "./chain.ts";
import { checkAgreement } from "./agreement.ts";
import { checkConservation } from "./conservation.ts";
import type { OpenFolder } from "./data_folder.ts";
import { withFolders } from "./data_folder.ts";
import type { Report } from "./findings.ts";
import { Findings, plural } from "./findings.ts";
import type { History } from "./history.ts";
import { readHistory } from "./history.ts";
import { isOpen } from "./participant_book.ts";
import { Network } from "./witnesses.ts";

/**
 * Checks each log from its genesis on, and the logs against each other. Nothing is written.
 *
 * @param dirs data folders of nodes of one network
 * @param logKeyPaths as {@linkcode withFolders} has them
 * @param authority the network's CA, where it is known otherwise than by the logs
 * @throws {UsageError} if a log is encrypted with none of the keys, or if there is no such key
 * @throws {Error} if a folder is in use or without a log, or if two are of one node
 */
export async function verifyLogs(
  dirs: readonly string[],
  logKeyPaths: readonly string[] = [],
  authority?: Authority,
): Promise<Report> {
  return await withFolders(dirs, logKeyPaths, (folders) => verifyOpen(folders, authority));
}

/** As {@linkcode verifyLogs}, of logs that are open already. */
export async function verifyOpen(
  folders: readonly OpenFolder[],
  authority?: Authority,
): Promise<Report> {
  const findings = new Findings();
  const read: { chain: Chain; opened: NonNullable<OpenFolder["opened"]> }[] = [];
  for (const { dir, opened, damage } of folders) {
    if (!opened) {
      findings.violation("damage", `"${dir}": ${damage}`);
      continue;
    }
    const chain = await readChain(opened.log, dir, findings);
    if (chain) read.push({ chain, opened });
  }
  const chains = read.map(({ chain }) => chain);
  checkNames(chains, authority, findings);
  if (authority) await checkCertificates(chains, authority, findings);
  const network = new Network(chains);
  const histories: History[] = [];
  for (const { chain, opened: { log, storage } } of read) {
    const history = await readHistory(log, storage, chain, network, findings);
    histories.push(history);
    findings.summary.push(summaryOf(history));
  }
  checkAgreement(histories, findings);
  checkConservation(histories, findings);
  return findings.report(chains[0]?.genesis.network);
}

function checkNames(
  chains: readonly Chain[],
  authority: Authority | undefined,
  findings: Findings,
): void {
  const names = new Set<string>();
  let first: Chain | undefined;
  let coordinator: string | undefined;
  for (const chain of chains) {
    const { name, network, role } = chain.genesis;
    if (names.has(name)) throw new Error(`Two of the data folders are of node "${name}"`);
    names.add(name);
    first ??= chain;
    if (authority && network !== authority.network) {
      findings.violation(
        "network",
        `${name} is of the network ${network}, the CA's is ${authority.network}`,
      );
    } else if (network !== first.genesis.network) {
      findings.violation("network", `${name} is of another network than ${first.name}`);
    }
    if (role !== "coordinator") continue;
    if (coordinator) {
      findings.violation("network", `${coordinator} and ${name} are both coordinators`);
    }
    coordinator ??= name;
  }
}

function summaryOf(history: History): string {
  const { chain, role, payments } = history;
  let committed = 0;
  let aborted = 0;
  let open = 0;
  /** No outcome of theirs was recorded here: of their attempts at most. */
  let givenUp = 0;
  if (history.role === "coordinator") {
    for (const { transaction, hasEnded } of history.payments.values()) {
      if (!transaction) aborted++;
      else {
        committed++;
        if (!hasEnded) open++;
      }
    }
  } else {
    for (const held of history.payments.values()) {
      if (held.state === "posted" || held.state === "mismatch" && held.commit) committed++;
      else if (isOpen(held)) open++;
      else if (held.code || held.state === "mismatch") aborted++;
      else givenUp++;
    }
  }
  const checkpoints = plural(chain.checkpoints.size, "checkpoint");
  return `${chain.name}: ${role}, ${plural(chain.length, "entry")}, ` +
    `${plural(payments.size, "payment")}: ${committed} committed, ${aborted} aborted, ` +
    `${open} open${givenUp > 0 ? `, ${givenUp} given up` : ""}; ${checkpoints}`;
}
