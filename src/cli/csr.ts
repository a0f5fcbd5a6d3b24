import { UsageError } from "../errors.ts";
import { hostsOf } from "../keys/certificate.ts";
import { readCertificate } from "../keys/folder.ts";
import { makeRequest } from "../keys/request.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { hostsIn } from "./init.ts";
import { keptKeys, keptText, ownKeyNotes } from "./own_key_notes.ts";
import { parseChoice, parseName } from "./values.ts";

export const csr: Command = {
  name: "csr",
  summary: "make a node's own key, and a request for the CA's owner to sign",
  usage: [
    "csr --name NAME --role client|server",
    "csr --name NAME --role client|server --renew [--hosts HOSTS]",
  ],
  flags: [
    { name: "name", value: "NAME", help: "the node's name" },
    { name: "role", value: "client|server", help: "participant or coordinator" },
    { name: "certs", value: "DIR", help: "folder to write to (default: certs)" },
    { name: "hosts", value: "HOSTS", help: "names and addresses for HTTPS, separated by commas" },
    { name: "renew", help: "another request for the key that is there, with its hosts or others" },
    { name: "force", help: "replace a key and request of that name" },
    jsonFlag,
  ],
  notes: ownKeyNotes,
  run: async (args, io) => {
    const dir = args.text("certs") ?? "certs";
    const name = parseName(args.required("name"), "--name");
    const flag = parseChoice(args.required("role"), ["client", "server"], "--role");
    const role = flag === "server" ? "coordinator" : "participant";
    const renew = args.is("renew");
    const force = args.is("force");
    if (renew && force) {
      throw new UsageError("--renew keeps the key that --force replaces: leave out either");
    }
    const hosts = await hostsWanted(args.text("hosts"), renew, dir, name);
    const { keyPath, requestPath, ownKeyPaths, fingerprint } = await makeRequest({
      ...{ dir, name, role, hosts, force, renew },
    });
    const kept = force ? keptKeys(dir, [name], ownKeyPaths) : [];
    if (args.is("json")) {
      const made = { name, role, hosts, key: keyPath, request: requestPath, fingerprint };
      const written = [...renew ? [] : [keyPath], requestPath, ...ownKeyPaths];
      io.out(JSON.stringify({ ...made, written, kept }));
      return exitCode.done;
    }
    if (renew) io.out(`made ${requestPath}, for the key in ${keyPath}, which stays`);
    else io.out(`made ${keyPath}, which never leaves this machine, and ${requestPath}`);
    for (const path of ownKeyPaths) io.out(`made ${path}, which stays here too`);
    if (kept.length > 0) io.out(keptText(kept));
    io.out(`key fingerprint: ${fingerprint}`);
    io.out("next:");
    io.out(`  1. send ${requestPath} to the owner of the network's CA, who runs`);
    io.out(`       handfast sign ${name}.csr --certs DIR`);
    io.out("     and compares the fingerprint with the one above, told by another way");
    io.out(
      `  2. put the ${name}.pem and ca.pem that come back into ${dir}, and ca.crl, where there is one`,
    );
    if (renew) {
      io.out("  3. stop the node and start it again");
      return exitCode.done;
    }
    const more = role === "participant" ? " --server HOST:PORT" : " --listen HOST:PORT";
    io.out(`  3. handfast --role=${flag} --certs ${dir} --name ${name}${more}`);
    if (role === "coordinator") return exitCode.done;
    io.out("     and --server-name NAME, where the coordinator has another name than that;");
    io.out(
      "     where the others are on other machines, --listen 0.0.0.0:PORT --advertise HOST:PORT,",
    );
    io.out("     as they ask this node while the coordinator is away");
    return exitCode.done;
  },
};

/** Of a renewal, where none are given, those of the certificate that it is for. */
async function hostsWanted(
  text: string | undefined,
  renew: boolean,
  dir: string,
  name: string,
): Promise<string[]> {
  const before = renew && text === undefined && await readCertificate(`${dir}/${name}.pem`);
  return before ? hostsOf(before).filter((host) => host !== name) : hostsIn(text);
}
