import "reflect-metadata";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { hostsOf, parseCertificate } from "../../src/keys/certificate.ts";
import { initAuthority, initCertificates } from "../../src/keys/init.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { makeRequest, readRequest, type RequestOptions } from "../../src/keys/request.ts";
import { checkRequest, signRequest } from "../../src/keys/sign.ts";

interface Folders {
  /** Of the CA's owner. */
  readonly ca: string;
  /** Of the node's. */
  readonly own: string;
}

async function inFolders(use: (folders: Folders) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const folders = { ca: `${root}/ca`, own: `${root}/own` };
    await initAuthority(folders.ca);
    await use(folders);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const asked = ({ own }: Folders, more: Partial<RequestOptions> = {}) =>
  makeRequest({ dir: own, name: "alice", role: "participant", hosts: ["a.example"], ...more });

async function sign({ ca, own }: Folders, force = false, name = "alice") {
  return await signRequest({ dir: ca, request: await readRequest(`${own}/${name}.csr`), force });
}

Deno.test("a request carries name, role, hosts and key, and its certificate runs a node", async () => {
  await inFolders(async (folders) => {
    const { ca, own } = folders;
    const made = await asked(folders, { hosts: ["a.example", "10.0.0.7"] });
    assertEquals(made.ownKeyPaths, [`${own}/alice.signing.key`, `${own}/alice.sealing.key`]);
    for (const path of [made.keyPath, ...made.ownKeyPaths]) {
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600, path);
    }
    const request = await readRequest(made.requestPath);
    assertEquals([request.name, request.role, request.hosts], [
      "alice",
      "participant",
      ["a.example", "10.0.0.7"],
    ]);
    assertEquals(request.fingerprint, made.fingerprint);
    assertEquals(await checkRequest({ dir: ca, request }), "new");
    await signRequest({ dir: ca, request });
    for (const file of ["alice.pem", "ca.pem"]) {
      await Deno.copyFile(`${ca}/${file}`, `${own}/${file}`);
    }
    const identity = await loadIdentity({ certs: own });
    assertEquals([identity.name, identity.role], ["alice", "participant"]);
    assertEquals(await checkRequest({ dir: ca, request }), "renewal");
  });
});

Deno.test("makeRequest() overwrites neither key nor request without force, and no other key with it", async () => {
  await inFolders(async (folders) => {
    const first = await asked(folders);
    await assertRejects(() => asked(folders), UsageError, "alice.key: it exists");
    await Deno.remove(first.keyPath);
    await assertRejects(() => asked(folders), UsageError, "alice.csr: it exists");
    const second = await asked(folders, { force: true });
    assert(second.fingerprint !== first.fingerprint);
    assertEquals(second.ownKeyPaths, []);
  });
});

Deno.test("makeRequest() renews a request with the key that is there, which is signed without force", async () => {
  await inFolders(async (folders) => {
    await assertRejects(() => asked(folders, { renew: true }), UsageError, "Leave out --renew");
    const first = await asked(folders);
    await sign(folders);
    const key = await Deno.readTextFile(first.keyPath);
    const second = await asked(folders, { renew: true, hosts: ["b.example"] });
    assertEquals([second.fingerprint, second.ownKeyPaths], [first.fingerprint, []]);
    assertEquals(await Deno.readTextFile(first.keyPath), key);
    await sign(folders);
    for (const file of ["alice.pem", "ca.pem"]) {
      await Deno.copyFile(`${folders.ca}/${file}`, `${folders.own}/${file}`);
    }
    const { certPem } = await loadIdentity({ certs: folders.own });
    assertEquals(hostsOf(parseCertificate(certPem)), ["alice", "b.example"]);
    await Deno.copyFile(`${folders.own}/alice.signing.key`, first.keyPath);
    await assertRejects(
      () => asked(folders, { renew: true }),
      UsageError,
      "Put back a copy of it, or make another by --force",
    );
  });
});

Deno.test("signRequest() refuses a name that another key has, unless forced", async () => {
  await inFolders(async (folders) => {
    await asked(folders);
    await sign(folders);
    const before = await Deno.readTextFile(`${folders.ca}/alice.pem`);
    await asked(folders, { force: true });
    await assertRejects(() => sign(folders), UsageError, "of another key");
    assertEquals(await Deno.readTextFile(`${folders.ca}/alice.pem`), before);
    await sign(folders, true);
    assert(await Deno.readTextFile(`${folders.ca}/alice.pem`) !== before);
  });
});

Deno.test("names of nodes and of hosts must not meet, whichever is signed first", async () => {
  await inFolders(async (folders) => {
    await initCertificates({ dir: folders.ca, nodes: ["coordinator"] });
    await asked(folders, { hosts: ["coordinator"] });
    await assertRejects(() => sign(folders), UsageError, '"coordinator" as a host');
    await asked(folders, { hosts: ["bob"], force: true });
    await sign(folders);
    await asked(folders, { name: "bob" });
    await assertRejects(() => sign(folders, true, "bob"), UsageError, '"alice" has it as a host');
    const own = () => asked(folders, { name: "carol", hosts: ["carol"] });
    await assertRejects(own, UsageError, "own name");
  });
});

const bad: readonly [what: string, text: (csr: string) => string, said: string][] = [
  ["no request", () => "hello", "no certificate request"],
  ["a key", () => "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", "private key"],
  ["a request cut short", (csr) => csr.slice(0, 200), "no certificate request"],
  ["a request changed on its way", changed, "its signature does not fit"],
];
for (const [what, text, said] of bad) {
  Deno.test(`readRequest() refuses ${what}, and says how to make one`, async () => {
    await inFolders(async (folders) => {
      const { requestPath } = await asked(folders);
      await Deno.writeTextFile(requestPath, text(await Deno.readTextFile(requestPath)));
      const error = await assertRejects(() => readRequest(requestPath), UsageError, said);
      assertStringIncludes(error.message, "handfast csr --name NAME");
    });
  });
}

/** Another host in it, of the same length. */
function changed(csr: string): string {
  const der = Uint8Array.fromBase64(csr.replace(/-----[^-]+-----/g, ""));
  const at = new TextDecoder("latin1").decode(der).indexOf("a.example");
  der[at] = "b".charCodeAt(0);
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toBase64()}\n-----END CERTIFICATE REQUEST-----`;
}

Deno.test("no certificate gets the name by which nodes know another", async () => {
  await inFolders(async (folders) => {
    await asked(folders);
    await sign(folders);
    const { serialNumber } = parseCertificate(await Deno.readTextFile(`${folders.ca}/alice.pem`));
    for (const host of [`s${serialNumber}`, `S${serialNumber.toUpperCase()}`]) {
      const wanted = { name: "bob", hosts: [host] };
      await assertRejects(() => asked(folders, wanted), UsageError, "could pose as that one");
    }
  });
});

Deno.test("initAuthority() makes a CA alone, and never a second one", async () => {
  await inFolders(async ({ ca }) => {
    const files: string[] = [];
    for await (const { name } of Deno.readDir(ca)) files.push(name);
    assertEquals(files.sort(), ["ca.key", "ca.pem"]);
    await assertRejects(() => initAuthority(ca), UsageError, "ca.pem already");
  });
});

Deno.test("signRequest() says where there is no CA", async () => {
  await inFolders(async (folders) => {
    await asked(folders);
    const request = await readRequest(`${folders.own}/alice.csr`);
    await assertRejects(() => signRequest({ dir: folders.own, request }), UsageError, "--ca-only");
  });
});
