import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import type { NodeEvent } from "../../src/http/node_api.ts";
import { serveHttp } from "../../src/http/serve.ts";
import type { RunningNode } from "../../src/node/run.ts";
import { compareClocks } from "../../src/protocol/vector_clock.ts";
import { doubt, FakeNode, forcedDoubt, mismatch } from "../http/fake_node.ts";
import type { Network } from "./browser.ts";
import { launch, openPage, pay, startNetwork, violations } from "./browser.ts";

/** Playwright and Deno's HTTP server end some things only after the test that used them. */
const own = { sanitizeOps: false, sanitizeResources: false };
const tooMuch = "99999999999";

const browser = await launch();
const network: Network = await startNetwork();
const { coordinator, alice, bob } = network;

Deno.test.afterAll(async () => {
  await browser.close();
  await network.stop();
});

async function rowOf(page: Page, payment: string) {
  const row = page.locator(`#payments [data-id="${payment}"]`);
  await row.waitFor({ timeout: 5_000 });
  return row;
}

Deno.test("a payment appears by itself within a second, and ends committed", own, async () => {
  for (const node of [coordinator, alice, bob]) {
    const { page, faults } = await openPage(browser, node.url);
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator("#overview").waitFor();
    const payment = await pay(alice, "bob", "12500");
    const startedMs = performance.now();
    const row = page.locator(`#payments [data-id="${payment}"]`);
    await row.getByText("committed").waitFor({ timeout: 5_000 });
    const tookMs = performance.now() - startedMs;
    assert(tookMs < 1_000, `${node.node.name} took ${tookMs} ms`);
    assertMatch(await row.innerText(), /main@alice → main@bob/);
    assertMatch(await row.innerText(), /125\.00 USD/);
    assertEquals(faults, []);
    await page.context().close();
  }
});

Deno.test("one payment's page has legs, votes with reasons, timeline and clock", own, async () => {
  const refused = await pay(alice, "bob", tooMuch, 422);
  const { page, faults } = await openPage(browser, coordinator.url);
  await (await rowOf(page, refused)).getByRole("link").click();
  await page.getByRole("heading", { name: "Votes and acks" }).waitFor();
  const votes = page.getByRole("group", { name: "Votes and acks" });
  const vote = await votes.getByRole("row").filter({ hasText: "alice" }).innerText();
  assertMatch(vote, /no\s+insufficient_funds/);
  const legs = await page.getByRole("group", { name: "Legs" }).innerText();
  assertMatch(legs, /main@alice\s+−999,999,999\.99 USD/);
  assertMatch(await page.locator(".timeline").innerText(), /aborted: insufficient_funds/);
  assertMatch(await page.locator("#detail").innerText(), /coordinator\s+\d+/);
  // The place of the focus tells a screen reader that there is another page.
  assertEquals(await page.evaluate("document.activeElement.id"), "detail-title");
  await page.goBack();
  await page.locator("#payments").waitFor();

  // A participant knows its own part.
  const other = await openPage(browser, `${alice.url}`);
  await other.page.goto(`${alice.url}/#/payments/${refused}`);
  await other.page.getByRole("heading", { name: "Votes" }).waitFor();
  assertMatch(await other.page.locator("#detail").innerText(), /insufficient_funds/);
  assertEquals([faults, other.faults], [[], []]);
  await page.context().close();
  await other.page.context().close();
});

Deno.test("of what nobody was asked to prepare only the decision is red", own, async () => {
  const response = await fetch(`${alice.url}/v1/payments`, {
    method: "POST",
    headers: { authorization: `Bearer ${alice.token}`, "content-type": "application/json" },
    body: JSON.stringify({ from: "main", to: "main@nobody", amount: "100", currency: "USD" }),
  });
  const { id }: { id: string } = await response.json();
  const rows = [
    [coordinator, ["prepare ahead", "votes ahead", "decision bad", "acks skipped"], "not asked"],
    [
      alice,
      ["ordered done", "prepared ahead", "decision bad", "released ahead"],
      "Nobody was asked to vote.",
    ],
  ] as const;
  for (const [node, steps, said] of rows) {
    const { page, faults } = await openPage(browser, node.url);
    await page.goto(`${node.url}/#/payments/${id}`);
    await page.locator(".timeline").waitFor();
    const shown = await page.locator("#detail .step").evaluateAll((all) =>
      all.map(({ textContent, className }) => `${textContent} ${className.split(" ").at(-1)}`)
    );
    assertEquals(shown, [...steps]);
    const text = await page.locator("#detail").innerText();
    assertMatch(text, /participant_unknown: no participant of that name is in the network/);
    assertMatch(text, new RegExp(said));
    assertEquals(await page.title(), `…${id.slice(-8)} · ${node.node.name} · Handfast`);
    await page.goto(`${node.url}/#/`);
    await page.waitForFunction(`document.title === "${node.node.name} · Handfast"`);
    assertEquals(faults, []);
    await page.context().close();
  }
});

Deno.test("no time below a chart is cut off, the last neither", own, async () => {
  const { page } = await openPage(browser, coordinator.url);
  const chart = page.locator("#throughput canvas");
  for (let i = 0; i < 20 && !await chart.isVisible(); i++) {
    await pay(alice, "bob", "100");
    await page.waitForTimeout(500);
  }
  // The last time may stand at the very end of the plot, in its middle.
  const room: unknown = await page.evaluate(`(() => {
    const [outer, inner] = ["#throughput canvas", "#throughput .u-over"].map((at) =>
      document.querySelector(at).getBoundingClientRect().right);
    const context = document.createElement("canvas").getContext("2d");
    context.font = "12px system-ui, sans-serif";
    return outer - inner - context.measureText("00:00:00").width / 2;
  })()`);
  assert(room as number >= 0, `${room} px`);
  await page.context().close();
});

Deno.test("the diagram says before, after and concurrent as the clocks do", own, async () => {
  const payment = await pay(bob, "alice", "100");
  const [preparedByAlice, preparedByBob, committed] = await Promise.all([
    eventOf(alice, payment, "prepared"),
    eventOf(bob, payment, "prepared"),
    eventOf(coordinator, payment, "committed"),
  ]);
  // What the logs say, of which the page sees only what the messages told.
  assertEquals(compareClocks(preparedByAlice.clock, preparedByBob.clock), "concurrent");
  assertEquals(compareClocks(preparedByAlice.clock, committed.clock), "before");

  const { page, faults } = await openPage(browser, coordinator.url);
  const [a, b, c] = [
    `alice:${preparedByAlice.entry}`,
    `bob:${preparedByBob.entry}`,
    `coordinator:${committed.entry}`,
  ] as const;
  const verdict = page.locator("#verdict");
  await clickPoint(page, a);
  await clickPoint(page, b);
  assertMatch(await verdict.innerText(), /^alice entry \d+ and bob entry \d+ are concurrent/);
  await page.getByRole("button", { name: "Clear and follow" }).click();
  await clickPoint(page, a);
  await clickPoint(page, c);
  assertMatch(await verdict.innerText(), /^alice entry \d+ happened before coordinator entry \d+/);
  await page.getByRole("button", { name: "Clear and follow" }).click();
  await clickPoint(page, c);
  await clickPoint(page, b);
  assertMatch(await verdict.innerText(), /^coordinator entry \d+ happened after bob entry \d+/);
  assertEquals(faults, []);
  await page.context().close();
});

async function eventOf(node: RunningNode, payment: string, type: NodeEvent["type"]) {
  const events = await node.node.eventsAfter(undefined, 1_000);
  const event = events.find((event) => event.payment === payment && event.type === type);
  assert(event, `${node.node.name} has no ${type} of ${payment}`);
  return event;
}

async function clickPoint(page: Page, key: string): Promise<void> {
  await page.locator(`[data-key="${key}"]`).waitFor();
  await page.locator(`[data-key="${key}"] circle`).click({ timeout: 5_000 });
  assertEquals(await page.locator(`[data-key="${key}"]`).getAttribute("aria-pressed"), "true");
}

Deno.test(
  "entries are picked with the keyboard alone, and stay while one compares",
  own,
  async () => {
    await pay(alice, "bob", "200");
    const { page, faults } = await openPage(browser, coordinator.url);
    await page.locator(".point").first().waitFor();
    await page.locator('.point[tabindex="0"]').focus();
    await page.keyboard.press("Enter");
    assertMatch(await page.locator("#verdict").innerText(), /is picked\. Pick another\./);
    await page.keyboard.press("ArrowLeft");
    // While the focus is here the diagram stands still, though payments go on.
    const focused = await focusedKey(page);
    await pay(alice, "bob", "300");
    await page.waitForTimeout(600);
    assertEquals(await focusedKey(page), focused);
    await page.keyboard.press(" ");
    assertMatch(await page.locator("#verdict").innerText(), /happened after/);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Home");
    assert(await focusedKey(page) !== focused);
    await page.keyboard.press("Escape");
    assertEquals(await page.locator("#verdict").innerText(), "");
    assertEquals(await page.locator('.point[aria-pressed="true"]').count(), 0);
    assertEquals(faults, []);
    await page.context().close();
  },
);

function focusedKey(page: Page): Promise<unknown> {
  return page.evaluate("document.activeElement.dataset.key");
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1400]) {
    Deno.test(`axe-core finds nothing serious, ${colorScheme}, ${width} px`, own, async () => {
      const committed = await pay(alice, "bob", "400");
      await pay(alice, "bob", tooMuch, 422);
      for (const node of [coordinator, alice]) {
        const viewport = { width, height: 800 };
        const { page, faults } = await openPage(browser, node.url, { viewport, colorScheme });
        await rowOf(page, committed);
        await page.locator(".point").first().waitFor();
        assertEquals(await violations(page), []);
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        await (await rowOf(page, committed)).getByRole("link").click();
        await page.locator(".timeline").waitFor();
        assertEquals(await violations(page), []);
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        assertEquals(faults, []);
        await page.context().close();
      }
    });
  }
}

Deno.test("off loopback the page asks for the token, and says when it is wrong", own, async () => {
  const away = await startNetwork("0.0.0.0");
  const url = `https://localhost:${new URL(away.alice.url).port}`;
  const { page, faults } = await openPage(browser, url, { ignoreHTTPSErrors: true });
  try {
    await page.getByRole("textbox", { name: "Token" }).waitFor();
    assertEquals(await violations(page), []);
    assertEquals(await page.locator("#overview").isVisible(), false);
    await page.getByRole("textbox", { name: "Token" }).fill("not-the-token");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("This is not the node's token.").waitFor();
    await page.getByRole("textbox", { name: "Token" }).fill(away.alice.token);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("row", { name: /^main 20,000\.00 USD/ }).waitFor();
    // Chromium reports each answer 401 as an error; the page asked for two.
    assertEquals(faults.filter((fault) => !fault.includes("401")), []);
    await page.reload();
    await page.getByText("live", { exact: true }).waitFor();
  } finally {
    await page.context().close();
    await away.stop();
  }
});

Deno.test("the page says when its node is gone, and comes back by itself", own, async () => {
  const serve = (port: number) =>
    serveHttp(bob.node, { hostname: "127.0.0.1", port, token: bob.token });
  const first = serve(0);
  const { page } = await openPage(browser, first.url);
  await page.getByText("live", { exact: true }).waitFor();
  await first.shutdown();
  const bar = page.getByRole("alert").getByText(/^bob is not reached; shown as of [\d:]+ UTC$/);
  await bar.waitFor({ timeout: 5_000 });
  assertEquals(await page.title(), "(not reached) bob · Handfast");
  assertEquals(await page.evaluate("getComputedStyle(main).filter"), "grayscale(1)");
  assertEquals(await violations(page), []);
  const second = serve(Number(new URL(first.url).port));
  await page.getByText("live", { exact: true }).waitFor({ timeout: 10_000 });
  assertEquals([await bar.count(), await page.title()], [0, "bob · Handfast"]);
  assertEquals(await page.evaluate("getComputedStyle(main).filter"), "none");
  const payment = await pay(bob, "alice", "100");
  await (await rowOf(page, payment)).getByText("committed").waitFor();
  await page.context().close();
  await second.shutdown();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1400]) {
    Deno.test(
      `a mismatch is an alert until acknowledged, ${colorScheme}, ${width} px`,
      own,
      async () => {
        const node = new FakeNode();
        node.doubts = [{ ...doubt, ageMs: 5_000 }, forcedDoubt];
        node.mismatches = [mismatch];
        const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token: "any" });
        const viewport = { width, height: 800 };
        const { page, faults } = await openPage(browser, server.url, { viewport, colorScheme });
        const alert = page.getByRole("alert").filter({ hasText: "Not atomic" });
        await alert.waitFor();
        assertMatch(
          await alert.innerText(),
          /Forced to abort by ann, decided to commit: payment …2a1c4d5e, transaction 1-0123456789ab-7/,
        );
        assertMatch(await alert.innerText(), /handfast acknowledge TRANSACTION/);
        const rows = page.locator("#doubtrows tr");
        assertMatch(
          await rows.nth(0).innerText(),
          /forced to abort by ann: released main@alice −125\.00 USD/,
        );
        assertMatch(
          await rows.nth(1).innerText(),
          /1-0123456789ab-7\s+5 s\s+main@alice −125\.00 USD/,
        );
        assertEquals(await violations(page), []);
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        // On the page of its payment, too.
        await alert.getByRole("link").click();
        await page.locator(".timeline").waitFor();
        assert(await alert.isVisible());
        assertEquals(await violations(page), []);
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        node.mismatches = [];
        await alert.waitFor({ state: "hidden" });
        assertEquals(faults, []);
        await page.context().close();
        await server.shutdown();
      },
    );
  }
}

Deno.test("what comes from outside is shown as text, whatever it is", own, async () => {
  const markup = "<img src=x onerror=alert(1)>";
  const node = new FakeNode("coordinator");
  const status = await node.status();
  node.status = () =>
    Promise.resolve({
      ...status,
      peers: [{ name: "bob", address: markup, link: "up" as const }],
      mismatches: [{ ...mismatch, by: markup }],
      alarms: [markup],
    });
  const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token: "any" });
  const { page, faults } = await openPage(browser, server.url);
  await page.locator("#alarmlist").getByText(markup).waitFor();
  await page.locator("#peers").getByText(markup).waitFor();
  await page.locator("#mismatchlist").getByText(markup).waitFor();
  assertEquals(await page.locator("img").count(), 0);
  assertEquals(faults, []);
  await page.context().close();
  await server.shutdown();
});
