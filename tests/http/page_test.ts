import { assert, assertEquals, assertMatch } from "@std/assert";
import { asker, FakeNode, paymentId } from "./fake_node.ts";

Deno.test("the page runs no script and takes no style but the server's own", async () => {
  const { headers, text } = await asker(new FakeNode())("/");
  assertEquals(headers.get("content-type"), "text/html; charset=UTF-8");
  const policy = headers.get("content-security-policy") ?? "";
  for (
    const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]
  ) assert(policy.includes(part), part);
  assert(!policy.includes("unsafe"));

  const tags = text.match(/<script[^>]*>[^<]*/g) ?? [];
  assertEquals(tags, [
    '<script src="/page/uplot.js" defer>',
    '<script type="module" src="/page/page.js">',
  ]);
  assert(!/<style|\sstyle=|\son[a-z]+=|javascript:|https?:/i.test(text));
});

Deno.test("the page holds no data: it is the same for every node", async () => {
  const pages = await Promise.all(
    [new FakeNode(), new FakeNode("coordinator")].map((node) => asker(node)("/")),
  );
  assertEquals(pages[0]?.text, pages[1]?.text);
});

const scripts = [
  "page",
  "feed",
  "elements",
  "node",
  "payments",
  "chart",
  "clocks",
  "layout",
  "diagram",
];

Deno.test("the page's scripts write text only, and keep the token for the tab only", async () => {
  const ask = asker(new FakeNode());
  for (const name of scripts) {
    const { headers, text } = await ask(`/page/${name}.js`);
    assertEquals(headers.get("content-type"), "text/javascript", name);
    assert(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|localStorage/.test(text));
  }
});

Deno.test("the page's scripts import only what the server has", async () => {
  const ask = asker(new FakeNode());
  for (const name of scripts) {
    const { text } = await ask(`/page/${name}.js`);
    for (const [, imported] of text.matchAll(/from "\.\/([a-z]+)\.js"/g)) {
      assert(scripts.includes(imported ?? ""), imported);
    }
  }
});

Deno.test("all that the page names is there", async () => {
  const ask = asker(new FakeNode());
  const { text } = await ask("/");
  const paths = [...text.matchAll(/(?:src|href)="(\/[^"#]+)"/g)].map((match) => match[1]!);
  assert(paths.length > 5);
  for (const path of paths) assertEquals((await ask(path)).status, 200, path);
});

Deno.test("the page's style has a light and a dark side", async () => {
  const { headers, text } = await asker(new FakeNode())("/page/style.css");
  assertEquals(headers.get("content-type"), "text/css");
  assertMatch(text, /prefers-color-scheme: dark/);
});

Deno.test("every part that the scripts fill is in the page", async () => {
  const ask = asker(new FakeNode());
  const page = await ask("/");
  const texts = await Promise.all(scripts.map((name) => ask(`/page/${name}.js`)));
  const ids = texts.flatMap(({ text }) =>
    [...text.matchAll(/byId\("([a-z]+)"\)/g)].map((match) => match[1])
  );
  assert(ids.length > 20);
  for (const id of ids) assert(page.text.includes(`id="${id}"`), id);
});

Deno.test("/page/payments/ID tells how a payment went, with decimals", async () => {
  const ask = asker(new FakeNode());
  const { json } = await ask(`/page/payments/${paymentId}`, { headers: { authorization: "none" } });
  assertEquals([json.id, json.state, json.stage], [paymentId, "committed", "done"]);
  assertEquals(json.votes, [{ participant: "bob", vote: "yes", acked: true }]);
  assertEquals((json.legs as unknown[])[0], {
    account: "main@alice",
    amount: "-12500",
    currency: "USD",
    decimal: "-125.00",
  });
  assertEquals(json.steps, [{
    what: "committed",
    at: "2025-01-31T12:00:00.000Z",
    entry: 12,
    clock: { coordinator: 12, alice: 3 },
  }]);
  const unknown = await ask("/page/payments/0190f5d0-7b1a-7c3e-9f00-000000000000");
  assertEquals([unknown.status, unknown.json.code], [404, "payment_not_found"]);
});
