import { messageOf, UsageError } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import { isOfCa, readAuthority } from "../keys/certificate.ts";
import type { Flag } from "./command.ts";

/** For what is checked offline, by a certificate that did not come with it. */
export const caFlag: Flag = {
  name: "ca",
  value: "FILE",
  help: "the CA's certificate, from somebody you trust",
};

export async function readCa(path: string): Promise<Authority> {
  let pem;
  try {
    pem = await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`Cannot read "${path}": ${messageOf(error)}`);
  }
  let authority;
  try {
    authority = readAuthority(pem);
  } catch (error) {
    throw new UsageError(`--ca "${path}" is no certificate: ${messageOf(error)}`);
  }
  if (isOfCa(authority.certificate)) return authority;
  throw new UsageError(`--ca "${path}" is the certificate of a node: name that of its CA, ca.pem`);
}
