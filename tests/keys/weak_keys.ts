/** Keys made from raw bytes, and public keys that nobody may use. */

const prime = 2n ** 255n - 19n;

/** Little-endian, as Curve25519 has it. */
export function rawOf(value: bigint): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint8Array.fromHex(value.toString(16).padStart(64, "0")).toReversed());
}

function inverse(value: bigint): bigint {
  return power(value, prime - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (base %= prime; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = result * base % prime;
    base = base * base % prime;
  }
  return result;
}

const mod = (value: bigint) => (value % prime + prime) % prime;
const rootOfMinusOne = power(2n, (prime - 1n) / 4n);

/** y of a point of order 8: twice it is one of order 4, whose y is 0, so x² = -y². */
function orderEightY(): bigint {
  const d = mod(-121665n * inverse(121666n));
  // -x² + y² = 1 + d x² y² becomes d y⁴ + 2 y² - 1 = 0.
  const root = squareRoot(mod(1n + d))!;
  for (const sign of [root, prime - root]) {
    const y = squareRoot(mod((sign - 1n) * inverse(d)));
    if (y !== undefined) return y;
  }
  throw new Error("no point of order 8");
}

/** RFC 8032, 5.1.3. */
function squareRoot(value: bigint): bigint | undefined {
  const root = power(value, (prime + 3n) / 8n);
  return [root, mod(root * rootOfMinusOne)].find((one) => one * one % prime === value);
}

const y8 = orderEightY();
const smallOrderY = [0n, 1n, prime - 1n, y8, prime - y8];
/** u = (1 + y) / (1 - y) (RFC 7748, 4.1); the neutral element has none and is taken for 0. */
const smallOrderU = smallOrderY.map((y) => y === 1n ? 0n : mod((1n + y) * inverse(mod(1n - y))));

const signBit = 2n ** 255n;
/** All encodings of points of small order, the canonical ones first. */
export const smallOrderSigningKeys = [...smallOrderY, prime, prime + 1n]
  .flatMap((y) => [rawOf(y), rawOf(y + signBit)]);
export const smallOrderSealingKeys = [...new Set([...smallOrderU, 1n, prime - 1n])].map(rawOf);
/** Second encodings, which X25519 takes for other keys (RFC 7748, 5). */
export const secondSealingKeys = [prime, prime + 1n, prime + 9n, 9n + signBit, 2n ** 256n - 1n]
  .map(rawOf);

/** A private key from its 32 raw bytes (RFC 8410, 7). */
export function x25519Pem(raw: Uint8Array): string {
  return pem("302e020100300506032b656e04220420", raw);
}

export function ed25519Pem(raw: Uint8Array): string {
  return pem("302e020100300506032b657004220420", raw);
}

function pem(prefix: string, raw: Uint8Array): string {
  const der = new Uint8Array([...Uint8Array.fromHex(prefix), ...raw]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toBase64()}\n-----END PRIVATE KEY-----\n`;
}
