/** CRC-32 as zip and the file transfers use it. Newer Nodes have one in zlib; this one runs on all of 20. */

const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/** The checksum of more bytes, on top of that of those before them. */
export function crc32(data: Uint8Array, before = 0): number {
  let value = ~before >>> 0;
  for (const byte of data) {
    value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
  }
  return ~value >>> 0;
}
