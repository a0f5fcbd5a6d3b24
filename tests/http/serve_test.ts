import "reflect-metadata";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as x509 from "@peculiar/x509";
import { isLoopback, serveHttp } from "../../src/http/serve.ts";
import type { ServeOptions } from "../../src/http/serve.ts";
import { committed, FakeNode, post, replyOf, token } from "./fake_node.ts";

const authorization = `Bearer ${token}`;
const transfer = { from: "main", to: "main@bob", amount: "12500", currency: "USD" };

function serve(node: FakeNode, options: Partial<ServeOptions> = {}) {
  return serveHttp(node, { hostname: "127.0.0.1", port: 0, token, ...options });
}

Deno.test("serveHttp() takes payments over a socket, under its own names only", async () => {
  const node = new FakeNode();
  const server = serve(node);
  assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const paid = await fetch(`${server.url}/v1/payments`, post(transfer, { authorization }));
  assertEquals((await replyOf(paid)).status, 201);
  assertEquals(node.requests[0]?.legs, committed.legs);

  const { port } = new URL(server.url);
  for (
    const [host, status] of [[`localhost:${port}`, 200], [`evil.example:${port}`, 421]] as const
  ) {
    using connection = await connect(port);
    assertEquals(await statusFor(connection, host), status, host);
  }
  await server.shutdown();
});

/** The status of `/healthz` asked for with this Host, which `fetch` would not let one choose. */
async function statusFor(connection: Deno.Conn, host: string): Promise<number> {
  const request = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return Number((await readSome(connection)).split(" ")[1]);
}

async function connect(port: string, firstBytes = ""): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  await connection.write(new TextEncoder().encode(firstBytes));
  return connection;
}

async function readSome(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  const length = await connection.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length));
}

async function endsWithin(limitMs: number, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  await work();
  assert(performance.now() - startedMs < limitMs);
}

Deno.test("shutdown() does not wait for open connections without a request", async () => {
  const server = serve(new FakeNode());
  const { port } = new URL(server.url);
  using silent = await connect(port);
  using used = await connect(port, `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  assertMatch(await readSome(used), /^HTTP\/1\.1 200/);
  await endsWithin(1_000, () => Promise.all([server.shutdown(), server.shutdown()]));
  assertEquals(await silent.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("shutdown() ends though a client stalls in its headers", async () => {
  const server = serve(new FakeNode(), { graceMs: 100 });
  const { port } = new URL(server.url);
  using _stalled = await connect(port, "GET /healthz HT");
  await fetch(`${server.url}/healthz`).then(replyOf);
  await endsWithin(1_000, server.shutdown);
});

Deno.test("shutdown() ends though a client stalls in its body", async () => {
  const server = serve(new FakeNode(), { graceMs: 100 });
  const { port } = new URL(server.url);
  const head = `POST /v1/payments HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 9\r\n` +
    `Content-Type: application/json\r\nAuthorization: ${authorization}\r\n\r\n{`;
  using _stalled = await connect(port, head);
  await fetch(`${server.url}/healthz`).then(replyOf);
  await endsWithin(1_000, server.shutdown);
});

for (const path of ["/v1/payments", "/v1/charges"]) {
  Deno.test(`a body for ${path} that breaks off begins nothing, and is nothing for the log`, async () => {
    const node = new FakeNode();
    const lines: string[] = [];
    const server = serve(node, { onError: (line) => lines.push(line) });
    const { port } = new URL(server.url);
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 500\r\n` +
      `Content-Type: application/json\r\nAuthorization: ${authorization}\r\n\r\n{`;
    {
      using connection = await connect(port, head);
      await connection.closeWrite();
      assertMatch(await readSome(connection), /^HTTP\/1.1 400 /);
    }
    await server.shutdown();
    assertEquals([lines, node.requests], [[], []]);
  });
}

Deno.test("shutdown() lets a payment under way be answered, and none begin", async () => {
  const node = new FakeNode();
  const started = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<void>();
  node.answer = async () => {
    started.resolve();
    await outcome.promise;
    return { state: "committed", replayed: false, payment: committed };
  };
  const server = serve(node, { graceMs: 500 });
  const pay = () => fetch(`${server.url}/v1/payments`, post(transfer, { authorization }));
  const first = pay().then(replyOf);
  await started.promise;
  // A terminal's Ctrl-C may arrive twice.
  const closed = Promise.all([server.shutdown(), server.shutdown()]);
  const second = await pay().then(replyOf);
  assertEquals([second.status, second.json.code, second.json.state], [503, "stopping", undefined]);
  assertEquals(node.requests.length, 1);
  outcome.resolve();
  assertEquals((await first).json.id, committed.id);
  await closed;
});

Deno.test("shutdown() ends though a payment under way is never answered", async () => {
  const node = new FakeNode();
  const started = Promise.withResolvers<void>();
  node.answer = () => {
    started.resolve();
    return new Promise(() => {});
  };
  const server = serve(node, { graceMs: 100 });
  const reply = fetch(`${server.url}/v1/payments`, post(transfer, { authorization }))
    .then(replyOf, () => undefined);
  await started.promise;
  await server.shutdown();
  assertEquals(await reply, undefined);
});

Deno.test("serveHttp() speaks HTTPS where the address is not a loopback one", async () => {
  const tls = await selfSigned();
  const server = serve(new FakeNode(), { loopback: false, tls, names: ["Node.Example"] });
  assertMatch(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  using client = Deno.createHttpClient({ caCerts: [tls.cert] });
  const ask = (path: string, headers = {}) =>
    fetch(server.url + path, { client, headers }).then(replyOf);
  assertEquals((await ask("/healthz")).status, 200);
  assertEquals((await ask("/")).status, 200);
  assertEquals((await ask("/metrics")).status, 401);
  assertEquals((await ask("/metrics", { authorization })).status, 200);

  const port = Number(new URL(server.url).port);
  for (const [host, status] of [[`node.example:${port}`, 200], ["node.example:1", 421]] as const) {
    using connection = await Deno.connectTls({
      hostname: "127.0.0.1",
      port,
      caCerts: [tls.cert],
    });
    assertEquals(await statusFor(connection, host), status, host);
  }
  await server.shutdown();
});

const everywhere: readonly [hostname: string, names: readonly string[], host: string][] = [
  ["0.0.0.0", ["hub", "localhost", "127.0.0.1"], "localhost"],
  ["0.0.0.0", ["hub", "::1", "127.0.0.1"], "127.0.0.1"],
  ["0.0.0.0", ["hub", "hub.example.org"], "hub"],
];

for (const [hostname, names, host] of everywhere) {
  Deno.test(`serveHttp() on ${hostname} with ${names} is found at ${host}`, async () => {
    const tls = await selfSigned();
    const server = serve(new FakeNode(), { hostname, tls, names });
    assertEquals(new URL(server.url).hostname, host);
    await server.shutdown();
  });
}

Deno.test("serveHttp() refuses to be reached from other machines without TLS", () => {
  for (const hostname of ["0.0.0.0", "::", "10.0.0.1", "node.example", "127.0.0.1.example"]) {
    assertThrows(() => serve(new FakeNode(), { hostname }), TypeError, hostname);
  }
});

Deno.test("serveHttp() names the address that it can't listen on", async () => {
  const server = serve(new FakeNode());
  const port = Number(new URL(server.url).port);
  assertThrows(() => serve(new FakeNode(), { port }), Error, `"127.0.0.1:${port}"`);
  await server.shutdown();
});

Deno.test("isLoopback() knows the addresses that only this machine reaches", () => {
  for (const hostname of ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "LOCALHOST"]) {
    assert(isLoopback(hostname), hostname);
  }
});

async function selfSigned(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=test",
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ]),
    ],
  });
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(der, "PRIVATE KEY") };
}
