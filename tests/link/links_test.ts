/** Links that hold: what they carry, when they end, and how they come back. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatEndpoint, parseDialable } from "../../src/endpoint.ts";
import { UsageError } from "../../src/errors.ts";
import { payloadBytesMax } from "../../src/link/frame.ts";
import { found, makeNetwork, pause, RawEnd, RecordingHost, withEnds } from "./network.ts";

const { coordinator, alice, bob } = await makeNetwork();

Deno.test("Links: both ends learn name, role and greeting of the other", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    const epoch = { counter: 4, nonce: "0123456789ab" };
    const clock = new Map([["alice", 12], ["coordinator", 7]]);
    listener.host.ownGreeting = { address: listener.address, epoch, clock };
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up coordinator coordinator");
    await listener.host.event("up alice participant");
    for (
      const [host, peer, of] of [[dialer.host, coordinator, listener.host], [
        listener.host,
        alice,
        dialer.host,
      ]] as const
    ) {
      const introduction = { certificate: peer.certDer, voucher: peer.voucher };
      assertEquals(host.greetings.get(peer.name), { ...of.ownGreeting, introduction });
    }
    assertEquals(dialer.host.lines.concat(listener.host.lines), []);
  });
});

Deno.test("Links: what a node throws where a link is up is told, and the peer dialled again", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.host.onUp = () => {
      dialer.host.onUp = () => {};
      throw new Error("a bug of this node");
    };
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.line("links failed: Error: a bug of this node");
    const ups = () => dialer.host.events.filter((event) => event.startsWith("up")).length;
    await found(() => ups() === 2 || undefined, "a second link");
  });
});

Deno.test("Links: participants link with each other", async () => {
  await withEnds(async (make) => {
    const listener = make(bob, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("bob", "participant", listener.address);
    await dialer.host.event("up bob participant");
    await listener.host.event("up alice participant");
  });
});

Deno.test("Links: nodes that remember the same past are linked", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    const hash = new Uint8Array(32).fill(9);
    listener.host.seen.set("alice", { number: 3, hash });
    listener.host.entries.set(5, hash);
    dialer.host.seen.set("coordinator", { number: 5, hash });
    dialer.host.entries.set(3, hash);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up coordinator");
    await listener.host.event("up alice");
  });
});

Deno.test("Links: payloads of every size come whole and in order, both ways", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up");
    await listener.host.event("up");
    const sizes = [0, 1, 200, 16_000, payloadBytesMax];
    const sent = Array.from({ length: 500 }, (_, index) => {
      const payload = new Uint8Array(sizes[index % sizes.length] ?? 0).fill(index);
      payload[0] = index;
      return payload;
    });
    for (const payload of sent) {
      assert(listener.links.send("alice", payload));
      assert(dialer.links.send("coordinator", payload));
    }
    for (const { host } of [listener, dialer]) {
      await found(() => host.payloads.length === sent.length || undefined, "all payloads");
      assertEquals(host.payloads, sent);
    }
  });
});

Deno.test("Links: what is sent as the link comes up is delivered, after the other's linkUp", async () => {
  await withEnds(async (make) => {
    const hosts = [new RecordingHost(), new RecordingHost()] as const;
    const listener = make(coordinator, { listen: 0, host: hosts[0] });
    const dialer = make(alice, { host: hosts[1] });
    hosts[0].onUp = (peer) => listener.links.send(peer, new Uint8Array([1]));
    hosts[1].onUp = (peer) => dialer.links.send(peer, new Uint8Array([2]));
    for (const host of hosts) host.onReceived = () => host.events.push("got");
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await hosts[0].event("got");
    await hosts[1].event("got");
    for (const host of hosts) {
      assertEquals(host.events.map((event) => event.split(" ")[0]), ["up", "got"]);
    }
  });
});

Deno.test("Links: two small frames from the acceptor do not wait for a delayed acknowledgement", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await listener.host.event("up");
    // The dialer's kernel delays acknowledgements as long as answers keep coming, so each second
    // frame is answered.
    dialer.host.onReceived = (peer, payload) => {
      if (payload[0] === 1) dialer.links.send(peer, payload);
    };
    const waitsMs: number[] = [];
    for (let round = 0; round < 60; round++) {
      listener.links.send("alice", new Uint8Array([0]));
      await pause(2);
      const startedMs = performance.now();
      const answered = new Promise<void>((resolve) => listener.host.onReceived = () => resolve());
      listener.links.send("alice", new Uint8Array([1]));
      await answered;
      waitsMs.push(performance.now() - startedMs);
    }
    const medianMs = waitsMs.sort((a, b) => a - b)[30] ?? Infinity;
    assert(medianMs < 20, `the second frame took ${medianMs} ms`);
  });
});

Deno.test("Links: without a link nothing is sent", async () => {
  await withEnds((make) => {
    assertEquals(make(alice).links.send("coordinator", new Uint8Array(1)), false);
    return Promise.resolve();
  });
});

Deno.test("Links: a node does not dial itself or a name that no node has", async () => {
  await withEnds((make) => {
    const { links } = make(alice);
    assertThrows(() => links.dial("alice", "participant", "127.0.0.1:1"), UsageError, "own name");
    assertThrows(() => links.dial("bob-", "participant", "127.0.0.1:1"), UsageError, "no node");
    return Promise.resolve();
  });
});

Deno.test("Links: a port in use is named", async () => {
  await withEnds((make) => {
    const { address } = make(coordinator, { listen: 0 });
    const { links } = make(bob);
    const at = parseDialable(address);
    assert(at !== undefined);
    assertThrows(() => links.listen(at), Error, `Cannot listen on "${address}"`);
    return Promise.resolve();
  });
});

Deno.test("Links: a peer that restarts is linked again, with one line while it is away", async () => {
  await withEnds(async (make) => {
    const first = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", first.address);
    await dialer.host.event("up");
    await first.links.close();
    await dialer.host.event("down coordinator: the other end closed it");
    await dialer.host.line("no link with");
    await pause(200);
    assertEquals(dialer.host.lines.length, 1);
    make(coordinator, { listen: Number(first.address.split(":")[1]) });
    await found(() => dialer.host.events.length === 3 || undefined, "a second link");
    assertEquals(dialer.host.events[2], "up coordinator coordinator");
  });
});

Deno.test("Links: a peer is found at its new address at once", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const limits = { reconnectMsMin: 60_000, reconnectMsMax: 60_000 };
    const dialer = make(alice, { limits });
    dialer.links.dial("coordinator", "coordinator", "nonsense");
    await dialer.host.line('"nonsense" is no HOST:PORT');
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up");
  });
});

Deno.test("Links: a link that is closed comes back, and each up has one down", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await listener.host.event("up");
    listener.links.closeLink("alice", "for the test");
    assertEquals(listener.links.send("alice", new Uint8Array(1)), false);
    await found(() => listener.host.events.length === 3 || undefined, "a second link");
    assertEquals(listener.host.events, [
      "up alice participant",
      "down alice: for the test",
      "up alice participant",
    ]);
  });
});

Deno.test("Links: hangUp() ends dialling, and a later dial() links again", async () => {
  await withEnds(async (make) => {
    const away = make(bob, { listen: 0 });
    await away.links.close();
    const dialer = make(alice);
    dialer.links.dial("bob", "participant", away.address);
    await dialer.host.line("no link with");
    dialer.links.hangUp("bob");
    const listener = make(bob, { listen: Number(away.address.split(":")[1]) });
    await pause(200);
    assertEquals(dialer.host.events.concat(listener.host.events), []);
    dialer.links.dial("bob", "participant", listener.address);
    await dialer.host.event("up bob");
  });
});

Deno.test("Links: hangUp() closes the link that came of dialling, at both ends", async () => {
  await withEnds(async (make) => {
    const listener = make(bob, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("bob", "participant", listener.address);
    await listener.host.event("up alice");
    await dialer.host.event("up bob");
    assert(dialer.links.send("bob", new Uint8Array(7)));
    dialer.links.hangUp("bob");
    await dialer.host.event("down bob: this node has nothing more to ask");
    await listener.host.event("down alice: the other end closed it");
    // What was sent before is written first.
    assertEquals(listener.host.payloads.map(({ length }) => length), [7]);
    await pause(200);
    assertEquals([dialer.host.events.length, listener.host.events.length], [2, 2]);
  });
});

Deno.test("Links: hangUp() leaves the link that the peer dialled", async () => {
  await withEnds(async (make) => {
    const peer = make(bob, { listen: 0 });
    const end = make(alice, { listen: 0 });
    peer.links.dial("alice", "participant", end.address);
    await end.host.event("up bob");
    await peer.host.event("up alice");
    end.links.dial("bob", "participant", peer.address);
    end.links.hangUp("bob");
    await pause(200);
    assertEquals(end.host.events, ["up bob participant"]);
    assert(end.links.send("bob", new Uint8Array(1)));
    await found(() => peer.host.payloads[0], "a payload");
  });
});

Deno.test("Links: dialled again at once after hangUp(), a name is linked and can be hung up again", async () => {
  await withEnds(async (make) => {
    const listener = make(bob, { listen: 0 });
    const dialer = make(alice);
    const upsAndDowns = ["up bob participant", "down bob: this node has nothing more to ask"];
    const dial = () => dialer.links.dial("bob", "participant", listener.address);
    dial();
    await dialer.host.event("up bob");
    dialer.links.hangUp("bob");
    dial();
    await found(() => dialer.host.events[2], "a second link");
    dialer.links.hangUp("bob");
    await found(() => dialer.host.events[3], "its end");
    await pause(200);
    assertEquals(dialer.host.events, [...upsAndDowns, ...upsAndDowns]);
  });
});

Deno.test("Links: hangUp() of a name that is not dialled is nothing", async () => {
  await withEnds(async (make) => {
    const listener = make(bob, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("bob", "participant", listener.address);
    await listener.host.event("up alice");
    listener.links.hangUp("alice");
    listener.links.hangUp("coordinator");
    await pause(100);
    assertEquals(dialer.host.events.length, 1);
  });
});

Deno.test("Links: an idle link is kept up by its heartbeat", async () => {
  await withEnds(async (make) => {
    const limits = { heartbeatIntervalMs: 20, silenceMsMax: 150 };
    const listener = make(coordinator, { listen: 0, limits });
    const dialer = make(alice, { limits });
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await dialer.host.event("up");
    await pause(500);
    assertEquals(dialer.host.events.length, 1);
    assertEquals(listener.host.events.length, 1);
  });
});

Deno.test("Links: a silent peer is noticed", async () => {
  await withEnds(async (make) => {
    const limits = { heartbeatIntervalMs: 20, silenceMsMax: 100 };
    const listener = make(coordinator, { listen: 0, limits });
    const raw = await RawEnd.dial(listener.address, "coordinator", alice);
    await raw.link(alice, coordinator);
    await listener.host.event("up alice");
    await listener.host.event("down alice: the other end was silent for more than 100 ms");
    raw.conn.close();
  });
});

Deno.test("Links: a peer that does not read loses its link when the queue is full", async () => {
  await withEnds(async (make) => {
    const limits = { linkQueueBytesMax: 1_000_000, silenceMsMax: 60_000 };
    const listener = make(coordinator, { listen: 0, limits });
    const raw = await RawEnd.dial(listener.address, "coordinator", alice);
    await raw.link(alice, coordinator);
    await listener.host.event("up alice");
    let sent = 0;
    while (listener.links.send("alice", new Uint8Array(payloadBytesMax))) {
      sent++;
      assert(sent < 10_000, "the queue has no bound");
      await pause(0);
    }
    assertEquals(listener.host.events.length, 1, "linkDown must not be called within send()");
    await listener.host.event("down alice: more than 1000000 bytes wait to be sent");
    raw.conn.close();
    // Deno 2.7 ends the blocked write only now that the other end is gone.
    await pause(300);
  });
});

Deno.test("Links: close() writes what is queued and tells the host of each link's end", async () => {
  await withEnds(async (make) => {
    const listener = make(coordinator, { listen: 0 });
    const dialer = make(alice);
    dialer.links.dial("coordinator", "coordinator", listener.address);
    await listener.host.event("up");
    for (let count = 0; count < 200; count++) listener.links.send("alice", new Uint8Array(1_000));
    await listener.links.close();
    assertEquals(listener.host.events, ["up alice participant", "down alice: this node stops"]);
    await dialer.host.event("down coordinator");
    assertEquals(dialer.host.payloads.length, 200);
    await listener.links.close();
  });
});

Deno.test("parseDialable() reads HOST:PORT and nothing else", () => {
  for (const text of ["127.0.0.1:7443", "[::1]:7443", "node.example:1"]) {
    const address = parseDialable(text);
    assert(address !== undefined);
    assertEquals(formatEndpoint(address), text);
  }
  for (
    const text of ["", "host", "host:", ":1", "host:0", "host:70000", "::1:1", "a b:1", "a@b:1"]
  ) {
    assertEquals(parseDialable(text), undefined, text);
  }
  assertStringIncludes(String(parseDialable("[::1]:1")?.hostname), "::1");
});
