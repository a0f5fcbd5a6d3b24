import { exists } from "../keys/folder.ts";
import { readRequest } from "../keys/request.ts";
import { revocationPath } from "../keys/revocations.ts";
import { checkRequest, signRequest } from "../keys/sign.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { timeText } from "./times.ts";

export const sign: Command = {
  name: "sign",
  summary: "sign a node's request, as the owner of the network's CA",
  usage: ["sign FILE --certs DIR [--yes]"],
  positionals: ["FILE"],
  flags: [
    { name: "certs", value: "DIR", help: "folder of the CA, and of what it has signed" },
    { name: "yes", help: "do not ask at a terminal" },
    { name: "force", help: "sign for another key or role than the name has so far" },
    jsonFlag,
  ],
  run: async (args, io) => {
    const file = args.positional("FILE");
    const dir = args.required("certs");
    const request = await readRequest(file);
    const options = { dir, request, force: args.is("force") };
    const standing = await checkRequest(options);

    const { name, role, hosts, fingerprint } = request;
    const say = args.is("json") ? io.err : io.out;
    const before = standing === "renewal" ? `, in place of the one that ${name} has` : "";
    say(`${file} asks for a certificate${before}:`);
    say(`  name         ${name}`);
    say(`  role         ${role}`);
    say(`  hosts        ${hosts.length === 0 ? "none" : hosts.join(", ")}`);
    say(`  fingerprint  ${fingerprint}`);
    // Where nobody can be asked, whoever has named the file has decided.
    const isAsked = io.isTerminal && !args.is("yes");
    if (isAsked && !io.confirm(`Does ${name}'s owner confirm this fingerprint, and may it join?`)) {
      io.err("handfast: not signed");
      return exitCode.failed;
    }
    const { path, expiresMs } = await signRequest(options);
    if (args.is("json")) {
      const expires = new Date(expiresMs).toISOString();
      io.out(JSON.stringify({ name, role, hosts, fingerprint, certificate: path, expires }));
      return exitCode.done;
    }
    io.out(`signed ${path}, valid until ${timeText(expiresMs)}`);
    const list = revocationPath(dir);
    const files = [path, `${dir}/ca.pem`, ...await exists(list) ? [list] : []];
    io.out(`send back to ${name}'s owner: ${files.join(" and ")} (not secret)`);
    return exitCode.done;
  },
};
