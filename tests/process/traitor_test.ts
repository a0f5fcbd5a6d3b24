/**
 * A coordinator that betrays its participants. It is this program, changed in a copy; the participants are
 * as they are. Each time it fails, or what it did is proven by its own signatures.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generate } from "@std/uuid/v7";
import type { Patch } from "../simulation/patched.ts";
import { patchedCopy } from "../simulation/patched.ts";
import { sealedFor } from "../../src/codec/details.ts";
import { decodeOrder } from "../../src/codec/order.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { IdentitySealing } from "../../src/node/identity_sealing.ts";
import { openDetails } from "../../src/node/sealing.ts";
import type { SealedDetails } from "../../src/protocol/details.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import { Cluster, executable, transfer, until } from "./cluster.ts";

const opening = 1_000_00;
const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };
const memo = "Rent for the blue house in May";
const coordinator = "src/protocol/coordinator.ts";
const imports: Patch = {
  file: coordinator,
  find: `import { LookUps } from "./look_ups.ts";`,
  replace: `import { LookUps } from "./look_ups.ts";
import { encodeOrder } from "../codec/order.ts";`,
};
const sendsPrepares = `      out.send(to, prepareFor(to, voting));
    }`;

/** A network whose coordinator is the changed one. */
async function betrayed(patches: readonly Patch[], test: (cluster: Cluster) => Promise<void>) {
  const source = await patchedCopy(patches);
  try {
    await using cluster = await Cluster.make(openings, false);
    await cluster.start("coordinator", { source });
    await Promise.all(["alice", "bob"].map((name) => cluster.start(name)));
    await test(cluster);
  } finally {
    await Deno.remove(source, { recursive: true });
  }
}

async function pay(cluster: Cluster, amount: number, id = generate(), to = "bob") {
  // The first prepare may come before its originator is introduced: then the second is believed.
  const path = "/v1/payments?wait=6";
  const { body } = await cluster.node("alice").post(path, transfer("alice", to, amount, id));
  return { id, state: body.state };
}

async function posted(cluster: Cluster): Promise<[number, number]> {
  const [alice, bob] = [cluster.node("alice"), cluster.node("bob")];
  return [(await alice.account()).posted, (await bob.account()).posted];
}

/** Stops all nodes and verifies; resolves to the violations. */
async function violations(cluster: Cluster): Promise<string[]> {
  for (const name of cluster.names.toReversed()) await cluster.node(name).terminate();
  const dirs = cluster.names.flatMap((name) => ["--data", cluster.data(name)]);
  const { stdout } = await cluster.run("verify", ...dirs, "--json");
  return (JSON.parse(stdout) as { violations: string[] }).violations;
}

const betrayals: Record<string, () => Promise<void>> = {
  "invents a payment": () =>
    betrayed([imports, {
      file: coordinator,
      find: sendsPrepares,
      replace: `${sendsPrepares}
    const payment = (order.payment.slice(0, -1) + (order.payment.endsWith("0") ? "1" : "0")) as PaymentId;
    const made = encodeOrder({ ...order, payment, detailsHash: undefined });
    for (const to of participants) out.send(to, { type: "prepare", transaction: transactionId(epoch, ++this.#sequence), order: made, proof });`,
    }], async (cluster) => {
      assertEquals((await pay(cluster, 5)).state, "committed");
      await cluster.node("bob").said("which alice has not signed");
      await cluster.unheld();
      // Bob is never asked twice by it, and alice knows of no such order of hers.
      assertEquals(await posted(cluster), [opening - 5, opening + 5]);
    }),

  "alters an amount": () =>
    betrayed([imports, {
      file: coordinator,
      find: `  return {
    type: "prepare",
    transaction,
    order,`,
      replace: `
  const legs = order.legs.map((leg) => ({ ...leg, amount: leg.amount * 100n }));
  return {
    type: "prepare",
    transaction,
    order: encodeOrder({ ...order, legs }),`,
    }], async (cluster) => {
      const { id, state } = await pay(cluster, 5);
      assert(state !== "committed");
      await cluster.node("bob").said("which alice has not signed");
      const found = await cluster.node("bob").get(`/v1/payments/${id}`);
      assertEquals(found.status, 404);
      await cluster.unheld();
      assertEquals(await posted(cluster), [opening, opening]);
    }),

  "swaps a node's keys": () =>
    betrayed([{
      file: coordinator,
      find: "    const nodes = membership.directory();",
      replace: `    const nodes = membership.directory().map((node) => {
      if (!node.introduction || node.name !== "bob") return node;
      const voucher = node.introduction.voucher.slice();
      // The sealing key stands before the signature of 64 bytes.
      voucher[voucher.length - 70]! ^= 1;
      return { ...node, introduction: { ...node.introduction, voucher } };
    });`,
    }], async (cluster) => {
      // Alice comes after bob, so that she hears of him only by what the coordinator says of all.
      await cluster.node("alice").kill();
      await cluster.start("alice");
      await cluster.node("alice").said(`coordinator introduces "bob" falsely`);
    }),

  "replays an old prepare": () =>
    betrayed([{
      file: coordinator,
      find:
        `    for (const committing of this.state.committing()) this.#remindAll(committing, turn, out);
  }

  #remindAll`,
      replace:
        `    for (const committing of this.state.committing()) this.#remindAll(committing, turn, out);
    for (const { to, message } of this.#old) out.send(to, message);
  }
  readonly #old: { to: string; message: Prepare }[] = [];

  #remindAll`,
    }, {
      file: coordinator,
      find: sendsPrepares,
      replace: `${sendsPrepares}
    for (const to of participants) this.#old.push({ to, message: prepareFor(to, voting) });`,
    }], async (cluster) => {
      const { id } = await pay(cluster, 5);
      await cluster.unheld();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      assertEquals(await posted(cluster), [opening - 5, opening + 5]);
      assertEquals((await cluster.node("bob").get(`/v1/payments/${id}`)).body.state, "committed");
      assertEquals(await violations(cluster), []);
    }),

  "tells two decisions": () =>
    betrayed([{
      file: coordinator,
      find:
        '      out.send(to, { type: "decision", transaction, payment, commit: true, orderHash, decided });\n    }\n  }\n\n  #abort(',
      replace:
        `      out.send(to, to === "bob" ? { type: "decision", transaction, payment, commit: false } : { type: "decision", transaction, payment, commit: true, orderHash, decided });
    }
  }

  #abort(`,
    }], async (cluster) => {
      const { id, state } = await pay(cluster, 5);
      assertEquals(state, "committed");
      await until("alice has posted and bob has not", async () => {
        const [alice, bob] = await posted(cluster);
        return alice === opening - 5 && bob === opening;
      });
      // Both have the coordinator's signature on what they were told, for one and the same transaction.
      const told = new Map<string, string>();
      for (const [name, outcome] of [["alice", "committed"], ["bob", "attempt_aborted"]] as const) {
        const file = `${cluster.folder}/${name}.proof`;
        const made = await cluster.run("proof", id, "--data", cluster.data(name), "--out", file);
        assertEquals(made.code, 0, made.stderr);
        const ca = `${cluster.certs}/ca.pem`;
        const checked = await cluster.run("verify-proof", file, "--ca", ca, "--json");
        assertEquals(checked.code, 0, checked.stdout);
        const proven = JSON.parse(checked.stdout) as { state: string; transaction: string };
        assertEquals(proven.state, outcome);
        told.set(outcome, proven.transaction);
      }
      assertEquals(told.get("committed"), told.get("attempt_aborted"));
      const found = (await violations(cluster)).join("\n");
      assertMatch(found, /coordinator signed both/);
    }),

  "drops a vote": () =>
    betrayed([{
      file: coordinator,
      find: "    const { payment, transaction } = vote;\n    const voting",
      replace:
        "    if (!vote.yes) return this.#vote(event, { ...vote, yes: true, code: undefined }, turn, out);\n    const { payment, transaction } = vote;\n    const voting",
    }], async (cluster) => {
      const id = generate();
      const legs = [
        { account: "main@alice", amount: "-5", currency: "USD" },
        { account: "nothing@bob", amount: "5", currency: "USD" },
      ];
      await cluster.node("alice").post("/v1/payments?wait=2", { id, legs });
      await cluster.node("bob").said("which is not prepared here");
      const found = (await violations(cluster)).join("\n");
      assertStringIncludes(found, `commits ${id} without the signed yes of bob`);
    }),

  "reads details with its own keys": () =>
    betrayed([imports, {
      file: coordinator,
      find: sendsPrepares,
      replace: `${sendsPrepares}
    const told = (details ?? []).map(({ recipient, hash, sealed }) => ({ recipient, hash: hash.toHex(), sealed: sealed.toHex() }));
    Deno.writeTextFileSync("stolen.json", JSON.stringify({ order: order.bytes.toHex(), told }));`,
    }], async (cluster) => {
      const flags = ["--memo", memo];
      const paid = await cluster.pay("alice", "bob", "0.05", ...flags);
      assertEquals(paid.code, 0, paid.stderr);
      const stolen = await Deno.readTextFile(`${cluster.folder}/stolen.json`);
      const { order, told } = JSON.parse(stolen) as {
        order: string;
        told: { recipient: string; hash: string; sealed: string }[];
      };
      const details = told.map(({ recipient, sealed }) =>
        sealedFor(recipient, Uint8Array.fromHex(sealed))
      );
      const decoded = decodeOrder(Uint8Array.fromHex(order));
      const openedBy = async (name: string, as = name) => {
        const identity = await loadIdentity({ certs: cluster.certs, name });
        return await openDetails(new IdentitySealing(identity), as, decoded, details);
      };
      // What it took is all that there is to take: it opens for bob.
      assertEquals(await openedBy("bob"), { memo });
      assertEquals(await openedBy("coordinator", "bob"), "unreadable");
      assertEquals(await openedBy("coordinator"), undefined);
      // Nor does it serve in another payment.
      const [sent] = details as [SealedDetails];
      const bob = new IdentitySealing(await loadIdentity({ certs: cluster.certs, name: "bob" }));
      for (const other of [{ payment: generate() as PaymentId }, { originator: "bob" }]) {
        const moved = { ...decoded, ...other };
        assertEquals(await openDetails(bob, "bob", moved, details), "unreadable");
      }
      assert(!new TextDecoder("latin1").decode(sent.sealed).includes(memo));
    }),

  "gives itself out for the recipient of details": () =>
    betrayed([{
      file: coordinator,
      find: "    const nodes = membership.directory();",
      replace: `    const nodes = membership.directory().map((node) =>
      node.introduction && node.name === "bob" ? { ...node, introduction: globalThis.own } : node
    );`,
    }, {
      // Else alice hears of bob as he is, if she is there first.
      file: coordinator,
      find: `if (to !== peer) out.send(to, { type: "directory", nodes: [node] });`,
      replace: "",
    }, {
      file: "src/node/coordinator_node.ts",
      find: "    const coordinator = new Coordinator();",
      replace: `    const coordinator = new Coordinator();
    Object.assign(globalThis, { own: options.surroundings.trust.introduction });`,
    }], async (cluster) => {
      await cluster.node("alice").kill();
      await cluster.start("alice");
      await cluster.node("alice").said(`coordinator introduces "bob" falsely`);
      const paid = await cluster.pay("alice", "bob", "0.05", "--memo", memo);
      assertEquals(paid.code, 1, paid.stdout);
      assertEquals(await posted(cluster), [opening, opening]);
    }),

  "reuses a transaction id": () =>
    betrayed([{
      file: coordinator,
      find: "transactionId(epoch, ++this.#sequence)",
      replace: "transactionId(epoch, 1)",
    }], async (cluster) => {
      for (const amount of [5, 7]) await pay(cluster, amount);
      assertMatch((await violations(cluster)).join("\n"), /commits transaction \S+ a second time/);
    }),
};

for (const [what, test] of Object.entries(betrayals)) {
  Deno.test({
    name: `a coordinator that ${what} fails, or is proven to have done it`,
    ignore: executable !== undefined,
    fn: test,
  });
}
