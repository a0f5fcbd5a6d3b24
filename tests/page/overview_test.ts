/** What the overview shows of a node that is told what to say. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { BrowserContextOptions, Page } from "playwright-core";
import type { NodeStatus, PaymentTrace } from "../../src/http/node_api.ts";
import { serveHttp } from "../../src/http/serve.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import { committed, doubt, FakeNode, forcedDoubt, mismatch, trace } from "../http/fake_node.ts";
import { launch, openPage, violations } from "./browser.ts";

/** Playwright and Deno's HTTP server end some things only after the test that used them. */
const own = { sanitizeOps: false, sanitizeResources: false };

const browser = await launch();
Deno.test.afterAll(() => browser.close());

const longName = "abcdefghijklmnopqrstuvwxyzabcde";
const lastingMs = 4_500;

interface Shown {
  readonly node: FakeNode;
  readonly page: Page;
}

/** Shows the overview of a node that `prepare` has told what to say. */
async function look(
  options: BrowserContextOptions,
  prepare: (node: FakeNode) => void | Promise<void>,
  test: (shown: Shown) => Promise<void>,
  node = new FakeNode(),
): Promise<void> {
  await prepare(node);
  const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token: "any" });
  const { page, faults } = await openPage(browser, server.url, options);
  await page.locator("#overview").waitFor();
  await test({ node, page });
  assertEquals(faults, []);
  await page.context().close();
  await server.shutdown();
}

async function changeStatus(
  node: FakeNode,
  change: Partial<NodeStatus>,
): Promise<void> {
  const status = await node.status();
  const changed = { ...status, mismatches: node.mismatches, ...change };
  node.status = () => Promise.resolve(changed as typeof status);
}

function wide(width: number): BrowserContextOptions {
  return { viewport: { width, height: 900 } };
}

function traceOf(
  n: number,
  { stage = "done", isPrepared = true, ...payment }:
    & Partial<PaymentTrace["payment"]>
    & Partial<Pick<PaymentTrace, "stage" | "isPrepared">> = {},
): PaymentTrace {
  const id = `0190f5d0-7b1a-7c3e-9f00-3b6f2a1c${String(n).padStart(4, "0")}` as PaymentId;
  return { ...trace, stage, isPrepared, payment: { ...committed, ...payment, id } };
}

function tile(page: Page, name: string): Promise<string> {
  return page.locator(".tile").filter({ hasText: name }).innerText();
}

const focusedId = (page: Page) => page.evaluate("document.activeElement.id");
const focusedHref = (page: Page) => page.evaluate("document.activeElement.getAttribute('href')");

Deno.test("what is in doubt for a moment is no warning, what stays so is", own, async () => {
  await look({}, () => {}, async ({ node, page }) => {
    await page.waitForTimeout(600);
    assertEquals(await page.locator("#doubts").isVisible(), false);
    assertMatch(await tile(page, "In doubt"), /^In doubt\s+0\s+over 4 s$/);
    node.doubts = [doubt, { ...doubt, ageMs: lastingMs, transaction: "1-b" as TransactionId }];
    await page.locator("#doubts").waitFor();
    assertEquals(await page.locator("#doubtrows tr").count(), 1);
    assertMatch(await tile(page, "In doubt"), /^In doubt\s+1\s/);
    assertMatch(await page.locator("#doubts").innerText(), /unknown for more than 4 s/);
    assertEquals(await page.locator("#moredoubts").isVisible(), false);
  });
});

Deno.test("of very many in doubt twenty are shown, the forced before them", own, async () => {
  const held = Array.from({ length: 573 }, (_, i) => ({
    ...doubt,
    ageMs: lastingMs,
    transaction: `1-0123456789ab-${i + 100}` as TransactionId,
  }));
  const prepare = (node: FakeNode) => void (node.doubts = [...held, forcedDoubt]);
  await look({}, prepare, async ({ page }) => {
    await page.locator("#doubts").waitFor();
    assertEquals(await page.locator("#doubtrows tr").count(), 20);
    assertMatch(await page.locator("#doubtrows tr").first().innerText(), /forced to abort by ann/);
    const said = await page.locator("#moredoubts").innerText();
    assertEquals(said, "20 of 574 are shown; all: handfast in-doubt");
    assertMatch(await tile(page, "In doubt"), /^In doubt\s+574\s/);
  });
});

for (const width of [360, 768, 1440]) {
  Deno.test(`no amount is cut off, ${width} px`, own, async () => {
    const prepare = (node: FakeNode) => {
      const account = { currency: "USD", pendingDebits: 0n, pendingCredits: 0n };
      const rows = [["main", 98_765_432_109_87n], [longName, 10n ** 17n]] as const;
      node.accounts = () =>
        Promise.resolve(
          rows.map(([name, posted]) => ({ ...account, account: name, posted, available: posted })),
        );
    };
    await look(wide(width), prepare, async ({ page }) => {
      await page.getByRole("row", { name: /98,765,432,109\.87 USD/ }).waitFor();
      const cut = await page.evaluate(`[...document.querySelectorAll("#accounts .amount")]
        .filter((cell) => {
          const edge = cell.closest(".scroll").getBoundingClientRect().right;
          const text = document.createRange();
          text.selectNodeContents(cell);
          return text.getBoundingClientRect().right > edge + 0.5;
        }).length`);
      assertEquals(cut, 0);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
    });
  });
}

Deno.test("accounts stand in columns again where these fit again", own, async () => {
  await look(wide(360), (node) => {
    const account = { currency: "USD", pendingDebits: 0n, pendingCredits: 0n, account: "main" };
    const posted = 98_765_432_109_87n;
    node.accounts = () => Promise.resolve([{ ...account, posted, available: posted }]);
  }, async ({ page }) => {
    await page.locator(".stacked").waitFor();
    await page.setViewportSize({ width: 768, height: 900 });
    await page.locator(".stacked").waitFor({ state: "detached" });
  });
});

for (const width of [360, 1280]) {
  for (const colorScheme of ["light", "dark"] as const) {
    Deno.test(
      `a page shows what was before it was opened, ${width} px, ${colorScheme}`,
      own,
      async () => {
        const prepare = (node: FakeNode) => {
          const nowMs = Date.now();
          node.measured = Array.from({ length: 290 }, (_, at) => ({
            sequence: at + 1,
            atMs: nowMs - (290 - at) * 1_000,
            throughput: 1_200 + 400 * Math.sin(at / 25),
            latencyMs: { p50: 4 + Math.cos(at / 40), p99: 11 + 3 * Math.cos(at / 11) },
          }));
        };
        await look({ ...wide(width), colorScheme }, prepare, async ({ page }) => {
          await page.locator("#throughput canvas").waitFor();
          await page.locator("#latency canvas").waitFor();
          assertEquals(await page.locator("#nothroughput").isVisible(), false);
          const label = await page.locator("#throughput").getAttribute("aria-label");
          assertMatch(label!, /^Now \d+\.\d payments a second, at most 1600\.0$/);
          assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        });
      },
    );
  }
}

Deno.test("no line is drawn over a time in which nothing was measured", own, async () => {
  await look({ colorScheme: "light" }, () => {}, async ({ page }) => {
    // Ten seconds measured, twenty not watched, ten measured: of these five without an answer.
    const painted: unknown = await page.evaluate(`(async () => {
      const { addSamples } = await import("/page/chart.js");
      const now = Date.now();
      const samples = [];
      for (let ago = 50; ago >= 10; ago--) {
        if (ago < 40 && ago > 20) continue;
        const p50 = ago <= 17 && ago >= 13 ? null : 5;
        samples.push({ at: now - ago * 1000, throughput: 5, p50, p99: null });
      }
      addSamples(samples);
      await new Promise((done) => setTimeout(done, 300));
      const isPainted = (id, ago) => {
        const canvas = document.querySelector(id + " canvas");
        const over = document.querySelector(id + " .u-over").getBoundingClientRect();
        const left = over.left - canvas.getBoundingClientRect().left;
        // The plot shows the last minute.
        const x = Math.round(left + over.width * (60 - ago) / 60);
        const { data } = canvas.getContext("2d").getImageData(x, 0, 1, canvas.height);
        for (let at = 0; at < data.length; at += 4) {
          if (data[at] < 40 && data[at + 1] > 80 && data[at + 1] < 140 && data[at + 3] > 200) {
            return true;
          }
        }
        return false;
      };
      return [45, 30, 15, 11].flatMap((ago) => [isPainted("#throughput", ago), isPainted("#latency", ago)]);
    })()`);
    assertEquals(painted, [true, true, false, false, true, false, true, true]);
  });
});

for (const width of [360, 768, 1280]) {
  Deno.test(`every row of figures is full, and of one line each, ${width} px`, own, async () => {
    const prepare = (node: FakeNode) =>
      changeStatus(node, { committed: 35_497_776, latencyMs: { p50: 9_999.4, p99: 9_999.5 } });
    await look(wide(width), prepare, async ({ page }) => {
      assertMatch(await tile(page, "Latency p50"), /^Latency p50\s+9999 ms$/);
      assertMatch(await tile(page, "Latency p99"), /^Latency p99\s+10\.0 s$/);
      const [ends, lines]: number[][] = await page.evaluate(`(() => {
        const all = [...document.querySelectorAll(".tile")];
        const rows = Map.groupBy(all, (tile) => Math.round(tile.getBoundingClientRect().top));
        const edge = document.querySelector(".tiles").getBoundingClientRect().right;
        const rightOf = (row) => row.at(-1).getBoundingClientRect().right;
        return [
          [...rows.values()].map((row) => Math.round(edge - rightOf(row))),
          all.map((tile) => {
            const text = document.createRange();
            text.selectNodeContents(tile.querySelector("dd"));
            return text.getClientRects().length;
          }),
        ];
      })()`);
      assertEquals(ends!.filter((gap) => gap !== 1), []);
      assertEquals(lines!.filter((count) => count !== 1), []);
    });
  });
}

Deno.test(
  "on a narrow screen each link and each doubt is a card, and no name broken",
  own,
  async () => {
    const prepare = async (node: FakeNode) => {
      node.doubts = [{ ...doubt, ageMs: lastingMs }];
      const address = "127.0.0.1:40121";
      await changeStatus(node, { peers: [{ name: "coordinator", address, link: "down" }] });
    };
    await look(wide(360), prepare, async ({ page }) => {
      await page.locator(".stacked > #doubtrows").waitFor();
      for (const id of ["doubtrows", "peers"]) {
        const [rest, lines]: [number, number[]] = await page.evaluate(`(() => {
        const rows = document.querySelector("#${id}");
        const box = rows.closest(".scroll");
        return [
          box.scrollWidth - box.clientWidth,
          [...rows.querySelectorAll("th, td")].map((cell) => {
            const text = document.createRange();
            text.selectNodeContents([...cell.querySelectorAll("*")].at(-1) ?? cell);
            return text.getClientRects().length;
          }),
        ];
      })()`);
        assertEquals([rest, lines.filter((count) => count !== 1)], [0, []], id);
      }
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.locator(".stacked").first().waitFor({ state: "detached" });
      assertEquals(await page.locator("#doubts thead").isVisible(), true);
    });
  },
);

Deno.test("figures that start with the node say so", own, async () => {
  await look({}, () => {}, async ({ page }) => {
    assertMatch(await tile(page, "Committed"), /^Committed\s+5\s+since the start$/);
    assertMatch(await tile(page, "Aborted"), /^Aborted\s+4\s+since the start$/);
    assertMatch(await tile(page, "Open"), /^Open\s+2$/);
  });
});

for (const width of [360, 768, 1440]) {
  Deno.test(`a long name leaves room for what stands beside it, ${width} px`, own, async () => {
    const prepare = (node: FakeNode) =>
      changeStatus(node, {
        name: longName,
        clock: new Map([[longName, 1_234_567]]),
        peers: [{ name: longName, address: "127.0.0.1:7444", link: "down" }],
      });
    await look(wide(width), prepare, async ({ page }) => {
      const facts: unknown = await page.evaluate(`(() => {
        const widthOf = (at) => document.querySelector(at).getBoundingClientRect().width;
        return widthOf("#facts dd") / widthOf("#facts");
      })()`);
      assert(facts as number > 0.45, `${facts}`);
      const [gap, rest]: readonly number[] = await page.evaluate(`(() => {
        const box = (at) => document.querySelector(at).getBoundingClientRect();
        const scroll = document.querySelector("#peers").closest(".scroll");
        return [
          Math.min(box("#name").top - box(".bar").top, box(".bar").bottom - box("#role").bottom),
          scroll.scrollWidth - scroll.clientWidth,
        ];
      })()`);
      assert(gap! >= 8, `${gap} px around the name`);
      assertEquals(rest, 0);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
    });
  });
}

Deno.test("a node that takes no payments warns of it, and says why", own, async () => {
  await look({}, (node) => void (node.ready = false), async ({ node, page }) => {
    const warning = page.locator("#notready");
    await warning.waitFor();
    assertEquals(
      await warning.innerText(),
      "not ready for payments: no link to the coordinator",
    );
    const colours = await page.evaluate(`(() => {
      const probe = document.createElement("i");
      probe.style.color = "var(--warn)";
      document.body.append(probe);
      return [probe, document.querySelector("#notready")].map((at) => getComputedStyle(at).color);
    })()`) as string[];
    assertEquals(colours[0], colours[1]);
    node.ready = true;
    await warning.waitFor({ state: "hidden" });
    assertEquals(await page.locator("#role").innerText(), "participant");
  });
});

Deno.test("a payment is found by its id, and by the end of one that is listed", own, async () => {
  const listed = traceOf(1);
  const prepare = (node: FakeNode) => {
    node.traces = [listed];
    node.trace = (id) => Promise.resolve([listed, trace].find(({ payment }) => payment.id === id));
  };
  await look({}, prepare, async ({ page }) => {
    const field = page.getByRole("searchbox", { name: "Find a payment by its id" });
    for (
      const [typed, id] of [
        [` ${committed.id.toUpperCase()} `, committed.id],
        [listed.payment.id.slice(-8).toUpperCase(), listed.payment.id],
        [`…${listed.payment.id.slice(-8)}`, listed.payment.id],
      ] as const
    ) {
      await page.locator("#payments").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type(typed);
      await page.keyboard.press("Enter");
      await page.locator(".timeline").waitFor();
      assertMatch(page.url(), new RegExp(`#/payments/${id}$`));
      assertMatch(await page.locator("#detail .facts").innerText(), new RegExp(id));
      assertEquals([await focusedId(page), await field.inputValue()], ["detail-title", ""]);
      await page.getByRole("link", { name: "All payments" }).click();
    }
    // In a field it is a character like others.
    await field.fill("");
    await page.keyboard.type("/");
    assertEquals(await field.inputValue(), "/");
  });
});

Deno.test(
  "a payment that can't be read is not called unknown, nor is a blank taken for one",
  own,
  async () => {
    const node = new FakeNode();
    node.trace = () => Promise.reject(new Error("the disk is gone"));
    const options = { hostname: "127.0.0.1", port: 0, token: "any", onError: () => {} };
    const server = serveHttp(node, options);
    const { page, faults } = await openPage(browser, server.url);
    await page.locator("#overview").waitFor();
    const field = page.getByRole("searchbox");
    for (const blank of [" ", "…"]) {
      await field.fill(blank);
      await field.press("Enter");
      assertEquals(new URL(page.url()).hash, "");
    }
    const detail = page.locator("#detail");
    for (
      const [typed, said] of [
        [
          "0190f5d0-7b1a-7c3e-9f00-000000000000",
          /Payment not shown\s[^]*could not be read just now/,
        ],
        ['a"]b', /Payment not known\s/],
      ] as const
    ) {
      await field.fill(typed);
      await field.press("Enter");
      await detail.getByText(typed, { exact: true }).waitFor();
      assertMatch(await detail.innerText(), said);
      await page.goBack();
      await page.locator("#overview").waitFor();
    }
    assertEquals(faults.filter((fault) => !/status of (404|500)/.test(fault)), []);
    await page.context().close();
    await server.shutdown();
  },
);

Deno.test("what names no payment says so, and what names nothing on the page", own, async () => {
  const unknown = "0190f5d0-7b1a-7c3e-9f00-000000000000";
  const node = new FakeNode();
  const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token: "any" });
  const { page, faults } = await openPage(browser, server.url);
  await page.locator("#overview").waitFor();
  const detail = page.locator("#detail");
  const field = page.getByRole("searchbox");
  for (
    const [typed, said] of [
      [unknown, /Payment not known\s+0190f5d0-\S+\s+alice knows no payment of this id\./],
      ["00000000", /Payment not known\s+00000000\s+An id has 36 characters\./],
      ["no/id 7%", /Payment not known\s+no\/id 7%\s/],
    ] as const
  ) {
    await field.fill(typed);
    await field.press("Enter");
    await detail.getByText(typed, { exact: true }).waitFor();
    assertMatch(await detail.innerText(), said);
    assertEquals([await focusedId(page), await page.locator("#overview").isVisible()], [
      "detail-title",
      false,
    ]);
  }
  assertEquals(await violations(page), []);
  await page.goto(`${server.url}/#/payments/${committed.id.toUpperCase()}`);
  await page.locator(".timeline").waitFor();
  await page.goto(`${server.url}/#/nowhere`);
  await detail.getByText("This page knows no #/nowhere.").waitFor();
  await page.locator(".skip").press("Enter");
  assertEquals([await focusedId(page), page.url()], ["main", `${server.url}/#/nowhere`]);
  // Chromium reports each answer 404 as an error.
  assertEquals(faults.filter((fault) => !fault.includes("404")), []);
  await page.context().close();
  await server.shutdown();
});

Deno.test("charts of nothing say so, each for itself", own, async () => {
  await look({}, () => {}, async ({ page }) => {
    const add = (sample: string) =>
      page.evaluate(`import("/page/chart.js").then(({ addSamples }) => addSamples([
        { at: Date.now(), throughput: 0, p50: null, p99: null, ...${sample} }]))`);
    for (
      const [sample, charts] of [
        ["{}", []],
        ["{ throughput: 3 }", ["throughput"]],
        ["{ p50: 1, p99: 2 }", ["throughput", "latency"]],
      ] as const
    ) {
      await add(sample);
      for (const id of ["throughput", "latency"] as const) {
        const isDrawn = (charts as readonly string[]).includes(id);
        assertEquals(await page.locator(`#${id} canvas`).isVisible(), isDrawn, id);
        assertEquals(await page.locator(`#no${id}`).isVisible(), !isDrawn, id);
      }
      await page.waitForTimeout(5);
    }
  });
});

Deno.test("what is pending stands below its account, and leaves its line there", own, async () => {
  await look({}, () => {}, async ({ node, page }) => {
    const rows = page.locator("#accounts th");
    const expect = async (text: string) => {
      await rows.first().getByText(text).waitFor();
      assertEquals(await rows.allInnerTexts(), [`main\n${text}`, "savings"]);
    };
    await expect("pending −125.00");
    const accounts = await node.accounts();
    const change = (pending: { pendingDebits: bigint; pendingCredits: bigint }) =>
      node.accounts = () =>
        Promise.resolve(accounts.map((one, i) => i === 0 ? { ...one, ...pending } : one));
    change({ pendingDebits: 100_000n, pendingCredits: 250n });
    await expect("pending −1,000.00, +2.50");
    change({ pendingDebits: 0n, pendingCredits: 0n });
    await expect("nothing pending");
  });
});

Deno.test("a tab's title says what is wrong with its node", own, async () => {
  const doubts = [doubt, { ...doubt, transaction: "1-b" as TransactionId }];
  await look({}, () => {}, async ({ node, page }) => {
    const expect = async (title: string) => {
      for (let i = 0; i < 50 && await page.title() !== title; i++) await page.waitForTimeout(100);
      assertEquals(await page.title(), title);
    };
    await expect("alice · Handfast");
    node.doubts = doubts.map((one) => ({ ...one, ageMs: lastingMs }));
    await expect("(2 in doubt) alice · Handfast");
    node.mismatches = [mismatch];
    await expect("(mismatch) alice · Handfast");
  });
});

Deno.test("a coordinator warns of participants that it does not reach", own, async () => {
  const peer = { name: "bob", address: "127.0.0.1:7444", downSinceMs: committed.atMs };
  const others = Array.from({ length: 6 }, (_, i) => `c${i}`);
  const node = new FakeNode("coordinator");
  await look({}, () => {}, async ({ page }) => {
    const warning = page.locator("#unreached");
    assertEquals(await warning.isVisible(), false);
    await changeStatus(node, { peers: [{ ...peer, link: "down" }] });
    await warning.waitFor();
    assertEquals(
      await page.locator("#unreachedlist").innerText(),
      "bob is not reached since 2025-01-31 12:00:00 UTC: payments with bob are aborted",
    );
    assertEquals(await violations(page), []);
    await changeStatus(node, {
      peers: others.map((name) => ({ name, address: "127.0.0.1:1", link: "down" })),
    });
    const rows = page.locator("#unreachedlist li");
    await rows.nth(5).waitFor();
    assertEquals([await rows.count(), await rows.nth(5).innerText()], [6, "and 1 more: see Links"]);
    assertMatch(await rows.nth(0).innerText(), /^c0 is not reached since this node's start:/);
    await changeStatus(node, { peers: [{ ...peer, link: "up" }] });
    await warning.waitFor({ state: "hidden" });
  }, node);
});

Deno.test("a node with many payments says that it shows the latest", own, async () => {
  const traces = Array.from({ length: 50 }, (_, i) => traceOf(i));
  await look({}, (node) => void (node.traces = traces), async ({ page }) => {
    await page.getByRole("button", { name: "Show the latest 50" }).click();
    assertEquals(await page.locator("#payments li").count(), 50);
    await page.getByRole("button", { name: "Show fewer" }).click();
    assertEquals(await page.locator("#payments li").count(), 10);
  });
});

Deno.test("an aborted payment shows its id beside its code", own, async () => {
  const refused = traceOf(1, { state: "aborted", code: "participant_unreachable" });
  const node = new FakeNode("coordinator");
  await look({}, () => void (node.traces = [refused]), async ({ page }) => {
    const text = await page.locator("#payments li").innerText();
    assertMatch(text, /aborted\s*,?\s*participant_unreachable\s*,?\s*…2a1c0001/);
  }, node);
});

for (
  const [role, isPrepared, code, steps] of [
    ["participant", true, "participant_unreachable", [
      "ordered done",
      "prepared done",
      "decision bad",
      "released done",
    ]],
    ["participant", false, "insufficient_funds", [
      "ordered done",
      "prepared bad",
      "decision ahead",
      "released ahead",
    ]],
    ["coordinator", false, "participant_unreachable", [
      "prepare done",
      "votes bad",
      "decision ahead",
      "acks skipped",
    ]],
  ] as const
) {
  Deno.test(`only the step that failed is red, ${role}, ${code}`, own, async () => {
    const aborted = traceOf(1, { state: "aborted", code, isPrepared });
    const node = new FakeNode(role);
    await look({}, () => void (node.traces = [aborted]), async ({ page }) => {
      const shown = await page.locator("#payments .step").evaluateAll((all) =>
        all.map(({ textContent, className }) => `${textContent} ${className.split(" ").at(-1)}`)
      );
      assertEquals(shown, [...steps]);
      const failed = steps.find((step) => step.endsWith(" bad"))!.split(" ")[0];
      assertMatch(
        await page.locator("#payments li").innerText(),
        new RegExp(`failed at ${failed}`),
      );
    }, node);
  });
}

for (
  const [commit, decided, state, badge, last] of [
    [true, false, "aborted", "forced: posted here, decided: abort", "decided otherwise: abort bad"],
    [
      false,
      true,
      "committed",
      "forced: released here, decided: commit",
      "decided otherwise: commit bad",
    ],
    [true, undefined, "prepared", "forced: posted here, decision unknown", "decision now"],
  ] as const
) {
  Deno.test(`what was forced is told as it stands in the books: ${badge}`, own, async () => {
    const forced = { commit, decided, by: "ann", atMs: committed.atMs };
    const code = state === "aborted" ? "forced_otherwise" as const : undefined;
    const shown = traceOf(1, { state, code, forced });
    const prepare = (node: FakeNode) => {
      node.traces = [shown];
      node.trace = () => Promise.resolve(shown);
    };
    await look({}, prepare, async ({ page }) => {
      const row = page.locator("#payments li");
      const detail = page.locator("#detail");
      for (const part of [row, detail]) {
        await part.locator(".badge").waitFor();
        assertEquals(await part.locator(".badge").textContent(), badge);
        const kind = await part.locator(".badge").getAttribute("class");
        assertEquals(kind, `badge ${decided === undefined ? "warn" : "bad"}`);
        const steps = await part.locator(".step").evaluateAll((all) =>
          all.map(({ textContent, className }) => `${textContent} ${className.split(" ").at(-1)}`)
        );
        const how = `forced to ${commit ? "commit" : "abort"} by ann done`;
        assertEquals(steps, ["ordered done", "prepared done", how, last]);
        if (part === row) await row.getByRole("link").click();
      }
      const text = await detail.innerText();
      assertMatch(text, /An operator, ann, has forced it to/);
      assert(!/forced_otherwise|no reason|every participant voted yes/.test(text), text);
    });
  });
}

Deno.test("a payment whose attempt was lost is not shown as aborted", own, async () => {
  const lost = traceOf(1, { stage: "lost", state: "pending" });
  const prepare = (node: FakeNode) => {
    node.traces = [lost];
    node.trace = () => Promise.resolve(lost);
  };
  await look({}, prepare, async ({ page }) => {
    const row = page.locator("#payments li");
    assertMatch(await row.innerText(), /attempt lost\s*,?\s*may come again/);
    await row.getByRole("link").click();
    await page.locator(".timeline").waitFor();
    const detail = page.locator("#detail");
    assertMatch(await detail.innerText(), /attempt lost\s+may come again/);
    assertMatch(await detail.innerText(), /Attempt lost at/);
    for (const shown of [row, detail]) {
      assertEquals(await shown.locator(".bad, .aborted, .step.done, .step.now").count(), 0);
      assertEquals(await shown.getByText("released", { exact: true }).count(), 0);
    }
  });
});

Deno.test("a shortened id is never broken", own, async () => {
  await look(wide(320), (node) => void (node.mismatches = [mismatch]), async ({ page }) => {
    await page.locator("#mismatchlist .id").waitFor();
    for (let width = 320; width <= 480; width += 8) {
      await page.setViewportSize({ width, height: 900 });
      const lines = await page.locator(".id").evaluateAll((ids) =>
        ids.filter((id) => id.checkVisibility()).map((id) => id.getClientRects().length)
      );
      assert(lines.length >= 2);
      assertEquals(lines.filter((count) => count !== 1), [], `${width} px`);
    }
  });
});

Deno.test("the focus stays in its row, and goes to the heading when that leaves", own, async () => {
  const [a, b, c] = [traceOf(1), traceOf(2), traceOf(3)];
  await look({}, (node) => void (node.traces = [a, b]), async ({ node, page }) => {
    await page.locator(`[data-id="${b.payment.id}"] a`).focus();
    node.traces = [c, b, a];
    await page.locator(`[data-id="${c.payment.id}"]`).waitFor();
    assertEquals(await focusedHref(page), `#/payments/${b.payment.id}`);
    node.traces = [c, a];
    await page.locator(`[data-id="${b.payment.id}"]`).waitFor({ state: "detached" });
    assertEquals(await focusedId(page), "payments-title");
  });
});

Deno.test("the focus stays on a payment in doubt while it ages", own, async () => {
  const prepare = (node: FakeNode) => void (node.doubts = [{ ...doubt, ageMs: lastingMs }]);
  await look({}, prepare, async ({ node, page }) => {
    await page.locator("#doubtrows a").focus();
    node.doubts = [{ ...doubt, ageMs: 9_000 }];
    await page.locator("#doubtrows").getByText("9 s").waitFor();
    assertEquals(await focusedHref(page), `#/payments/${doubt.payment}`);
    node.doubts = [];
    await page.locator("#doubts").waitFor({ state: "hidden" });
    assertEquals(await focusedId(page), "payments-title");
  });
});

Deno.test("back from a payment the focus is on its row, or on the heading", own, async () => {
  await look({}, (node) => void (node.doubts = []), async ({ node, page }) => {
    for (const isGone of [false, true]) {
      const link = page.locator("#payments a").first();
      await link.focus();
      await page.keyboard.press("Enter");
      await page.locator(".timeline").waitFor();
      if (isGone) node.traces = [traceOf(7)];
      await page.waitForTimeout(600);
      await page.goBack();
      await page.locator("#payments").waitFor();
      if (isGone) assertEquals(await focusedId(page), "payments-title");
      else assertEquals(await focusedHref(page), `#/payments/${committed.id}`);
    }
  });
});

Deno.test("back from a payment in doubt the focus is where it came from", own, async () => {
  const prepare = (node: FakeNode) => void (node.doubts = [{ ...doubt, ageMs: lastingMs }]);
  await look({}, prepare, async ({ page }) => {
    for (const list of ["#doubtrows", "#payments"]) {
      await page.locator(`${list} a`).focus();
      await page.keyboard.press("Enter");
      await page.locator(".timeline").waitFor();
      await page.goBack();
      await page.locator("#payments").waitFor();
      assert(await page.evaluate(`document.activeElement.closest("${list}") !== null`), list);
    }
  });
});

Deno.test("all times on the page are UTC, with the date where it is not today's", own, async () => {
  const at = new Date(mismatch.atMs).toISOString();
  const now = Date.now();
  const prepare = (node: FakeNode) => {
    node.mismatches = [mismatch];
    node.traces = [traceOf(1, { atMs: now }), traceOf(2)];
    return changeStatus(node, { alarms: [`${at} a late abort of 1-a`] });
  };
  await look({ locale: "ja", timezoneId: "Asia/Tokyo" }, prepare, async ({ page }) => {
    const full = "2025-01-31 12:00:00 UTC";
    assertEquals(await page.locator("#alarmlist").innerText(), `${full}: a late abort of 1-a`);
    assertEquals(await page.locator("#mismatchlist time").innerText(), full);
    const [fresh, old] = await page.locator("#payments time").all();
    assertEquals(await fresh!.innerText(), new Date(now).toISOString().slice(11, 19));
    const texts = [await old!.innerText(), await old!.getAttribute("title")];
    assertEquals(texts, ["2025-01-31 12:00:00", full]);
    assertMatch(await page.locator("#overview").innerText(), /times in UTC/);
  });
});
