import "reflect-metadata";
import { assertEquals, assertMatch } from "@std/assert";
import { makeSigner } from "../../src/keys/authority.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { revocationPath, signRevocationList } from "../../src/keys/revocations.ts";
import { revoke } from "../../src/keys/revoke.ts";
import { IdentityTrust } from "../../src/node/identity_trust.ts";
import { RevocationWatch } from "../../src/node/revocation_watch.ts";

/** A watch of alice's, whose interval passes when it is told to, and what it printed since the last. */
async function inNetwork(
  use: (dir: string, pass: () => Promise<string[]>, rig: Rig) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await initCertificates({ dir, nodes: ["coordinator", "alice", "bob"] });
    const identity = await loadIdentity({ certs: dir, name: "alice" });
    let printed: string[] = [];
    let look = () => {};
    const rig = { identity, dropped: 0 };
    const watch = new RevocationWatch({
      certs: dir,
      identity,
      time: {
        every: (_ms, run) => {
          look = run;
          return () => look = () => {};
        },
      },
      print: (level, line) => printed.push(`${level} ${line.replaceAll(dir, "DIR")}`),
      dropRevoked: () => rig.dropped++,
    });
    const pass = async () => {
      printed = [];
      const before = rig.dropped;
      look();
      // One at a time: the disk may be slow.
      look();
      while (rig.dropped === before) await new Promise((done) => setTimeout(done, 5));
      return printed;
    };
    await use(dir, pass, rig);
    await watch.stop();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

interface Rig {
  readonly identity: Awaited<ReturnType<typeof loadIdentity>>;
  dropped: number;
}

Deno.test("a node that runs takes over what its CA revokes, and says so once", async () => {
  await inNetwork(async (dir, pass, { identity }) => {
    const bob = new IdentityTrust(await loadIdentity({ certs: dir, name: "bob" }));
    const trust = new IdentityTrust(identity);
    assertEquals(await pass(), []);
    assertEquals(trust.isRevoked(bob.introduction), false);
    assertEquals(await trust.check("bob", bob.introduction), true);
    await revoke({ dir, name: "bob" });
    assertEquals(await pass(), [
      "info DIR/ca.crl: by list 1 of the network's CA 1 certificate is revoked",
    ]);
    assertEquals(trust.isRevoked(bob.introduction), true);
    assertEquals(trust.isRevoked(trust.introduction), false);
    assertEquals(await trust.check("bob", bob.introduction), false);
    assertEquals(await pass(), []);
  });
});

Deno.test("a node whose own certificate is revoked says so", async () => {
  await inNetwork(async (dir, pass) => {
    await revoke({ dir, name: "alice" });
    const [, line] = await pass();
    assertMatch(
      line!,
      /^error the certificate of "alice", this node's own, is revoked: have the CA/,
    );
  });
});

Deno.test("a list that is older, damaged, gone or another CA's changes nothing, and is told of once", async () => {
  await inNetwork(async (dir, pass, { identity: { revocations } }) => {
    const path = revocationPath(dir);
    await revoke({ dir, name: "bob" });
    const first = await Deno.readTextFile(path);
    await revoke({ dir, name: "coordinator" });
    const second = await Deno.readTextFile(path);
    await pass();
    const foreign = await signRevocationList(await makeSigner(Date.now()), {
      ...{ number: 9, atMs: 0, revokedMs: new Map() },
    });
    const rest = ": list 2 still counts, until the node is started again";
    for (
      const [text, said] of [
        [first, `warn DIR/ca.crl is the CA's list 1, older than list 2${rest}`],
        [foreign, `warn cannot use DIR/ca.crl: it was not signed by the CA of this network${rest}`],
        [second.slice(0, 60), /^warn cannot use DIR\/ca.crl: it is no .*: list 2 still counts/],
        [undefined, `warn DIR/ca.crl is gone${rest}`],
      ] as const
    ) {
      if (text === undefined) await Deno.remove(path);
      else await Deno.writeTextFile(path, text);
      const [line] = await pass();
      if (typeof said === "string") assertEquals(line, said);
      else assertMatch(line!, said);
      assertEquals(await pass(), []);
      assertEquals([revocations.list?.number, revocations.list?.revokedMs.size], [2, 2]);
    }
    await Deno.writeTextFile(path, second);
    assertEquals(await pass(), []);
  });
});
