/**
 * The answer on one connection: bytes in, events out. Nothing here reads a socket.
 *
 * A connection carries one request and one answer: a text reply, or for a file of a download chunked frames (2.4) or a
 * binary exchange (2.5, 2.6). A server that has no file to give answers with text all the same, so the first byte
 * decides.
 */
import { crc32 } from "./crc32.js";
import { readEnvelope, type Envelope } from "./envelope.js";
import { NoText, ProtocolError } from "./errors.js";

export type AnswerForm = "reply" | "chunked" | "exchange";

export type AnswerEvent =
  | { readonly kind: "reply"; readonly envelope: Envelope | undefined }
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "end" };

const LINE_END = 0x03;
const ALL_END = 0x04;
const EXCHANGE_MARKER = 0x01;
const DATA_MARKER = 101;
const END_MARKER = 102;
const CHUNK_SIZE = 1024 * 1024;
const MAX_TEXT = 256 * 1024 * 1024;
const MAX_META = 1024 * 1024;
const MAX_BODY = 16 * 1024 ** 3;

interface Reader {
  readonly complete: boolean;
  feed(data: Buffer): AnswerEvent[];
}

/** Reads the one answer on a connection. */
export class Answer {
  #reader: Reader | undefined;

  constructor(private readonly form: AnswerForm = "reply") {}

  /** Whether the whole answer came. */
  get complete(): boolean {
    return this.#reader?.complete ?? false;
  }

  /**
   * Take more bytes.
   *
   * @throws ProtocolError they break a rule of the wire
   */
  receive(data: Buffer): AnswerEvent[] {
    if (data.length === 0 || this.complete) {
      return [];
    }
    this.#reader ??= this.#choose(data[0] ?? 0);
    return this.#reader.feed(data);
  }

  /**
   * Take the end of the server's bytes.
   *
   * @throws ProtocolError the answer was not complete
   */
  receiveEnd(): void {
    if (!this.complete) {
      const came = this.#reader === undefined ? "nothing" : "only a part of the answer";
      throw new ProtocolError(`expected an answer, but the server closed the connection after ${came}`);
    }
  }

  #choose(firstByte: number): Reader {
    if (this.form === "chunked" && (firstByte === DATA_MARKER || firstByte === END_MARKER)) {
      return new ChunkReader();
    }
    return this.form === "exchange" && firstByte === EXCHANGE_MARKER ? new ExchangeReader() : new TextReader();
  }
}

class TextReader implements Reader {
  complete = false;
  #blocks: Buffer[] = [];
  #size = 0;

  feed(data: Buffer): AnswerEvent[] {
    const end = data.indexOf(ALL_END);
    const block = end < 0 ? data : data.subarray(0, end);
    this.#size += block.length;
    if (this.#size > MAX_TEXT) {
      throw new ProtocolError(`expected at most ${MAX_TEXT} bytes of text`);
    }
    this.#blocks.push(block);
    if (end < 0) {
      return [];
    }
    this.complete = true;
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(this.#blocks));
    } catch {
      throw new NoText("expected UTF-8 text");
    }
    return [{ kind: "reply", envelope: readLines(text) }];
  }
}

/** Read a reply line by line: the last line counts, and the meta of an earlier one where it has none. */
function readLines(text: string): Envelope | undefined {
  let result: Envelope | undefined;
  for (const line of text.split(String.fromCharCode(LINE_END))) {
    if (line.trim() !== "") {
      const envelope = readEnvelope(line);
      result = result && !envelope.hasMeta ? { ...result, items: envelope.items } : envelope;
    }
  }
  return result;
}

/** Collects pieces of known sizes; what is left of a block is the rest of the body or of the next piece. */
abstract class PieceReader implements Reader {
  complete = false;
  protected wanted: number;
  protected bodyLeft = 0;
  protected checksum = 0;
  #held: Buffer = Buffer.alloc(0);

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  feed(data: Buffer): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    let rest = data;
    while (rest.length > 0 && !this.complete) {
      if (this.bodyLeft > 0) {
        const block = rest.subarray(0, this.bodyLeft);
        rest = rest.subarray(block.length);
        this.bodyLeft -= block.length;
        this.checksum = crc32(block, this.checksum);
        events.push({ kind: "data", data: block });
        continue;
      }
      const part = rest.subarray(0, this.wanted - this.#held.length);
      rest = rest.subarray(part.length);
      this.#held = Buffer.concat([this.#held, part]);
      if (this.#held.length === this.wanted) {
        const piece = this.#held;
        this.#held = Buffer.alloc(0);
        this.take(piece);
      }
    }
    return this.complete ? [...events, { kind: "end" }] : events;
  }

  /** Take a piece that is whole, and say what is wanted next. */
  protected abstract take(piece: Buffer): void;

  protected check(checksum: number): void {
    if (checksum !== this.checksum) {
      throw new ProtocolError(`expected the checksum ${this.checksum} of the file, but got ${checksum}`);
    }
    this.complete = true;
  }
}

/** Release 2.4: `101, number, size` and so many bytes, in the end `102, 0, CRC-32`. */
class ChunkReader extends PieceReader {
  #number = 0;
  #size = 0;

  constructor() {
    super(9);
  }

  protected take(piece: Buffer): void {
    const [marker, number, value] = [piece.readUInt8(0), piece.readUInt32BE(1), piece.readUInt32BE(5)];
    if (marker === END_MARKER && number === 0) {
      this.check(value);
      return;
    }
    this.#number += 1;
    this.#size += value;
    if (marker !== DATA_MARKER || number !== this.#number || value > CHUNK_SIZE || this.#size > MAX_BODY) {
      throw new ProtocolError(`expected frame ${this.#number}, but got marker ${marker}, number ${number}, size ${value}`);
    }
    this.bodyLeft = value;
  }
}

/** Releases 2.5 and 2.6: `1, u32 size of the meta, u64 size of the body`, meta, body, four zeros, CRC-32. */
class ExchangeReader extends PieceReader {
  #next: "header" | "meta" | "footer" = "header";
  #bodySize = 0;

  constructor() {
    super(13);
  }

  protected take(piece: Buffer): void {
    if (this.#next === "header") {
      const metaSize = piece.readUInt32BE(1);
      const bodySize = piece.readBigUInt64BE(5);
      if (metaSize > MAX_META || bodySize > MAX_BODY) {
        throw new ProtocolError(`expected a file of at most ${MAX_BODY} bytes, but got ${metaSize} and ${bodySize}`);
      }
      this.#bodySize = Number(bodySize);
      if (metaSize > 0) {
        this.#next = "meta";
        this.wanted = metaSize;
        return;
      }
    }
    if (this.#next !== "footer") {
      this.#next = "footer";
      this.bodyLeft = this.#bodySize;
      this.wanted = 8;
      return;
    }
    if (piece.readUInt32BE(0) !== 0) {
      throw new ProtocolError("expected four zero bytes after the body");
    }
    this.check(piece.readUInt32BE(4));
  }
}
