import { type Revocable, revocable, revoke as revokeIn } from "../keys/revoke.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { isAgreed } from "./operator.ts";
import { timeText } from "./times.ts";
import { parseName } from "./values.ts";

export const revoke: Command = {
  name: "revoke",
  summary: "end a node's certificates, as the owner of the network's CA",
  usage: ["revoke NAME --certs DIR --yes"],
  positionals: ["NAME"],
  flags: [
    { name: "certs", value: "DIR", help: "folder of the CA, and of what it has signed" },
    { name: "yes", help: "do it without asking" },
    jsonFlag,
  ],
  notes: [
    "For a key that somebody else may have, or a node that is to leave: all certificates signed for",
    "the name so far count no more, and nothing brings them back. It writes DIR/ca.crl, which belongs",
    "beside ca.pem on every node. What the name gets signed afterwards counts.",
  ],
  run: async (args, io) => {
    const name = parseName(args.positional("NAME"), "NAME");
    const dir = args.required("certs");
    const { certificates: counting, isNoted } = await revocable({ dir, name });
    if (!isNoted) {
      io.err(
        `handfast: ${dir}/ca.issued has none of ${name}, so certificates of it that a renewal has replaced are ` +
          "not known, and go on to count",
      );
    }
    const ask = () => {
      io.err(`certificates of ${name} that count:`);
      counting.map(line).forEach((text) => io.err(text));
      return `End ${counting.length === 1 ? "it" : `all ${counting.length}`} for good?`;
    };
    const risk = `"${name}" takes no part with the certificates it has, ever again`;
    if (!await isAgreed(args, io, risk, ask)) return exitCode.failed;
    const { certificates, path, number } = await revokeIn({ dir, name });
    if (args.is("json")) {
      const revoked = certificates.map(({ serialNumber, fingerprint, expiresMs }) => ({
        serial: serialNumber,
        fingerprint,
        expires: new Date(expiresMs).toISOString(),
      }));
      io.out(JSON.stringify({ name, revoked, list: path, number }));
      return exitCode.done;
    }
    const { length } = certificates;
    io.out(`revoked ${length} ${length === 1 ? "certificate" : "certificates"} of ${name}:`);
    certificates.map(line).forEach((text) => io.out(text));
    io.out(`wrote ${path}, the CA's list ${number}. It is no secret; next:`);
    io.out(
      "  1. give it to the owner of every node, the coordinator's first: beside ca.pem a node that",
    );
    io.out("     runs reads it within seconds");
    io.out(
      `  2. where ${name} is to take part again, its owner moves ${name}.*key away, and makes others:`,
    );
    io.out(`       handfast csr --name ${name} --role client|server --force`);
    return exitCode.done;
  },
};

function line({ fingerprint, expiresMs }: Revocable): string {
  return `  key ${fingerprint}, valid until ${timeText(expiresMs)}`;
}
