import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseArguments } from "../../src/cli/arguments.ts";
import { parseEndpoint } from "../../src/cli/values.ts";
import { record } from "./recorder.ts";

const long = "m".repeat(2_000);
const shown = `${"m".repeat(64)}…`;

const refused: readonly [line: string, said: string][] = [
  ["", "Usage:"],
  ["paly", "unknown command paly: did you mean pay?"],
  ["pya", "unknown command pya: did you mean pay?"],
  ["constructor", 'unknown command constructor: see "handfast help"'],
  ["--versoin", "did you mean --version?"],
  ["--verbose", 'unknown flag --verbose: see "handfast help"'],
  ["bal", "did you mean balance?"],
  ["verify_proof", "did you mean verify-proof?"],
  ["version", "did you mean --version?"],
  ["server", "a coordinator is run by: handfast --role=server"],
  ["client --name a", "a participant is run by: handfast --role=client --server"],
  ["start", "handfast --role=server, or handfast --role=client"],
  ["pay --verbose", 'unknown flag --verbose for "pay": see "handfast help pay"'],
  ["pay --curr USD", "did you mean --currency?"],
  ["pay --amout 5", 'unknown flag --amout for "pay": did you mean --amount?'],
  ["pay --__proto__=1 --to bob", "unknown flag --__proto__"],
  ["pay --to bob --constructor x", "unknown flag --constructor"],
  ["pay -x", "unknown flag -x"],
  ["pay --amount --to bob", "--amount needs a value"],
  ["pay --to= --amount 5", "--to needs a value"],
  ["pay --amount -5 --to bob", "--amount=AMOUNT"],
  ["pay --amount=-5 --to bob", '"-5" must be more than zero'],
  ["pay --amount 0.00 --to bob", "more than zero"],
  ["pay --amount 1e3 --to bob", '"1e3"'],
  ["pay --to bob --amount 1,000.00", '"1,000.00" is no decimal number such as 125.00: write it wi'],
  ["pay --to bob --amount 1,000", "write it without separators"],
  ["pay --to bob --amount 12,50", "write its decimals after a point"],
  ["pay --amount 5", "needs --to"],
  ["pay --to bob --to alice --amount 5", "--to was given 2 times, as bob and alice"],
  ["pay --to bob --amount 5 12", 'unexpected "12"'],
  ["pay --to Bob --amount 5", '--to "Bob"'],
  ["pay --to a@b@c --amount 5", '"a@b@c"'],
  ["pay --to bob --amount 5 --wait 61", '--wait "61"'],
  ["pay --to bob --amount 5 --wait ten", '--wait "ten"'],
  ["pay --to bob --amount 5 --id 42", '--id "42"'],
  [
    "pay --to bob --amount 5 --id 0190f5d0-7b1a-4c3e-9f00-3b6f2a1c4d5e",
    'c4d5e" is a UUID of version 4; payments need version 7',
  ],
  ["payment 0190f5d0-7b1a-1c3e-9f00-3b6f2a1c4d5e", "is a UUID of version 1; payments"],
  [
    `pay --to bob --amount 5 --memo ${"m".repeat(141)}`,
    "--memo has 141 characters, but may have 140",
  ],
  [`pay --to bob --amount 5 --memo ${long}`, "--memo has 2000 characters, but may have 140"],
  [
    `pay --to bob --amount 5 --memo ${long} --memo ${long}`,
    `--memo was given 2 times, as ${shown} and ${shown}: give it once`,
  ],
  [`pay --to bob --amount 5 --memo Rent ${long}`, `unexpected "${shown}" for "pay"`],
  [`pay --to ${long}@bob --amount 5`, `--to "${shown}" is no account`],
  [`pay --to bob --amount ${long}`, `--amount "${shown}" is no decimal number`],
  [`pay --to bob --amount 5 --json=${long}`, "not --json="],
  [`pay --to bob --${long}`, `unknown flag --${"m".repeat(62)}… for "pay"`],
  [`payment ${long}`, `ID "${shown}" is no payment id`],
  [`init --certs x --nodes ${long}`, `--nodes "${shown}" is no name`],
  [`erase 01926a3e-7d24-7c54-9a3b-52b1c3f8e6a1 --by ${long}`, `--by "${shown}" is no name`],
  [long, `unknown command ${shown}: see`],
  [`pay --to bob --amount 5 --reference ${"r".repeat(36)}`, "characters, but may have 35"],
  ["pay --to bob --amount 5 --memo a\u0007", "--memo must be one line without control characters"],
  ["pay --to bob --amount 5 --currency usd", '--currency "usd"'],
  ["pay --to bob --amount 5 --api http://x", "--token-file"],
  ["pay --json=no --to bob --amount 5", "--json takes no value"],
  ["pay --to bob --amount 5 --json false", "--json takes no value: leave out false"],
  ["readmit bob --yes true", "--yes takes no value: leave out true"],
  ["charge --to main --amount 5", "needs --issuer"],
  ["charge --issuer bob --to main@alice --amount 5", '--to "main@alice"'],
  ["charge --issuer bob --to main --amount 5 4111111111111111", "never given as an argument"],
  [
    "charge --issuer bob --to main --amount 5 --card 4111111111111111",
    "never given as an argument",
  ],
  ["charge --issuer bob --to main --amount 5 --cvv=123", "never given as an argument"],
  ["charge --isuer bob", "did you mean --issuer?"],
  ["card", '"card" needs add|list|remove'],
  ["card 4111111111111111", "add, list and remove"],
  ["card add", "needs --account"],
  ["card add 4111111111111111 --account main", "never given as an argument"],
  ["card add --number 4111111111111111 --account main", "never given as an argument"],
  ["card add --account main --id 5d1f0c9a7b3e", "takes no --id"],
  ["card list --account main", "takes no --account"],
  ["card remove 4111111111111111", "never given as an argument"],
  ["card list all", '"card" takes no more words: the usage is handfast card add'],
  ["card remove --id 4111111111111111", "no card's id"],
  ["payment", '"payment" needs ID'],
  ["payment 17", 'ID "17"'],
  ["readmit bob", "add --yes"],
  ["readmit bob --yes --by=a\nb", '--by "a\\nb" is no name: give 1 to 64 characters'],
  ["resolve", '"resolve" needs TRANSACTION'],
  ["resolve 17 --commit --yes", 'TRANSACTION "17" is no transaction id'],
  ["resolve 1-0123456789ab-7 --yes", "one of --commit and --abort, and neither was given"],
  ["resolve 1-0123456789ab-7 --commit --abort --yes", "--abort, and both were given"],
  ["resolve 1-0123456789ab-7 --abort", "different from the others: add --yes"],
  ["acknowledge 1-0123456789ab-7", "ends its alarm, whether it was put right or not: add --yes"],
  ["acknowledge bob --yes", 'TRANSACTION "bob"'],
  ["verify", "--data DIR"],
  ["help nosuch", "unknown command nosuch"],
  ["help pay pay", "unexpected"],
  ["--version now", 'unexpected "now"'],
  ["--name alice", "--role=server|client"],
  ["--role=boss", '--role "boss"'],
  ["--role=client", "needs --server HOST:PORT"],
  ["--role=client --server host", '--server "host"'],
  ["--role=client --server host:0", "port 0"],
  ["--role=server --server h:1", "--server is for --role=client"],
  ["--role=server --listen 10.0.0.1:70000", 'listen "10.0.0.1:70000": the port must be'],
  ["--role=server --listen ::1:80", "[::1]:7443"],
  ["--role=server --lisetn h:1", "did you mean --listen?"],
  ["--role=client --server h:1 --open main=5", "ACCOUNT=AMOUNT:CURRENCY"],
  ["--role=client --server h:1 --open equity=5:USD", "reserved"],
  ["--role=client --server h:1 --open a=5.5:JPY", '--open "5.5" has 1 decimal, but JPY has none'],
  ["--role=client --server h:1 --open a=5.555:USD", '"5.555" has 3 decimals, but USD has 2'],
  ["--role=client --server h:1 --open a=x:USD", '--open "x" is no decimal number'],
  [
    "--role=client --server h:1 --open a=10000000000000.01:USD",
    "is out of range: at most 10000000000000.00 USD",
  ],
  [
    `--role=client --server h:1 --open a=${"9".repeat(40)}:JPY`,
    "is out of range: at most 1000000000000000 JPY",
  ],
  ["--role=client --server h:1 --open a=1:USD --open a=2:USD", '"a" twice'],
  ["--role=server --log-level loud", "error, warn, info, debug"],
  ["init --certs c", "needs --nodes"],
  ["init --certs c --nodes a,,b", '--nodes ""'],
  ["init --certs c --nodes a,a", '"a" twice'],
  ["init --certs c --ca-only --nodes a", "--nodes is for nodes"],
  ["init --certs c --ca-only --force", "replaces no CA"],
  ["csr --role client", "needs --name NAME"],
  ["csr --name a --role boss", '--role "boss"'],
  ["csr --name a --role client --hosts a,,b", "empty name"],
  ["sign", '"sign" needs FILE'],
  ["log-key", '"log-key" needs FILE'],
  ["log-key a b", 'unexpected "b"'],
  ["log-key -", "a key is secret, and written to a file only"],
  ["verify --data /nowhere --log-key /nowhere", 'no log key "/nowhere"'],
  ["sign /nowhere/a.csr --certs /nowhere", "no such file"],
  ["payments --limit 0", '--limit "0"'],
  ["payments --limit 10001", "from 1 to 10000"],
  ["payments --account Main", '--account "Main"'],
  ["completions", '"completions" needs bash|zsh|fish'],
  ["completions tcsh", '"tcsh" is unknown: give one of bash, zsh, fish'],
  ["doctor --server host", '--server "host"'],
  ["--role=client --server h:1 --advertise h:0", "peers cannot dial port 0"],
  ["init --certs c --nodes a,b --coordinator c", '--coordinator "c"'],
];

for (const [line, said] of refused) {
  Deno.test(`handfast ${line.replaceAll(long, "LONG")} exits 2 and says ${said}`, async () => {
    const { exit, out, err } = await record(...line.split(" ").filter((word) => word !== ""));
    assertStringIncludes(err.join("\n"), said);
    assertEquals([exit, out.length], [2, 0]);
    assert(!err.join("\n").includes(long));
  });
}

for (
  const line of [
    "help",
    "--help",
    "-h",
    "help help",
    "help --help",
    "help pay",
    "pay --help",
    "pay --to -h",
    "--role=server -h",
  ]
) {
  Deno.test(`handfast ${line} prints help on stdout`, async () => {
    const { exit, out, err } = await record(...line.split(" "));
    assertStringIncludes(out.join("\n"), "Usage:");
    assertEquals([exit, err.length], [0, 0]);
  });
}

Deno.test("--version prints name and version", async () => {
  assertEquals((await record("--version")).out, ["handfast 0.1.0"]);
});

Deno.test("parseArguments() keeps what looks like a number as typed", () => {
  const args = parseArguments(["--x", "007.10", "0x1f", "--many=1", "--many", "02"], {
    name: "test",
    usage: ["test A"],
    positionals: ["A"],
    flags: [
      { name: "x", value: "X", help: "" },
      { name: "many", value: "M", repeats: true, help: "" },
    ],
  });
  assertEquals([args.text("x"), args.positional("A"), args.all("many")], ["007.10", "0x1f", [
    "1",
    "02",
  ]]);
});

Deno.test("parseEndpoint() takes an IPv6 address in brackets", () => {
  assertEquals(parseEndpoint("[::1]:7443", "--listen"), { hostname: "::1", port: 7443 });
  assertEquals(parseEndpoint("localhost:0", "--listen"), { hostname: "localhost", port: 0 });
});
