/**
 * Makes the README's pictures: the coordinator's page after some payments, and the demo in a terminal.
 *
 *   deno run -A tests/page/picture.ts
 */

import { stripVTControlCharacters } from "node:util";
import { runDemo } from "../../src/cli/demo_run.ts";
import type { Io } from "../../src/cli/io.ts";
import { terminalStyle } from "../../src/cli/style.ts";
import { launch, openPage, pay, startNetwork } from "./browser.ts";

const browser = await launch();
try {
  await pictureOfPage("status-page.png");
  await pictureOfTerminal("terminal.png");
} finally {
  await browser.close();
}

async function pictureOfPage(file: string): Promise<void> {
  const network = await startNetwork();
  try {
    const viewport = { width: 1200, height: 900 };
    const { page } = await openPage(browser, network.coordinator.url, { viewport });
    for (let i = 1; i <= 3; i++) {
      await pay(network.alice, "bob", String(1250 * i));
      await pay(network.bob, "alice", String(990 * i));
      if (i === 2) await pay(network.alice, "bob", "999999900", 422);
      // The charts show what comes a second.
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: pathOf(file), fullPage: true });
  } finally {
    await network.stop();
  }
}

async function pictureOfTerminal(file: string): Promise<void> {
  const lines: string[] = [];
  const io = { out: (line: string) => lines.push(line), style: terminalStyle(true) };
  await runDemo({ once: true, json: false }, io as unknown as Io);
  const page = await browser.newPage({ viewport: { width: 1250, height: 400 } });
  const shown = ["$ handfast demo", ...lines.slice(0, 11)];
  await page.setContent(
    `<body style="margin:0;padding:20px 24px;background:#16191d;color:#d5dae0;` +
      `font:14px/1.5 'DejaVu Sans Mono',monospace;white-space:pre">${
        shown.map(toHtml).join("\n")
      }</body>`,
  );
  await page.screenshot({ path: pathOf(file), fullPage: true });
}

/** A line of a terminal; its only formats here are whole lines in bold. */
function toHtml(line: string): string {
  const text = stripVTControlCharacters(line).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return text === line ? text : `<b>${text}</b>`;
}

function pathOf(file: string): string {
  return new URL(file, import.meta.url).pathname;
}
