/** What can still be done with a key that the CA has revoked, by whoever stands where its node was dialled. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseCertificate } from "../../src/keys/certificate.ts";
import { type Identity, loadIdentity } from "../../src/keys/identity.ts";
import { Revocations } from "../../src/keys/revocations.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { encodeMessage, encodeRefuse, linkVersions } from "../../src/link/message.ts";
import { inNetwork } from "../keys/in_folder.ts";
import { pause, RawEnd, RecordingHost, withEnds } from "./network.ts";

const atMs = Date.UTC(2026, 10, 27);

function listOf({ certDer }: Identity) {
  const { serialNumber } = parseCertificate(certDer);
  return { number: 1, atMs, revokedMs: new Map([[serialNumber, atMs]]) };
}

interface Nodes {
  /** The coordinator, with the key that was stolen. */
  readonly stolen: Identity;
  /** The same, with the certificate that it has since. */
  readonly coordinator: Identity;
  readonly alice: Identity;
}

/** Alice knows that the stolen one is revoked, if there is a list. */
async function makeNodes(hasList: boolean): Promise<Nodes> {
  let nodes: Nodes | undefined;
  await inNetwork(["coordinator", "alice"], async (dir) => {
    const stolen = await loadIdentity({ certs: dir, name: "coordinator" });
    await initCertificates({ dir, nodes: ["coordinator"], force: true });
    const coordinator = await loadIdentity({ certs: dir, name: "coordinator" });
    const alice = await loadIdentity({ certs: dir, name: "alice" });
    const revocations = hasList ? new Revocations(listOf(stolen)) : new Revocations();
    nodes = { stolen, coordinator, alice: { ...alice, revocations } };
  });
  return nodes!;
}

/** Whoever answers TLS by the stolen key; `answer` is what they do with each who dials them. */
async function withThief(
  { stolen: { certPem: cert, keyPem: key } }: Nodes,
  answer: (dialer: RawEnd) => Promise<void>,
  use: (address: string) => Promise<void>,
): Promise<void> {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  let open: Deno.TlsConn | undefined;
  const hangUp = () => {
    open?.close();
    open = undefined;
  };
  const answering = (async () => {
    for await (const conn of listener) {
      open = conn;
      await answer(new RawEnd(conn)).catch(() => {});
      hangUp();
    }
  })();
  await use(`127.0.0.1:${listener.addr.port}`);
  listener.close();
  // One that was given up in the middle of TLS may never be told so.
  hangUp();
  await answering;
}

/** Passes on what the coordinator itself says first, to anyone. */
function helloOf({ coordinator }: Nodes) {
  const nonce = new Uint8Array(32);
  const certificate = coordinator.certDer;
  return encodeMessage({ type: "hello", protocol: [...linkVersions], certificate, nonce });
}

for (const hasList of [false, true]) {
  const told = hasList
    ? "nothing to who passes on its hello"
    : "its proof, by whatever key of that name";
  Deno.test(`a dialer ${hasList ? "with" : "without"} a list says ${told}`, async () => {
    const nodes = await makeNodes(hasList);
    let heard = 0;
    const relay = async (dialer: RawEnd) => {
      await dialer.write(helloOf(nodes));
      while (await dialer.frame()) heard++;
    };
    await withThief(nodes, relay, (address) =>
      withEnds(async (make) => {
        const { host, links } = make(nodes.alice, { limits: { handshakeTimeoutMs: 1_000 } });
        links.dial("coordinator", "coordinator", address);
        if (hasList) {
          const why = 'who answers shows a certificate of "coordinator" whose key it does not have';
          assertStringIncludes(await host.line("bad_proof"), why);
          // It is dialled again: the node itself may be there then.
          await pause(200);
        } else await host.line("handshake_timeout");
        assertEquals([heard > 0, host.events], [!hasList, []]);
        await links.close();
      }));
  });
}

Deno.test("a dialer with a list links with the node that has the key it shows", async () => {
  const nodes = await makeNodes(true);
  await withEnds(async (make) => {
    const listener = make(nodes.coordinator, { listen: 0 });
    const dialer = make(nodes.alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up coordinator");
    await listener.host.event("up alice");
    // That it was looked at first is no fault of anybody's.
    assertEquals(listener.host.levels.filter((level) => level !== "info"), []);
  });
});

Deno.test("who refuses before showing any certificate ends nobody", async () => {
  const nodes = await makeNodes(true);
  let dials = 0;
  const refuse = async (dialer: RawEnd) => {
    dials++;
    await dialer.write(encodeRefuse({ code: "revoked", message: "go away" }));
    while (await dialer.frame());
  };
  await withThief(nodes, refuse, (address) =>
    withEnds(async (make) => {
      const { host, links } = make(nodes.alice);
      links.dial("coordinator", "coordinator", address);
      await host.line("revoked: go away");
      while (dials < 3) await pause(10);
      assertEquals(host.events, []);
      await links.close();
    }));
});

Deno.test("no link comes up with who is revoked while they prove themselves", async () => {
  const { coordinator, alice } = await makeNodes(false);
  const host = new RecordingHost();
  // The last that the listener asks before the link is up.
  host.objects = () => {
    coordinator.revocations.takeOver(listOf(alice));
    return undefined;
  };
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0, host });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("refused coordinator revoked");
    assertEquals(host.events, []);
    assertEquals(dialer.host.events.filter((event) => event.startsWith("up")), []);
  });
});
