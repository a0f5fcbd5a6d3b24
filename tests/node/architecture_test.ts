/** Imports point one way, and the protocol is pure. */

import { assert, assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);

/** What nearly all parts are made of. */
const plain = ["endpoint.ts", "names.ts", "limits.ts", "errors.ts"];

/** What each part of the source may import: parts, or single files of them. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "main.ts": ["cli"],
  // Commands speak of ids, amounts and refusals in the protocol's own words. Of links they have one look
  // from outside, of logs whether a process has their folder.
  cli: [
    ...["node", "http", "keys", "verify", "export", "simulation", "bench", "proof", "protocol"],
    ...["link/probe.ts", "log/folder_lock.ts", ...plain, "deno.json"],
  ],
  // Of links it has what both ends check of each other; the links themselves are its own.
  simulation: [
    ...[
      "node",
      "link/host.ts",
      "link/memory.ts",
      "link/refusal.ts",
      "log",
      "codec",
      "keys",
      "verify",
    ],
    ...["http/node_api.ts", "protocol", "bytes.ts", ...plain],
  ],
  bench: ["node", "http/node_api.ts", "keys", "protocol"],
  // Of http a node knows the interface that http owns, and where it is served.
  node: [
    ...["log", "link", "http/node_api.ts", "http/serve.ts", "keys", "codec", "protocol", "proof"],
    ...["sha256.ts", ...plain],
  ],
  verify: ["log", "keys", "codec", "protocol", "bytes.ts", ...plain],
  // It reads logs as verify does, and checks nothing but that they can be read.
  export: ["verify/data_folder.ts", "log", "codec", "protocol", "bytes.ts", ...plain],
  proof: ["keys", "codec", "protocol", "bytes.ts", "sha256.ts", ...plain],
  // It tells its own version.
  http: ["protocol", ...plain, "deno.json"],
  // Greetings carry a vector clock and come with an introduction, which links only pass on.
  link: ["keys", "protocol/vector_clock.ts", "protocol/message.ts", ...plain],
  log: ["codec", "protocol", "bytes.ts", "sha256.ts", ...plain],
  codec: ["protocol", "bytes.ts", "sha256.ts", ...plain],
  keys: ["bytes.ts", "sha256.ts", ...plain],
  protocol: [...plain],
  "bytes.ts": ["errors.ts"],
  "endpoint.ts": [],
  "names.ts": [],
  "sha256.ts": [],
  "limits.ts": ["errors.ts"],
  "errors.ts": [],
  // A program of its own, which makes the executable.
  "build.ts": ["errors.ts"],
  "std.d.ts": [],
};

/** What would make the same events lead to something else another time, or later. */
const impure =
  /\b(?:Deno|Date|Temporal|performance|crypto|globalThis|process|fetch|console|Math\.random|async|await|Promise|queueMicrotask|set(?:Timeout|Interval|Immediate))\b/g;

interface Source {
  /** From `src`, or `main.ts`. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** Files, by their path as above. */
  readonly imports: readonly string[];
  /** As written. */
  readonly packages: readonly string[];
}

const sources = await Array.fromAsync(walk(root, "main.ts", "src"));

Deno.test("every part of the source imports only what it may", () => {
  const wrong: string[] = [];
  for (const { path, imports } of sources) {
    const part = partOf(path);
    const may = allowed[part];
    assert(may, `${path} belongs to no part in the table: say what it may import`);
    for (const imported of imports) {
      if (partOf(imported) === part) continue;
      if (!may.includes(imported) && !may.includes(partOf(imported))) {
        wrong.push(`${path} imports ${imported}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("no two parts import each other, not even through others", () => {
  const edges = new Map<string, Set<string>>();
  for (const { path, imports } of sources) {
    const part = partOf(path);
    const targets = edges.get(part) ?? new Set();
    edges.set(part, targets);
    for (const imported of imports) {
      if (partOf(imported) !== part) targets.add(partOf(imported));
    }
  }
  // Parts that import nothing that is left are taken away until none is left.
  while (edges.size > 0) {
    const leaves = [...edges].filter(([, to]) => [...to].every((part) => !edges.has(part)));
    assert(leaves.length > 0, `a cycle among ${[...edges.keys()].join(", ")}`);
    for (const [part] of leaves) edges.delete(part);
  }
});

Deno.test("the protocol has no clock, no randomness, no input and no packages", () => {
  const faults: string[] = [];
  for (const { path, code, packages } of sources) {
    if (partOf(path) !== "protocol") continue;
    for (const [word] of code.replace(/"(?:\\.|[^"\\\n])*"/g, '""').matchAll(impure)) {
      faults.push(`${path} uses ${word}`);
    }
    for (const imported of packages) faults.push(`${path} imports ${imported}`);
  }
  assertEquals(faults, []);
});

Deno.test("the source is read as it is written", () => {
  const text = [
    'import type { A } from "./a.ts";',
    'import "reflect-metadata"; // import "./comment.ts"',
    'export {\n  b,\n} from "../b.ts";',
    'export * from "./c.ts";',
    'import page from "./page.html" with { type: "text" };',
    'const d = await import("./d.ts");',
    'type E = import("./e.ts").E;',
    '/* import "./comment.ts"; */ const url = "https://example.org"; Date.now();',
  ].join("\n");
  const code = withoutComments(text);
  assertEquals([...importsIn(code)], [
    ...["./a.ts", "reflect-metadata", "../b.ts", "./c.ts", "./page.html", "./d.ts", "./e.ts"],
  ]);
  assertEquals(code.match(impure), ["await", "Date"]);
  const files = sources.map(({ path }) => path);
  for (const path of ["main.ts", "node/loop.ts", "protocol/ledger.ts"]) {
    assert(files.includes(path), `${path} is not among the sources`);
  }
});

/** `http` of `http/page/script.js`, or the file where it stands alone. */
function partOf(path: string): string {
  return path.split("/")[0]!;
}

async function* walk(folder: URL, ...names: string[]): AsyncIterable<Source> {
  for (const name of names) {
    const url = new URL(name, folder);
    if ((await Deno.stat(url)).isDirectory) {
      const inside = await Array.fromAsync(Deno.readDir(url), (entry) => entry.name);
      yield* walk(new URL(`${url.href}/`), ...inside.toSorted());
    } else if (/\.(?:ts|tsx|js)$/.test(name)) {
      const code = withoutComments(await Deno.readTextFile(url));
      const imported = [...importsIn(code)];
      const isFile = (name: string) => name.startsWith(".");
      const imports = imported.filter(isFile).map((name) => pathOf(new URL(name, url)));
      const packages = imported.filter((name) => !isFile(name));
      yield { path: pathOf(url), code, imports, packages };
    }
  }
}

function pathOf(url: URL): string {
  return url.href.slice(root.href.length).replace(/^src\//, "");
}

/** Strings stay, as imports are told by them; comment marks within them are no comments. */
function withoutComments(text: string): string {
  const stringOrComment = /"(?:\\.|[^"\\\n])*"|\/\*[^]*?\*\/|\/\/[^\n]*/g;
  return text.replace(stringOrComment, (found) => found.startsWith('"') ? found : " ");
}

function* importsIn(code: string): Iterable<string> {
  const pattern = /\b(?:import|export)\b[^;"=]*?\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g;
  for (const [, from, plain] of code.matchAll(pattern)) yield from ?? plain!;
}
