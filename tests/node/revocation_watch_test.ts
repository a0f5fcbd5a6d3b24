import "reflect-metadata";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { makeSigner } from "../../src/keys/authority.ts";
import { CertificateError } from "../../src/keys/certificate.ts";
import { type Identity, loadIdentity } from "../../src/keys/identity.ts";
import { revocationPath, signRevocationList } from "../../src/keys/revocations.ts";
import { revoke } from "../../src/keys/revoke.ts";
import { IdentityTrust } from "../../src/node/identity_trust.ts";
import { RevocationWatch, takeOverKept } from "../../src/node/revocation_watch.ts";
import { inNetwork } from "../keys/in_folder.ts";

interface Rig {
  readonly identity: Identity;
  /** The data folder. */
  readonly data: string;
  /** The interval passes; resolves to what was printed. */
  pass(): Promise<string[]>;
}

/** A watch of alice's, whose interval passes when it is told to. */
async function watching(use: (dir: string, rig: Rig) => Promise<void>): Promise<void> {
  await inNetwork(["coordinator", "alice", "bob"], async (dir) => {
    const identity = await loadIdentity({ certs: dir, name: "alice" });
    const data = `${dir}/data`;
    await Deno.mkdir(data);
    let printed: string[] = [];
    let looks = 0;
    let look = () => {};
    const watch = new RevocationWatch({
      certs: dir,
      data,
      identity,
      time: {
        every: (_ms, run) => {
          look = run;
          return () => look = () => {};
        },
      },
      print: (level, line) => printed.push(`${level} ${line.replaceAll(dir, "DIR")}`),
      dropRevoked: () => looks++,
    });
    const looked = async (before: number) => {
      while (looks === before) await new Promise((done) => setTimeout(done, 5));
    };
    // It looks at once, too.
    await looked(0);
    const pass = async () => {
      printed = [];
      const before = looks;
      look();
      // One at a time: the disk may be slow.
      look();
      await looked(before);
      return printed;
    };
    await use(dir, { identity, data, pass });
    await watch.stop();
  });
}

Deno.test("a node that runs takes over what its CA revokes, and says so once", async () => {
  await watching(async (dir, { identity, pass }) => {
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

Deno.test("a restart without the list takes nothing back, nor one with an older list", async () => {
  await watching(async (dir, { data, pass }) => {
    const again = async (name: string) => {
      const identity = await loadIdentity({ certs: dir, name, mayHaveEnded: true });
      await takeOverKept(data, identity);
      return identity.revocations.size;
    };
    await revoke({ dir, name: "bob" });
    const first = await Deno.readTextFile(revocationPath(dir));
    await revoke({ dir, name: "coordinator" });
    await pass();
    await Deno.remove(revocationPath(dir));
    assertEquals(await again("alice"), 2);
    await Deno.writeTextFile(revocationPath(dir), first);
    await pass();
    assertEquals(await again("alice"), 2);
    await assertRejects(
      () => again("bob"),
      CertificateError,
      'of "bob" was revoked by the network',
    );
    await Deno.writeTextFile(revocationPath(data), first.slice(0, 60));
    await assertRejects(() => again("alice"), UsageError, `Cannot use ${data}/ca.crl: it is no`);
  });
});

Deno.test("what a CA has forgotten that was put back from an old copy stays revoked after a restart", async () => {
  await watching(async (dir, { data, pass }) => {
    const issued = await Deno.readTextFile(`${dir}/ca.issued`);
    await revoke({ dir, name: "bob" });
    await pass();
    await Deno.writeTextFile(`${dir}/ca.issued`, issued);
    await Deno.remove(revocationPath(dir));
    for (const name of ["coordinator", "alice"]) {
      await revoke({ dir, name });
      await pass();
    }
    const identity = await loadIdentity({ certs: dir, name: "bob", mayHaveEnded: true });
    await assertRejects(() => takeOverKept(data, identity), CertificateError, "was revoked by");
    assertEquals([identity.revocations.number, identity.revocations.size], [2, 3]);
  });
});

Deno.test("a list that is older, damaged, gone or another CA's changes nothing, and is told of once", async () => {
  await watching(async (dir, { pass, identity: { revocations } }) => {
    const path = revocationPath(dir);
    await revoke({ dir, name: "bob" });
    const first = await Deno.readTextFile(path);
    await revoke({ dir, name: "coordinator" });
    const second = await Deno.readTextFile(path);
    await pass();
    const foreign = await signRevocationList(await makeSigner(Date.now()), {
      ...{ number: 9, atMs: 0, revokedMs: new Map() },
    });
    const lacks = "is the CA's list 1, and lacks what this node knows to be revoked";
    const rest = ": what was revoked before stays revoked here";
    for (
      const [text, said] of [
        [first, `warn DIR/ca.crl ${lacks}${rest}`],
        [foreign, `warn cannot use DIR/ca.crl: it was not signed by the CA of this network${rest}`],
        [second.slice(0, 60), /^warn cannot use DIR\/ca.crl: it is no .*: what was revoked before/],
        [undefined, `warn DIR/ca.crl is gone${rest}`],
      ] as const
    ) {
      if (text === undefined) await Deno.remove(path);
      else await Deno.writeTextFile(path, text);
      const [line] = await pass();
      if (typeof said === "string") assertEquals(line, said);
      else assertMatch(line!, said);
      assertEquals(await pass(), []);
      assertEquals([revocations.number, revocations.size], [2, 2]);
    }
    await Deno.writeTextFile(path, second);
    assertEquals(await pass(), []);
  });
});
