/** A real Chromium, and a network of real nodes in this process for it to look at. */

import axe from "axe-core";
import { assertEquals } from "@std/assert";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { initCertificates } from "../../src/keys/init.ts";
import type { RunningNode } from "../../src/node/run.ts";
import { startNode } from "../../src/node/run.ts";
import { ParticipantNode } from "../../src/node/participant_node.ts";

const executablePath = "/usr/bin/chromium";
// It must not ask anyone for anything but the page.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @throws {Error} saying what to install, if there is no Chromium */
export async function launch(): Promise<Browser> {
  await Deno.stat(executablePath).catch(() => {
    throw new Error(
      `These tests look at the page in a real browser, but there is no ${executablePath}: ` +
        "install Debian's package chromium (apt-get install chromium)",
    );
  });
  return await chromium.launch({ executablePath, args });
}

/** A page, and what went wrong in it: errors on the console, requests to elsewhere. */
export interface Watched {
  readonly page: Page;
  readonly faults: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    const target = request.url();
    if (!target.startsWith(`${url}/`) && !target.startsWith("data:")) faults.push(target);
  });
  await page.goto(`${url}/`);
  return { page, faults };
}

/** What axe-core finds in the page, the serious and the critical. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: unknown = await page.evaluate(
    "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => " +
      "({ id, impact, html: nodes.map(({ html }) => html) })))",
  );
  return (found as { id: string; impact: string; html: string[] }[])
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, html }) => `${id}: ${html.join(" ").slice(0, 300)}`);
}

export interface Network {
  readonly coordinator: RunningNode;
  readonly alice: RunningNode;
  readonly bob: RunningNode;
  stop(): Promise<void>;
}

/** `aliceHost` other than loopback makes alice ask for her token, over HTTPS. */
export async function startNetwork(aliceHost = "127.0.0.1"): Promise<Network> {
  const folder = await Deno.makeTempDir({ prefix: "handfast-page-" });
  const certs = `${folder}/certs`;
  await initCertificates({ dir: certs, nodes: ["coordinator", "alice", "bob"] });
  const anywhere = { hostname: "127.0.0.1", port: 0 };
  const start = (
    name: string,
    http = anywhere,
    server?: { hostname: string; port: number },
  ): Promise<RunningNode> =>
    startNode({
      role: server ? "participant" : "coordinator",
      name,
      certs,
      data: `${folder}/${name}`,
      listen: anywhere,
      http,
      server,
      serverName: "coordinator",
      open: server ? [{ account: "main", amount: 20_000_00n, currency: "USD" }] : [],
      logLevel: "error",
    }, (level, line) => level === "error" && console.error(line));
  const coordinator = await start("coordinator");
  const server = {
    hostname: "127.0.0.1",
    port: Number(new URL(`http://${coordinator.listen}`).port),
  };
  const alice = await start("alice", { hostname: aliceHost, port: 0 }, server);
  const bob = await start("bob", anywhere, server);
  for (const { node } of [alice, bob]) if (node instanceof ParticipantNode) await node.linked;
  return {
    coordinator,
    alice,
    bob,
    async stop() {
      for (const node of [alice, bob, coordinator]) await node.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Pays from `main` of one participant to `main` of another. Returns the payment's id. */
export async function pay(from: RunningNode, to: string, amount: string, status = 201) {
  const response = await fetch(`${from.url}/v1/payments`, {
    method: "POST",
    headers: { authorization: `Bearer ${from.token}`, "content-type": "application/json" },
    body: JSON.stringify({ from: "main", to: `main@${to}`, amount, currency: "USD" }),
  });
  const { id }: { id: string } = await response.json();
  assertEquals(response.status, status);
  return id;
}
