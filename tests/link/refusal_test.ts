/** Each reason for a refusal, over real TLS: a line at both ends, and the connection closed. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatEndpoint } from "../../src/endpoint.ts";
import { encodeFrame, frameKinds } from "../../src/link/frame.ts";
import { encodeMessage, encodeRefuse, linkVersions } from "../../src/link/message.ts";
import {
  type End,
  type EndOptions,
  found,
  makeNetwork,
  pause,
  RawEnd,
  RecordingHost,
  withEnds,
} from "./network.ts";
import { parseCertificate } from "../../src/keys/certificate.ts";
import type { Identity } from "../../src/keys/identity.ts";
import { Revocations } from "../../src/keys/revocations.ts";

const network = await makeNetwork();
const stranger = await makeNetwork();
const { coordinator, second, alice, bob, late, long } = network;

interface Case {
  readonly claim: string;
  readonly listener: Identity;
  readonly dialer: Identity;
  /** Default: the listener's name and role. */
  readonly dialled?: { name: string; role: "coordinator" | "participant" };
  /** What the line at each end contains. */
  readonly atListener: string;
  readonly atDialer: string;
  /** Whether the dialer gives up for good. */
  readonly final: boolean;
}

/** A dialer that TLS lets in, but whose own certificate and key are those of `other`. */
function certifiedAs(certificate: Identity, trusted: Identity): Identity {
  return { ...trusted, certDer: certificate.certDer, privateKey: certificate.privateKey };
}

/** A node that knows a list by which another's certificate is revoked. */
function revoking(identity: Identity, { certDer }: Identity): Identity {
  const { serialNumber } = parseCertificate(certDer);
  const atMs = Date.UTC(2026, 10, 27);
  const revocations = new Revocations({
    number: 1,
    atMs,
    revokedMs: new Map([[serialNumber, atMs]]),
  });
  return { ...identity, revocations };
}

/** None of them of the node that brings it. */
const vouchers: readonly [string, Uint8Array, string][] = [
  ["another's voucher", bob.voucher, 'wrong_name: the voucher of "NAME" is that of "bob"'],
  [
    "a voucher of another network",
    stranger.alice.voucher,
    'wrong_network: the voucher of "NAME" is for the network',
  ],
  ["an empty voucher", new Uint8Array(), 'bad_voucher: the voucher of "NAME":'],
];

/** A byte of its signing key another one. */
function changed(voucher: Uint8Array): Uint8Array {
  const at = voucher.length - 64 - 32 - 1;
  return voucher.with(at, voucher[at]! ^ 1);
}

const cases: Case[] = [
  {
    claim: "a listener of another CA is refused by TLS",
    listener: coordinator,
    dialer: stranger.alice,
    atListener: "wrong_network: received fatal alert",
    atDialer: 'no TLS with "coordinator" at 127.0.0.1',
    final: true,
  },
  {
    claim: "a dialer with a certificate of another CA is refused",
    listener: coordinator,
    dialer: certifiedAs(stranger.alice, alice),
    atListener: "wrong_network: the certificate of",
    atDialer: 'refused by "coordinator" at 127.0.0.1',
    final: true,
  },
  {
    claim: "a listener whose certificate has expired is refused by TLS",
    listener: late,
    dialer: bob,
    atListener: "expired: received fatal alert",
    atDialer: "expired: invalid peer certificate",
    // A participant that another looks for may come back another; its coordinator must be there at first.
    final: false,
  },
  {
    claim: "a dialer whose certificate has expired is refused, with the date",
    listener: coordinator,
    dialer: late,
    atListener: `expired: the certificate of "alice" expired at ${
      new Date(late.expiresMs).toISOString()
    }`,
    atDialer: 'expired: the certificate of "alice" expired at',
    final: true,
  },
  {
    claim: "a listener whose certificate is revoked is refused",
    listener: coordinator,
    dialer: revoking(bob, coordinator),
    atListener:
      'revoked: the certificate of "coordinator" was revoked by the network\'s CA at 2026',
    atDialer: 'revoked: the certificate of "coordinator" was revoked',
    // It may come back with another.
    final: false,
  },
  {
    claim: "a dialer whose certificate is revoked is refused, with the date",
    listener: revoking(coordinator, alice),
    dialer: alice,
    atListener: 'revoked: the certificate of "alice" was revoked by the network\'s CA at 2026',
    atDialer: 'refused by "coordinator" at 127.0.0.1',
    final: true,
  },
  {
    claim: "a listener of another name is refused by TLS",
    listener: bob,
    dialer: alice,
    dialled: { name: "coordinator", role: "coordinator" },
    atListener: "wrong_name: received fatal alert",
    atDialer: "wrong_name: invalid peer certificate",
    final: true,
  },
  {
    claim: "a listener that sends another certificate than TLS verified is refused",
    listener: { ...bob, certDer: coordinator.certDer },
    dialer: alice,
    atListener: 'wrong_name: "coordinator" answers where "bob" was dialled',
    atDialer: 'wrong_name: "coordinator" answers where "bob" was dialled',
    final: false,
  },
  {
    claim: "a dialer that claims another name than its certificate's is refused",
    listener: coordinator,
    dialer: { ...alice, name: "bob" },
    atListener: 'wrong_name: it says "bob", its certificate says "alice"',
    atDialer: 'wrong_name: it says "bob"',
    final: true,
  },
  {
    claim: "a participant that dials as coordinator is refused",
    listener: bob,
    dialer: { ...alice, role: "coordinator" },
    atListener: 'wrong_role: "alice" dials as coordinator, its certificate says participant',
    atDialer: 'wrong_role: "alice" dials as coordinator',
    final: true,
  },
  {
    claim: "a participant that is dialled as coordinator is refused",
    listener: bob,
    dialer: alice,
    dialled: { name: "bob", role: "coordinator" },
    atListener: 'wrong_role: "bob" was dialled as coordinator',
    atDialer: 'wrong_role: "bob" was dialled as coordinator, its certificate says participant',
    final: true,
  },
  {
    claim: "a coordinator that dials a coordinator is refused",
    listener: coordinator,
    dialer: second,
    atListener: "both coordinators",
    atDialer: "both coordinators",
    final: true,
  },
  {
    claim: "a proof by another key than the certificate's is refused",
    listener: coordinator,
    dialer: { ...alice, privateKey: bob.privateKey },
    atListener: 'bad_proof: whoever dials as "alice"',
    atDialer: "bad_proof: ",
    final: false,
  },
  ...vouchers.flatMap(([what, voucher, why]): Case[] => [
    {
      claim: `a dialer with ${what} is refused`,
      listener: coordinator,
      dialer: { ...alice, voucher },
      atListener: why.replaceAll("NAME", "alice"),
      atDialer: why.replaceAll("NAME", "alice"),
      final: true,
    },
    {
      claim: `a listener with ${what} is refused`,
      listener: { ...coordinator, voucher },
      dialer: alice,
      atListener: why.replaceAll("NAME", "coordinator"),
      atDialer: why.replaceAll("NAME", "coordinator"),
      final: false,
    },
  ]),
  {
    claim: "a dialer whose voucher was changed is refused",
    listener: coordinator,
    dialer: { ...alice, voucher: changed(alice.voucher) },
    atListener: 'bad_voucher: the voucher of "alice" is not signed by the key of its certificate',
    atDialer: 'bad_voucher: the voucher of "alice" is not signed by the key',
    final: true,
  },
  {
    claim: "a listener whose voucher was changed is refused",
    listener: { ...coordinator, voucher: changed(coordinator.voucher) },
    dialer: alice,
    atListener: 'bad_voucher: the voucher of "coordinator" is not signed by the key',
    atDialer: 'bad_voucher: the voucher of "coordinator" is not signed by the key',
    final: false,
  },
  {
    claim: "a dialer whose certificate is too long to introduce it to others is refused",
    listener: coordinator,
    dialer: long,
    atListener: 'objection: the certificate of "alice" and its voucher take',
    atDialer: "name fewer hosts in it",
    final: false,
  },
];

for (const { claim, listener, dialer, dialled, atListener, atDialer, final } of cases) {
  Deno.test(`Links: ${claim}`, async () => {
    await withEnds(async (make) => {
      const a = make(listener, { listen: 0 });
      const b = make(dialer);
      const { name, role } = dialled ?? listener;
      b.links.dial(name, role, a.address);
      await a.host.line(atListener);
      await b.host.line(atDialer);
      if (final) await b.host.event(`refused ${name}`);
      await b.links.close();
      const events = a.host.events.concat(b.host.events);
      assertEquals(events.filter((event) => !event.startsWith("refused")), []);
      if (!final) assertEquals(events, []);
    });
  });
}

/** A listening coordinator and a hand-made dialer, which is closed at the end. */
async function withRaw(
  body: (end: End, raw: RawEnd) => Promise<void>,
  options: EndOptions = {},
): Promise<void> {
  await withEnds(async (make) => {
    const end = make(coordinator, { listen: 0, ...options });
    const raw = await RawEnd.dial(end.address, "coordinator", alice);
    try {
      await body(end, raw);
    } finally {
      raw.conn.close();
    }
  });
}

Deno.test("Links: a proof that is sent again on another connection is refused", async () => {
  await withRaw(async (end, raw) => {
    const proof = await raw.prove(alice, coordinator, await raw.hello());
    assertEquals((await raw.frame())?.kind, frameKinds.handshake);
    const again = await RawEnd.dial(end.address, "coordinator", alice);
    await again.hello();
    await again.write(proof);
    assertStringIncludes(await again.refusal(), "bad_proof");
    await end.host.line("bad_proof");
    again.conn.close();
  });
});

Deno.test("Links: a proof that another listener relays is refused", async () => {
  await withRaw(async (end, toCoordinator) => {
    // Bob listens as himself, and passes the coordinator's nonce on to Alice.
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: bob.certPem,
      key: bob.keyPem,
    });
    await withEnds(async (make) => {
      const dialer = make(alice);
      const accepting = listener.accept();
      dialer.links.dial("bob", "participant", `127.0.0.1:${listener.addr.port}`);
      const fromAlice = new RawEnd(await accepting);
      const { nonce } = await toCoordinator.hello();
      await fromAlice.write(
        encodeMessage({
          type: "hello",
          protocol: [...linkVersions],
          certificate: bob.certDer,
          nonce,
        }),
      );
      const proof = await fromAlice.frame();
      assert(proof !== undefined);
      await toCoordinator.write(proof);
      assertStringIncludes(await toCoordinator.refusal(), "bad_proof");
      await end.host.line("bad_proof");
      await dialer.links.close();
      fromAlice.conn.close();
    });
    listener.close();
  });
});

Deno.test("Links: a dialer with the listener's own certificate is refused", async () => {
  await withRaw(async (end, raw) => {
    await raw.prove(coordinator, coordinator, await raw.hello());
    assertStringIncludes(await raw.refusal(), "wrong_name");
    await end.host.line('wrong_name: "coordinator" is this node\'s own name');
  });
});

Deno.test("Links: a greeting without a voucher is garbage", async () => {
  await withRaw(async (end, raw) => {
    await raw.prove(alice, coordinator, await raw.hello());
    assertEquals((await raw.frame())?.kind, frameKinds.handshake);
    const greeting = { address: "127.0.0.1:1", clock: {} };
    const show = { type: "show", protocol: linkVersions[0]!, shows: null, greeting };
    await raw.write({ kind: frameKinds.handshake, body: text.encode(JSON.stringify(show)) });
    assertStringIncludes(await raw.refusal(), 'garbage: "voucher" is not a text');
    await end.host.line('garbage: "voucher"');
    assertEquals(end.host.events, []);
  });
});

Deno.test("Links: a dialer of an unknown version is refused by name", async () => {
  await withRaw(async (end, raw) => {
    await raw.prove(alice, coordinator, await raw.hello(), { protocol: 99 });
    assertStringIncludes(await raw.refusal(), "unknown_version: version 99");
    await end.host.line("unknown_version: version 99");
  });
});

Deno.test("Links: a listener of an unknown version is refused for good", async () => {
  const { certPem: cert, keyPem: key, certDer } = coordinator;
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  await withEnds(async (make) => {
    const dialer = make(alice);
    const accepting = listener.accept();
    dialer.links.dial("coordinator", "coordinator", `127.0.0.1:${listener.addr.port}`);
    const raw = new RawEnd(await accepting);
    const nonce = new Uint8Array(32);
    await raw.write(encodeMessage({ type: "hello", protocol: [99], certificate: certDer, nonce }));
    assertStringIncludes(await raw.refusal(), "unknown_version");
    await dialer.host.line("unknown_version");
    await dialer.host.event("refused coordinator unknown_version");
    raw.conn.close();
  });
  listener.close();
});

Deno.test("Links: a frame past the handshake's bound is refused by its length alone", async () => {
  await withRaw(async (end, raw) => {
    await raw.hello();
    await raw.conn.write(new Uint8Array([0, 0, 0x20, 0]));
    assertStringIncludes(await raw.refusal(), "frame_too_large");
    await end.host.line("frame_too_large: a frame of 8196 bytes");
  });
});

Deno.test("Links: a frame past 16 KiB from a proven peer closes its link", async () => {
  await withRaw(async (end, raw) => {
    await raw.link(alice, coordinator);
    await end.host.event("up alice participant");
    await raw.conn.write(encodeFrame({ kind: 3, body: new Uint8Array(16 * 1024 - 4) }));
    assertStringIncludes(await raw.refusal(), "frame_too_large");
    await end.host.line("frame_too_large");
    await end.host.event("down alice");
    assertEquals(end.host.payloads, []);
  });
});

Deno.test("Links: bytes that are no TLS are refused", async () => {
  await withEnds(async (make) => {
    const end = make(coordinator, { listen: 0 });
    const port = Number(end.address.split(":")[1]);
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    await tcp.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    await end.host.line("garbage: ");
    const waste = new Uint8Array(64);
    let count: number | null = 1;
    while (count !== null) count = await tcp.read(waste).catch(() => null);
    tcp.close();
  });
});

const text = new TextEncoder();
const garbageFrames: [string, Uint8Array, string][] = [
  ["an unknown kind", new Uint8Array([0, 0, 0, 2, 99, 0]), "unknown kind 99"],
  ["an empty frame", new Uint8Array([0, 0, 0, 0]), "an empty frame"],
  ["no JSON", encodeFrame({ kind: 1, body: text.encode("{") }), "no JSON"],
  [
    "another message",
    encodeFrame({ kind: 1, body: text.encode(`{"type":"show","protocol":${linkVersions[0]}}`) }),
    '"prove" was due, "show" came',
  ],
  ["a payload", encodeFrame({ kind: 3, body: new Uint8Array(9) }), "a frame of kind 3 came"],
];
for (const [what, bytes, part] of garbageFrames) {
  Deno.test(`Links: a dialer that sends ${what} before its proof is refused`, async () => {
    await withRaw(async (end, raw) => {
      await raw.hello();
      await raw.conn.write(bytes);
      const refusal = await raw.refusal();
      assertStringIncludes(refusal, "garbage: ");
      assertStringIncludes(refusal, part);
      await end.host.line(part);
      assertEquals(end.host.payloads, []);
    });
  });
}

Deno.test("Links: a payload that the host can't read closes its link at both ends", async () => {
  await withEnds(async (make) => {
    const host = new RecordingHost();
    host.onReceived = () => {
      throw new RangeError("no such message");
    };
    const listener = make(coordinator, { listen: 0, host });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up coordinator");
    dialer.links.send("coordinator", new Uint8Array(3));
    await listener.host.line("garbage: no such message");
    await dialer.host.line("garbage: no such message");
    await listener.host.event("down alice");
    await dialer.host.event("down coordinator");
  });
});

Deno.test("Links: silence after TLS is cut off", async () => {
  await withRaw(async (end, raw) => {
    assertStringIncludes(await raw.refusal(), "handshake_timeout");
    await end.host.line("handshake_timeout");
  }, { limits: { handshakeTimeoutMs: 150 } });
});

Deno.test("Links: silence before TLS is cut off and takes no place of a handshake", async () => {
  await withEnds(async (make) => {
    const limits = { handshakeTimeoutMs: 300, handshakesMax: 1 };
    const end = make(coordinator, { listen: 0, limits });
    const port = Number(end.address.split(":")[1]);
    const silent = await Deno.connect({ hostname: "127.0.0.1", port });
    await end.host.line("handshake_timeout");
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", end.address);
    await dialer.host.event("up coordinator");
    assertEquals(end.host.lines.length, 1);
    silent.close();
  });
});

Deno.test("Links: sockets that say nothing are bounded, and others taken once they are gone", async () => {
  await withEnds(async (make) => {
    const limits = { handshakeTimeoutMs: 100, unsecuredMax: 2 };
    const end = make(coordinator, { listen: 0, limits });
    const port = Number(end.address.split(":")[1]);
    const connect = () => Deno.connect({ hostname: "127.0.0.1", port });
    const silent = [await connect(), await connect()];
    await end.host.line("2 connections have not begun TLS");
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", end.address);
    // Cut off by now, they hold their sockets all the same.
    await new Promise((resolve) => setTimeout(resolve, 3 * limits.handshakeTimeoutMs));
    assertEquals(end.host.events, []);
    silent[0]!.close();
    await dialer.host.event("up coordinator");
    silent[1]!.close();
  });
});

Deno.test("Links: a dialer gives a silent listener up, and tries again", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await withEnds(async (make) => {
    const dialer = make(alice, { limits: { handshakeTimeoutMs: 100 } });
    dialer.links.dial("coordinator", "coordinator", `127.0.0.1:${listener.addr.port}`);
    const first = await listener.accept();
    await dialer.host.line("handshake_timeout");
    const again = await listener.accept();
    first.close();
    again.close();
  });
  listener.close();
});

Deno.test("Links: connections past the bound are closed unheard, with one line", async () => {
  await withRaw(async (end, held) => {
    await held.hello();
    for (let count = 0; count < 3; count++) {
      const past = await RawEnd.dial(end.address, "coordinator", alice);
      assertEquals(await past.frame(), undefined);
      past.conn.close();
    }
    assertEquals(end.host.lines.length, 1);
    await end.host.line("too_many: 1 connections");
  }, { limits: { handshakesMax: 1 } });
});

const meanwhile = [
  ["where the node that was dialled takes links is no fault", "127.0.0.1:1", "info", "up already"],
  ["elsewhere is a second node", "127.0.0.1:2", "warn", "stop that one first"],
] as const;
for (const [what, address, level, said] of meanwhile) {
  Deno.test(`Links: whoever dials in the moment it is dialled, from ${what}`, async () => {
    await withEnds(async (make) => {
      const [dialled, dialler] = [make(bob, { listen: 0 }), make(alice, { listen: 0 })];
      const raw = await RawEnd.dial(dialler.address, "alice", bob);
      await raw.prove(bob, alice, await raw.hello());
      await raw.frame();
      dialler.links.dial("bob", "participant", dialled.address);
      await dialler.host.event("up bob");
      const greeting = { address, clock: new Map(), voucher: bob.voucher };
      await raw.write(
        encodeMessage({ type: "show", protocol: linkVersions[0]!, shows: undefined, greeting }),
      );
      assertStringIncludes(await raw.refusal(), "name_in_use: ");
      raw.conn.close();
      assertStringIncludes(await dialler.host.line("name_in_use: "), said);
      assertEquals([dialler.host.levels, dialler.host.events.length], [[level], 1]);
    });
  });
}

Deno.test("Links: a dialer that is refused as its peer was faster calls it no fault", async () => {
  const { certPem: cert, keyPem: key } = alice;
  const slow = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  await withEnds(async (make) => {
    const [dialled, faster] = [make(bob, { listen: 0 }), make(alice)];
    dialled.links.dial("alice", "participant", formatEndpoint(slow.addr as Deno.NetAddr));
    const raw = new RawEnd(await slow.accept());
    faster.links.dial("bob", "participant", dialled.address);
    await dialled.host.event("up alice");
    await raw.write(encodeRefuse({ code: "name_in_use", message: "it is up already" }));
    await dialled.host.line("name_in_use: it is up already");
    assertEquals(dialled.host.levels, ["info"]);
    raw.conn.close();
  });
  slow.close();
});

Deno.test("Links: a second node of a name is refused while the first answers", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const first = make(alice);
    first.links.dial("coordinator", "coordinator", listener.address);
    await first.host.event("up");
    const twin = make(alice);
    twin.links.dial("coordinator", "coordinator", listener.address);
    await twin.host.event("refused coordinator name_in_use");
    await twin.host.line("name_in_use");
    await listener.host.line("name_in_use");
    assertEquals([twin.host.levels, listener.host.levels], [["warn"], ["warn"]]);
    assert(first.links.send("coordinator", new Uint8Array(1)));
    await found(() => listener.host.payloads[0], "the first node's payload");
    assertEquals(listener.host.events, ["up alice participant"]);
  });
});

Deno.test("Links: a second node of a name with a log of its own is told that the name is in use", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const first = make(alice);
    listener.host.seen.set("alice", { number: 7, hash: hash(1) });
    first.host.entries.set(7, hash(1));
    first.links.dial("coordinator", "coordinator", listener.address);
    await first.host.event("up");
    const twin = make(alice);
    twin.links.dial("coordinator", "coordinator", listener.address);
    await twin.host.event("refused coordinator name_in_use");
    assertEquals(listener.host.events, ["up alice participant"]);
  });
});

Deno.test("Links: who answers with a foreign certificate ends no node that has met its coordinator", async () => {
  await withEnds(async (make) => {
    const impostor = make(stranger.coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.host.seen.set("coordinator", { number: 7, hash: hash(1) });
    dialer.links.dial("coordinator", "coordinator", impostor.address);
    await dialer.host.line("wrong_network");
    await pause(50);
    assertEquals(dialer.host.events, []);
  });
});

Deno.test("Links: a second node with another log does not end the link of the first, however slow that is", async () => {
  await withRaw(async (end, raw) => {
    end.host.seen.set("alice", { number: 7, hash: hash(1) });
    await raw.link(alice, coordinator, hash(1));
    await end.host.event("up alice");
    await withEnds(async (make) => {
      const twin = make(alice);
      twin.links.dial("coordinator", "coordinator", end.address);
      await twin.host.event("amnesia");
      assertEquals(end.host.events, ["up alice participant", forgot("alice")]);
    });
  }, { limits: { holderAnswerMsMax: 100 } });
});

Deno.test("Links: a second node of a name takes over once the first is silent", async () => {
  await withRaw(async (end, raw) => {
    await raw.link(alice, coordinator);
    await end.host.event("up alice");
    await withEnds(async (make) => {
      const next = make(alice);
      next.links.dial("coordinator", "coordinator", end.address);
      await next.host.event("up coordinator");
      assertEquals(end.host.events.map((event) => event.split(":")[0]), [
        "up alice participant",
        "down alice",
        "up alice participant",
      ]);
    });
  }, { limits: { holderAnswerMsMax: 100 } });
});

const hash = (fill: number) => new Uint8Array(32).fill(fill);
/** With what it says of its log. */
const forgot = (peer: string) => `forgot ${peer} [["alice",3]]`;

for (const shows of [undefined, hash(2)]) {
  const what = shows === undefined ? "has lost" : "has changed";
  Deno.test(`Links: a dialer that ${what} an entry is refused and told of its amnesia`, async () => {
    await withEnds(async (make) => {
      const listener = make(coordinator, { listen: 0 });
      const dialer = make(alice);
      listener.host.seen.set("alice", { number: 7, hash: hash(1) });
      if (shows !== undefined) dialer.host.entries.set(7, shows);
      dialer.links.dial("coordinator", "coordinator", listener.address);
      const told = await dialer.host.event("amnesia");
      assertStringIncludes(told, "entry 7 of its own log");
      assertStringIncludes(told, "handfast readmit alice --yes");
      await dialer.host.line("amnesia");
      await listener.host.line("amnesia");
      assertEquals(listener.host.events, [forgot("alice")]);
    });
  });

  Deno.test(`Links: a listener that ${what} an entry is refused and told of its amnesia`, async () => {
    await withEnds(async (make) => {
      const listener = make(coordinator, { listen: 0 });
      const dialer = make(alice);
      dialer.host.seen.set("coordinator", { number: 7, hash: hash(1) });
      if (shows !== undefined) listener.host.entries.set(7, shows);
      dialer.links.dial("coordinator", "coordinator", listener.address);
      assertStringIncludes(
        await listener.host.event("amnesia"),
        "handfast readmit coordinator --yes",
      );
      await dialer.host.line("amnesia");
      await listener.host.line("amnesia");
      assertEquals(dialer.host.events, [forgot("coordinator")]);
    });
  });
}

Deno.test("Links: a stranger's word of amnesia is not believed", async () => {
  await withRaw(async (end, raw) => {
    await raw.hello();
    const body = text.encode('{"code":"amnesia","message":"you forgot\\nall"}');
    await raw.write({ kind: frameKinds.refuse, body });
    await end.host.line("amnesia: you forgot all");
    await pause(20);
    assertEquals(end.host.events, []);
  });
});

Deno.test("Links: a peer to which the host objects is refused with the reason", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.host.objects = (_peer, { epoch }) => epoch === undefined ? undefined : "an old epoch";
    const clock = new Map();
    listener.host.ownGreeting = {
      address: "127.0.0.1:1",
      clock,
      epoch: { counter: 1, nonce: "0123456789ab" },
    };
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.line("objection: an old epoch");
    await listener.host.line("objection: an old epoch");
    assertEquals(listener.host.events, []);
  });
});
