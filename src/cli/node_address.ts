/** Where a running node answers, and the token that it wants to see. */

import { z } from "zod";
import { messageOf, shortened, UsageError } from "../errors.ts";
import { isFolderTaken } from "../log/folder_lock.ts";
import type { Arguments } from "./arguments.ts";
import { statusAnswer } from "./answers.ts";
import type { Flag } from "./command.ts";
import { lookUpMsMax, send } from "./node_client.ts";
import { parseName } from "./values.ts";

export const nodeFlags: readonly Flag[] = [
  { name: "name", value: "NAME", help: "the node whose data folder is data/NAME" },
  { name: "data", value: "DIR", help: "the node's data folder (default: the only one in data)" },
  { name: "api", value: "URL", help: "where the node answers, instead of a data folder" },
  { name: "token-file", value: "FILE", help: "file with the node's token, for --api" },
  { name: "ca", value: "FILE", help: "the network's CA certificate, for --api with HTTPS" },
];

export interface NodeAddress {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** PEM. */
  readonly ca?: string;
  /** How it was found, for errors. */
  readonly source: string;
  /** Its data folder, where it was found by that; mostly it has the node's name. */
  readonly folder?: string;
}

/** @throws {Error} saying which node could not be found, and how to name it */
export async function findNode(args: Arguments): Promise<NodeAddress> {
  const api = args.text("api");
  const tokenFile = args.text("token-file");
  const folder = args.text("data") ?? folderOf(args.text("name"));
  if ((api === undefined) !== (tokenFile === undefined)) {
    throw new UsageError("--api URL and --token-file FILE belong together: give both or neither");
  }
  const caFile = args.text("ca");
  if (api === undefined || tokenFile === undefined) {
    const node = await nodeInFolder(folder ?? await onlyFolder(), caFile);
    const [data, name] = [args.text("data"), args.text("name")];
    if (data !== undefined && name !== undefined) await expectName(node, name, data);
    return node;
  }
  if (folder !== undefined) {
    throw new UsageError("--api names a node already: leave out --data and --name");
  }
  const url = parseUrl(api);
  if (url === undefined) {
    throw new UsageError(`--api "${shortened(api)}" is no URL such as http://127.0.0.1:7080`);
  }
  return {
    url,
    token: await readToken(tokenFile),
    ca: await readCa(caFile),
    source: "--api",
  };
}

/** From another ledger than the one that is named nothing is paid. */
async function expectName(node: NodeAddress, name: string, data: string): Promise<void> {
  const request = { method: "GET", path: "/v1/status", timeoutMs: lookUpMsMax } as const;
  const reply = await send(node, request);
  if (reply.type !== "answered") return;
  const told = statusAnswer.pick({ name: true }).safeParse(reply.body).data?.name;
  if (told === undefined || told === name) return;
  throw new UsageError(`--data "${data}" is the folder of "${told}", and not of --name ${name}`);
}

function folderOf(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `data/${parseName(name, "--name")}`;
}

/** The node that runs with a data folder. */
export async function nodeInFolder(
  folder: string,
  caFile: string | undefined,
): Promise<NodeAddress> {
  const path = `${folder}/api.json`;
  const text = await readText(path);
  if (text === undefined || !await isRunning(folder)) {
    const why = text === undefined ? `there is no ${path}` : "the last one was killed";
    throw new Error(
      `no node runs on this machine with the data folder "${folder}": ${why}; start the node, or ` +
        "name another by --data DIR, --name NAME, or --api URL --token-file FILE",
    );
  }
  const announced = announcedIn(text);
  if (announced === undefined) {
    throw new Error(`${path} does not hold {"url":…}: start the node again, it writes the file`);
  }
  return {
    url: announced.url,
    token: await readToken(`${folder}/token`),
    ca: await readCa(caFile) ?? announced.ca,
    source: path,
    folder,
  };
}

/** Whatever listens where a node did that was killed must not be shown its token. */
export async function isRunning(folder: string): Promise<boolean> {
  try {
    return await isFolderTaken(folder) ?? true;
  } catch (thrown) {
    throw new Error(`cannot read "${folder}/lock": ${messageOf(thrown)}`);
  }
}

async function onlyFolder(): Promise<string> {
  const folders: string[] = [];
  for (const name of await foldersIn("data")) {
    const isThere = await readText(`data/${name}/api.json`) !== undefined;
    if (isThere && await isRunning(`data/${name}`)) folders.push(name);
  }
  const [only] = folders;
  if (only === undefined) {
    throw new Error(
      'no running node found in "data": start one, or name its folder by --data DIR, ' +
        "or its URL by --api URL --token-file FILE",
    );
  }
  if (folders.length > 1) {
    const names = folders.toSorted().join(", ");
    throw new Error(`several nodes run here (${names}): say which by --name NAME`);
  }
  return `data/${only}`;
}

/** Names of the folders in one; none where it does not exist. */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) if (entry.isDirectory) names.push(entry.name);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  return names;
}

/** What a node says of itself in its data folder; nothing where that is no such thing. */
function announcedIn(text: string): Pick<NodeAddress, "url" | "ca"> | undefined {
  try {
    const { url, ca } = announcedSchema.parse(JSON.parse(text));
    const parsed = parseUrl(url);
    return parsed === undefined ? undefined : { url: parsed, ca };
  } catch {
    return undefined;
  }
}

const announcedSchema = z.object({ url: z.string(), ca: z.string().optional() });

function parseUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search + url.hash !== "") {
    return undefined;
  }
  return url.href.replace(/\/+$/, "");
}

async function readToken(path: string): Promise<string> {
  const token = (await readText(path))?.trim() ?? "";
  if (/^[!-~]+$/.test(token)) return token;
  throw new Error(
    `there is no token in "${path}": the node's is the file token of its data folder`,
  );
}

async function readCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const ca = await readText(path);
  if (ca?.includes("-----BEGIN CERTIFICATE-----")) return ca;
  throw new UsageError(`--ca "${path}" holds no certificate: give the network's ca.pem`);
}

/** Nothing where there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`cannot read "${path}": ${messageOf(thrown)}`);
  }
}
