/** Addresses as users and peers write them: `HOST:PORT`, `[IPV6]:PORT`. */

export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** The address in `text`, or nothing if it is none. Port 0 is none either: nobody can dial it. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):([0-9]{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return hostname !== undefined && port > 0 && port < 65_536 ? { hostname, port } : undefined;
}

export function formatAddress({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
