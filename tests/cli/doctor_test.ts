import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostsOf, parseCertificate } from "../../src/keys/certificate.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { revoke } from "../../src/keys/revoke.ts";
import { Links } from "../../src/link/links.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import { RecordingHost } from "../link/network.ts";
import { record } from "./recorder.ts";

type Spoil = (dir: string) => Promise<unknown>;
const day = 24 * 60 * 60_000;

const rows: readonly [what: string, spoil: Spoil, level: string, said: string, exit: number][] = [
  ["nothing wrong", () => Promise.resolve(), "ok", "days more", 0],
  ["a key that others can read", (dir) => Deno.chmod(`${dir}/a.key`, 0o644), "fail", "0644", 1],
  [
    "another's key",
    (dir) => Deno.copyFile(`${dir}/ca.key`, `${dir}/a.key`),
    "fail",
    "not the key",
    1,
  ],
  [
    "a sealing key that others can read",
    (dir) => Deno.chmod(`${dir}/a.sealing.key`, 0o644),
    "fail",
    "0644",
    1,
  ],
  [
    "a signing key for a sealing key",
    (dir) => Deno.copyFile(`${dir}/a.signing.key`, `${dir}/a.sealing.key`),
    "fail",
    "no X25519 key",
    1,
  ],
  ["keys of an older version", removeOwnKeys, "ok", "days more", 0],
  ["no CA", (dir) => Deno.remove(`${dir}/ca.pem`), "fail", "no such file", 1],
  [
    "a request not signed",
    (dir) => Deno.remove(`${dir}/a.pem`),
    "warn",
    "without a certificate",
    0,
  ],
  ["an expired certificate", (dir) => again(dir, -2), "fail", "expired", 1],
  ["a certificate that is revoked", (dir) => revoke({ dir, name: "a" }), "fail", "was revoked", 1],
  [
    "the CA owner's copy of one that is revoked",
    async (dir) => {
      await revoke({ dir, name: "a" });
      for (const file of ["a.key", "a.signing.key", "a.sealing.key"]) {
        await Deno.remove(`${dir}/${file}`);
      }
    },
    "ok",
    "list 1 of the network's CA",
    0,
  ],
  [
    "a revocation list that is none",
    (dir) => Deno.writeTextFile(`${dir}/ca.crl`, ""),
    "fail",
    "no PEM revocation list",
    1,
  ],
  ["a certificate about to expire", (dir) => again(dir, 20), "warn", "19 days more", 0],
];
for (const [what, spoil, level, said, exit] of rows) {
  Deno.test(`doctor on ${what} says ${level} and exits ${exit}`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      await initCertificates({ dir, nodes: ["a"] });
      await spoil(dir);
      const found = await record("doctor", "--certs", dir, "--json");
      const findings = found.out.map((line) => JSON.parse(line));
      const hits = findings.filter((one) => one.level === level && one.detail.includes(said));
      assertEquals([hits.length > 0, found.exit], [true, exit], found.out.join("\n"));
      const isFine = findings.every((one) => one.level === "ok");
      assertEquals(isFine, level === "ok", found.out.join("\n"));
      for (const one of findings) assertEquals(one.next === undefined, one.level === "ok");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

async function removeOwnKeys(dir: string): Promise<void> {
  for (const kind of ["signing", "sealing"]) await Deno.remove(`${dir}/a.${kind}.key`);
}

const csr = (dir: string, ...more: string[]) =>
  record("csr", "--certs", dir, "--name=a", "--role=client", "--hosts=a.example.org", ...more);

/** What was made, what of it is there, and how a certificate that ends soon is renewed. */
const renewals: readonly [what: string, spoil: Spoil, next: string][] = [
  ["made by init", () => Promise.resolve(), "handfast init --certs DIR --nodes a --force"],
  [
    "a copy at the CA's owner",
    (dir) => Deno.remove(`${dir}/a.key`),
    "have its owner send a.csr, then: handfast sign FILE --certs DIR",
  ],
  [
    "with its request at the CA's owner",
    (dir) => csr(dir, "--force"),
    "handfast sign DIR/a.csr --certs DIR",
  ],
  [
    "with its request at its owner",
    async (dir) => {
      await csr(dir, "--force");
      await Deno.remove(`${dir}/ca.key`);
    },
    "send DIR/a.csr to the owner of the network's CA, and put the a.pem that comes back into DIR",
  ],
  [
    "without its request",
    (dir) => Deno.remove(`${dir}/ca.key`),
    "handfast csr --certs DIR --name a --role server --renew, send the request to the owner of " +
    "the network's CA, and put the a.pem that comes back into DIR",
  ],
];
for (const [what, spoil, next] of renewals) {
  Deno.test(`doctor tells how to renew a certificate ${what}`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      await again(dir, 20);
      await spoil(dir);
      const { out } = await record("doctor", "--certs", dir, "--json");
      const found = out.map((line) => JSON.parse(line)).find(({ level }) => level === "warn");
      assertEquals(found.next.replaceAll(dir, "DIR"), `renew it: ${next}`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("doctor renews a certificate with its hosts, by a command that works as printed", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await initCertificates({
      dir,
      nodes: ["a"],
      hosts: ["a.example.org", "10.0.0.1"],
      validityDays: 9,
    });
    const { out } = await record("doctor", "--certs", dir, "--json");
    const { next } = out.map((line) => JSON.parse(line)).find(({ level }) => level === "warn");
    assertStringIncludes(next, "renew it: handfast init ");
    const line = next.slice("renew it: handfast ".length);
    assertEquals((await record(...line.split(" "))).exit, 0);
    const { certPem } = await loadIdentity({ certs: dir, name: "a" });
    assertEquals(hostsOf(parseCertificate(certPem)), ["a", "a.example.org", "10.0.0.1"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("doctor names a node that does not answer, and counts what it found", async () => {
  const dir = await Deno.makeTempDir();
  const data = `${dir}/data/bob`;
  await Deno.mkdir(data, { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(`${data}/log.kv`, "");
  await Deno.writeTextFile(`${data}/token`, "secret", { mode: 0o600 });
  await Deno.writeTextFile(`${data}/api.json`, '{"url":"http://127.0.0.1:1"}');
  try {
    const { out } = await record("doctor", "--certs=/nowhere", "--data", data);
    assertEquals(out.filter((line) => line.startsWith("fail bob: cannot reach")).length, 1);
    assertEquals(
      out.at(-1),
      `${
        out.filter((line) => /^(ok|fail)/.test(line)).length
      } checks: 4 ok, 0 warnings, 2 failures`,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("doctor names folders that are none, and a CA that it lacks", async () => {
  const found = await record(
    "doctor",
    "--certs=/nowhere",
    "--data=/nowhere",
    "--server=127.0.0.1:1",
  );
  assertEquals(found.exit, 1);
  assertEquals(
    found.out.filter((line) => line.startsWith("fail")).map((line) => line.slice(5, 21)),
    [
      "/nowhere: there ",
      "/nowhere: it hol",
      "coordinator: 127",
    ],
  );
});

Deno.test("doctor warns of a node that was killed", async () => {
  const [certs, data] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  try {
    await initCertificates({ dir: certs, nodes: ["a"] });
    const look = async () => {
      const { out } = await record("doctor", "--certs", certs, "--data", data);
      return out.find((line) => line.includes("no node runs with it"))?.slice(0, 4);
    };
    await Deno.writeTextFile(`${data}/log.kv`, "");
    await Deno.writeTextFile(`${data}/lock`, "");
    assertEquals(await look(), "ok  ");
    await Deno.writeTextFile(`${data}/api.json`, '{"url":"http://127.0.0.1:1"}');
    assertEquals(await look(), "warn");
  } finally {
    for (const folder of [certs, data]) await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("doctor looks whether a stopped node's log is of the network of the certificates", async () => {
  const [certs, other, data] = await Promise.all([0, 1, 2].map(() => Deno.makeTempDir()));
  try {
    for (const dir of [certs!, other!]) await initCertificates({ dir, nodes: ["hub", "a"] });
    const { network } = await loadIdentity({ certs: certs!, name: "a" });
    const log = await Log.open(await KvStorage.open(`${data}/log.kv`));
    const records = [{
      type: "genesis",
      network,
      name: "a",
      role: "participant",
      version: 1,
    }] as const;
    await log.append({ atMs: 1, clock: new Map([["a", 1]]), witnesses: new Map(), records });
    log.close();
    const look = async (dir: string) => {
      const { out, exit } = await record("doctor", "--certs", dir, "--data", data!);
      return [exit, out.filter((line) => line.includes("the log of participant a"))];
    };
    const path = `${data}/log.kv`;
    assertEquals(await look(certs!), [0, [
      `ok   ${path}: the log of participant a, of this network`,
    ]]);
    const { network: theirs } = await loadIdentity({ certs: other!, name: "a" });
    assertEquals(await look(other!), [1, [
      `fail ${path}: the log of participant a is of network ${network}, the certificates are of ${theirs}`,
    ]]);
  } finally {
    for (const folder of [certs!, other!, data!]) await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("doctor looks whether a node could link with the coordinator", async () => {
  const [dir, foreign] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  for (const folder of [dir, foreign]) await initCertificates({ dir: folder, nodes: ["hub", "a"] });
  const identity = await loadIdentity({ certs: dir, name: "hub" });
  const links = new Links({ identity, host: new RecordingHost() });
  const { port } = links.listen({ hostname: "127.0.0.1", port: 0 });
  const server = `127.0.0.1:${port}`;
  const look = async (certs: string, ...flags: string[]) => {
    const { out, exit } = await record("doctor", "--certs", certs, "--server", server, ...flags);
    return [out.findLast((line) => line.includes(server)), exit];
  };
  const fault = (name: string, code: string) =>
    `fail ${name}: no TLS with "${name}" at ${server}: ${code}`;
  try {
    assertEquals(await look(dir, "--server-name", "hub"), [
      `ok   hub: ${server} takes links, and is hub`,
      0,
    ]);
    for (
      const [certs, flags, said] of [
        [dir, [], fault("coordinator", "wrong_name")],
        [foreign, ["--server-name", "hub"], fault("hub", "wrong_network")],
      ] as const
    ) {
      const [line, exit] = await look(certs, ...flags);
      assertStringIncludes(String(line), said);
      assertEquals(exit, 1);
    }
  } finally {
    await links.close();
    for (const folder of [dir, foreign]) await Deno.remove(folder, { recursive: true });
  }
});

function again(dir: string, validityDays: number): Promise<unknown> {
  const nowMs = validityDays < 0 ? Date.now() + validityDays * day : Date.now();
  const options = { dir, nodes: ["a"], coordinator: "a", force: true, nowMs };
  return initCertificates({
    ...options,
    validityDays: Math.abs(validityDays) - (validityDays < 0 ? 1 : 0),
  });
}
