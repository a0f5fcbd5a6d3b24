/** `doctor` on a data folder, and on the node that runs with it. */

import { statfsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { messageOf } from "../errors.ts";
import { readAuthority } from "../keys/certificate.ts";
import { exists } from "../keys/folder.ts";
import { readRevocationList, Revocations } from "../keys/revocations.ts";
import { paymentIdAheadMsMax } from "../limits.ts";
import { probe } from "../link/probe.ts";
import { logPathOf } from "../log/folder_lock.ts";
import { statusAnswer } from "./answers.ts";
import type { StatusAnswer } from "./answers.ts";
import { unreached } from "./api.ts";
import { checkLog, type LogKey } from "./doctor_log_key.ts";
import { checkMode, fail, type Finding, ok, warn } from "./finding.ts";
import { acknowledgeText, mismatchText } from "./mismatches.ts";
import { isRunning, type NodeAddress, nodeInFolder } from "./node_address.ts";
import { send } from "./node_client.ts";
import { clockText, isClockOff } from "./status.ts";
import { timeText } from "./times.ts";
import { parseEndpoint } from "./values.ts";

const freeBytesWarn = 1024 ** 3;
const freeBytesFail = 100 * 1024 ** 2;
/** Headers tell whole seconds. */
const clockMsWarn = 2_000;
const answerMsMax = 5_000;
const connectMsMax = 2_000;

export async function checkData(
  dir: string,
  caFile: string,
  logKeys: readonly LogKey[],
): Promise<Finding[]> {
  const findings = await checkFolder(dir);
  if (findings.some(({ level, subject }) => level === "fail" && subject === dir)) return findings;
  const hasBegun = await exists(`${dir}/api.json`);
  if (!hasBegun || !await isRunning(dir)) {
    findings.push(...await checkLog(dir, logKeys, await networkOf(caFile)));
    const next = "look at what it said last, and start it again";
    findings.push(
      hasBegun
        ? warn(dir, "no node runs with it: the last one was killed", next)
        : ok(dir, "no node runs with it"),
    );
    return findings;
  }
  return [...findings, ...await checkRunning(dir, caFile)];
}

/** Of the certificates; what is wrong with the CA's own is told where that is looked at. */
async function networkOf(caFile: string): Promise<string | undefined> {
  try {
    return readAuthority(await Deno.readTextFile(caFile)).network;
  } catch {
    return undefined;
  }
}

/** Whether a node with the certificates of that CA could link with a coordinator at `HOST:PORT`. */
export async function checkCoordinator(
  address: string,
  name: string,
  caFile: string,
): Promise<Finding> {
  let failure: string | undefined;
  try {
    const caPem = await Deno.readTextFile(caFile);
    const list = await readRevocationList(dirname(caFile), readAuthority(caPem).certificate);
    const revocations = new Revocations(list);
    failure = await probe({ address, name, role: "coordinator", caPem, revocations });
  } catch (thrown) {
    const next = "name the folder of the network's certificates by --certs DIR";
    return fail(
      name,
      `${address} is not looked at without "${caFile}": ${messageOf(thrown)}`,
      next,
    );
  }
  if (failure === undefined) return ok(name, `${address} takes links, and is ${name}`);
  const next = "is it running there, is that where it listens for links, " +
    "does a firewall let it through?";
  return fail(name, failure, next);
}

/** Whether something listens at `HOST:PORT`. Who it is shows only when a link is made. */
async function checkPort(address: string, subject: string): Promise<Finding> {
  try {
    const { hostname, port } = parseEndpoint(address, subject);
    const signal = AbortSignal.timeout(connectMsMax);
    // Not yet in every version's types: the signal ends the attempt.
    const options: Deno.ConnectOptions & { signal: AbortSignal } = { hostname, port, signal };
    (await Deno.connect(options)).close();
    return ok(subject, `${address} takes connections`);
  } catch (thrown) {
    const next = "is the node running there, is the address right, does a firewall let it through?";
    return fail(subject, `${address} does not answer: ${messageOf(thrown)}`, next);
  }
}

async function checkFolder(dir: string): Promise<Finding[]> {
  const log = logPathOf(dir);
  const files: Deno.FileInfo[] = [];
  try {
    if (!(await Deno.stat(dir)).isDirectory) throw new Deno.errors.NotFound();
    files.push(await Deno.stat(log));
    // What was written last stands there for a while.
    if (await exists(`${log}-wal`)) files.push(await Deno.stat(`${log}-wal`));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    return [fail(dir, "it holds no log", "name a node's data folder by --data DIR")];
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const writtenMs = Math.max(...files.map(({ mtime }) => mtime?.getTime() ?? 0));
  const written = writtenMs === 0 ? "" : `, last written ${timeText(writtenMs)}`;
  const findings = [ok(log, `${bytesText(bytes)}${written}`)];
  findings.push(...await checkMode(dir, 0o700));
  for (const token of [`${dir}/token`, `${dir}/token.read`]) {
    if (await exists(token)) findings.push(...await checkMode(token, 0o600));
  }
  findings.push(checkDisk(dir));
  return findings;
}

function checkDisk(dir: string): Finding {
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  const detail = `${bytesText(free)} free for its log, by statfs`;
  const next = "free some space, or move the stopped node's folder: a full disk stops the node";
  if (free < freeBytesFail) return fail(dir, detail, next);
  return free < freeBytesWarn ? warn(dir, detail, next) : ok(dir, detail);
}

async function checkRunning(dir: string, caFile: string): Promise<Finding[]> {
  let node: NodeAddress;
  try {
    node = await nodeInFolder(dir, undefined);
    if (node.url.startsWith("https:")) node = await nodeInFolder(dir, caFile);
  } catch (thrown) {
    return [fail(dir, messageOf(thrown), "stop the node and start it again")];
  }
  const request = { method: "GET", path: "/v1/status", timeoutMs: answerMsMax } as const;
  const reply = await send(node, request);
  const receivedMs = Date.now();
  if (reply.type !== "answered") {
    const next = "it may hang: stop it and start it again";
    return [fail(nodeNameOf(dir), unreached(node, reply.reason), next)];
  }
  const status = statusAnswer.safeParse(reply.body).data;
  if (status === undefined) {
    const next = `is another program at that port? Start the node again`;
    return [fail(node.url, `it answered ${reply.status}, not as a node does`, next)];
  }
  const findings = [ok(node.url, `${status.role} ${status.name} answers`)];
  findings.push(await checkReady(node, status));
  findings.push(...checkClock(node.url, reply.date, receivedMs));
  findings.push(...await checkPeers(status));
  findings.push(...checkTrouble(status, dir));
  return findings;
}

async function checkReady(
  node: NodeAddress,
  { name, role, notReady }: StatusAnswer,
): Promise<Finding> {
  const reply = await send(node, { method: "GET", path: "/readyz", timeoutMs: answerMsMax });
  if (reply.type === "answered" && reply.status === 200) return ok(name, "takes payments");
  const next = role === "participant"
    ? "start the coordinator, or look at this node's own messages for why it is refused"
    : "it is stopping, or offline: start it again";
  const why = notReady === undefined ? "" : `: ${notReady}`;
  return fail(name, `does not take payments${why}`, next);
}

function checkClock(url: string, date: string | undefined, receivedMs: number): Finding[] {
  const toldMs = Date.parse(date ?? "");
  if (Number.isNaN(toldMs)) return [];
  // The header is cut to whole seconds: half of one is the best guess.
  const offMs = Math.abs(toldMs + 500 - receivedMs);
  const seconds = (offMs / 1000).toFixed(1);
  const detail = `its clock is ${seconds} s from this machine's, by its Date header`;
  const next = "set both clocks by NTP";
  if (offMs > paymentIdAheadMsMax) return [fail(url, detail, next)];
  return [
    offMs > clockMsWarn ? warn(url, detail, next) : ok(url, "its clock agrees with this one"),
  ];
}

async function checkPeers({ name, role, peers }: StatusAnswer): Promise<Finding[]> {
  return await Promise.all(
    peers.filter((peer) => peer.name !== name).map(async (peer): Promise<Finding> => {
      const subject = `${name} to ${peer.name}`;
      if (peer.link === "up") return ok(subject, `linked, ${peer.address}`);
      const port = await checkPort(peer.address, subject);
      // A peer may be stopped, and where no link is needed its port should still be reached.
      if (port.level === "fail") return { ...port, level: "warn" };
      if (peer.link === "not_needed") return port;
      const detail = `${peer.address} takes connections, but the link is down`;
      const next =
        `is it ${peer.name} that listens there? Look at its messages and this node's: it ` +
        "may be refused, dial another coordinator, or link again in a moment";
      // All that it takes part in waits for it, or is aborted.
      return role === "coordinator"
        ? fail(subject, `${detail}: ${peer.name} can't pay or be paid`, next)
        : warn(subject, detail, next);
    }),
  );
}

/** Whose folder it is by its name, for one that can't be asked. */
function nodeNameOf(dir: string): string {
  return basename(resolve(dir));
}

function checkTrouble(status: StatusAnswer, dir: string): Finding[] {
  const findings: Finding[] = [];
  const { name, inDoubt, mismatches, alarms } = status;
  if (isClockOff(status)) {
    findings.push(
      warn(name, clockText(status), "set both clocks by NTP, then pay anything: it shows"),
    );
  }
  if (inDoubt > 0) {
    const next = `handfast in-doubt --data ${dir}`;
    findings.push(warn(name, `${inDoubt} payments are in doubt, their money held`, next));
  }
  for (const mismatch of mismatches) {
    const next = acknowledgeText(mismatch.transaction, ` --data ${dir}`);
    findings.push(fail(name, mismatchText(mismatch), next));
  }
  const last = alarms.at(-1);
  if (last !== undefined) {
    const next = `handfast status --data ${dir}; then stop the nodes, and ` +
      `handfast verify --data ${dir}, with a --data for each other node at hand`;
    findings.push(fail(name, `${alarms.length} alarms, the last: ${last}`, next));
  }
  return findings;
}

function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}
