/** Return `bytes` random bytes as hex digits, never all zero: W3C Trace Context calls such an id invalid. */
export function randomHex(bytes: number): string {
  // Not crypto.randomUUID, which a page served over plain http does not have.
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  if (random.every((byte) => byte === 0)) random[bytes - 1] = 1;
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
