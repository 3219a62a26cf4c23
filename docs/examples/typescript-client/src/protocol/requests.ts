/** The bytes of requests: text, text with an archive in base64, and the binary exchange. */
import { crc32 } from "./crc32.js";

const LINE_END = "\x03";
const ALL_END = "\x04";
const BASE64_BLOCK = 3 * 256 * 1024;

/** A text request. */
export function textRequest(envelope: string): Buffer {
  return Buffer.from(`${envelope}${LINE_END}${ALL_END}`, "ascii");
}

/** A text request in which the archive stands in base64 where the mark is (releases 2.3 and 2.4). */
export async function* inlineRequest(
  envelope: string,
  mark: string,
  archive: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const place = envelope.indexOf(mark);
  yield Buffer.from(envelope.slice(0, place), "ascii");
  let held: Buffer = Buffer.alloc(0);
  for await (const block of archive) {
    held = held.length > 0 ? Buffer.concat([held, block]) : block;
    const whole = held.length - (held.length % BASE64_BLOCK);
    if (whole > 0) {
      yield Buffer.from(held.subarray(0, whole).toString("base64"), "ascii");
      held = held.subarray(whole);
    }
  }
  yield Buffer.from(held.toString("base64") + envelope.slice(place + mark.length), "ascii");
  yield Buffer.from(`${LINE_END}${ALL_END}`, "ascii");
}

/** A binary exchange with the archive as body (releases 2.5 and 2.6). */
export async function* exchangeRequest(
  envelope: string,
  archive: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt8(1, 0);
  header.writeUInt32BE(Buffer.byteLength(envelope, "ascii"), 1);
  header.writeBigUInt64BE(BigInt(size), 5);
  yield Buffer.concat([header, Buffer.from(envelope, "ascii")]);
  let checksum = 0;
  for await (const block of archive) {
    checksum = crc32(block, checksum);
    yield block;
  }
  const footer = Buffer.alloc(8);
  footer.writeUInt32BE(checksum, 4);
  yield footer;
}

/** Join words to a command line; those that hold white space are quoted. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(" ");
}
