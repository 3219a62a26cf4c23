/**
 * The envelope: the JSON object that every request and reply is, a list of typed items and a meta.
 */
import { ProtocolError } from "./errors.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Meta = Readonly<Record<string, Json>>;

const TEXT_TYPES = ["string", "success", "error", "dict", "command", "token", "shutdown"] as const;

export type TextType = (typeof TEXT_TYPES)[number];

/** One item; a table has rows, every other type text or an object. */
export type Item =
  | { readonly type: TextType; readonly data: string | { [key: string]: Json } }
  | { readonly type: "table"; readonly rows: Json[][] };

export interface Envelope {
  readonly items: readonly Item[];
  readonly meta: Meta;
  /** Whether the message carried a meta that holds something. */
  readonly hasMeta: boolean;
}

/** Levels of nesting that are read; real ones have about six. */
const MAX_DEPTH = 64;

export function isObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The request for a command line, as one JSON text in ASCII: official servers decode block by block. */
export function requestText(line: string, token: string | undefined, meta: Meta = {}, time = new Date()): string {
  const data = [{ type: "command", data: line }, ...(token === undefined ? [] : [{ type: "token", data: token }])];
  return ascii(JSON.stringify({ time: localTime(time), data, meta }));
}

function ascii(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const micros = `${String(time.getMilliseconds()).padStart(3, "0")}000`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${micros}`;
}

/**
 * Read an envelope; one invalid item makes the whole message invalid, as on both official sides.
 *
 * @throws ProtocolError the text is no envelope
 */
export function readEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError(`expected a JSON document, but got ${JSON.stringify(text.slice(0, 60))}`);
  }
  if (depth(value) > MAX_DEPTH) {
    throw new ProtocolError(`expected JSON nested at most ${MAX_DEPTH} deep`);
  }
  if (!isObject(value) || !Array.isArray(value["data"])) {
    throw new ProtocolError("expected a JSON object with the list data");
  }
  const meta = value["meta"];
  const found = isObject(meta) ? meta : {};
  return { items: value["data"].map(readItem), meta: found, hasMeta: Object.keys(found).length > 0 };
}

/** How deep a value is nested, looked at a level at a time so that no depth ends the stack. */
function depth(value: unknown): number {
  let layer = [value];
  let levels = 0;
  for (; layer.length > 0 && levels <= MAX_DEPTH + 1; levels++) {
    layer = layer.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return levels - 1;
}

function readItem(value: Json): Item {
  if (!isObject(value)) {
    throw new ProtocolError("expected an item to be an object");
  }
  const { type, data, rows } = value;
  if (type === "table") {
    if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row))) {
      throw new ProtocolError("expected the rows of a table to be a list of lists");
    }
    return { type, rows: rows as Json[][] };
  }
  const known = TEXT_TYPES.find((one) => one === type);
  if (known === undefined) {
    throw new ProtocolError(`expected an item of a known type, but got ${JSON.stringify(type)?.slice(0, 80)}`);
  }
  if (typeof data !== "string" && !isObject(data)) {
    throw new ProtocolError(`expected the data of a ${known} item to be text or an object`);
  }
  return { type: known, data };
}

/** The data of the first item of a type. */
export function first(envelope: Envelope, type: TextType): string | { [key: string]: Json } | undefined {
  const found = envelope.items.find((item) => item.type === type);
  return found === undefined || found.type === "table" ? undefined : found.data;
}

/** The texts of every item of some types. */
export function texts(items: readonly Item[], ...types: TextType[]): string[] {
  return items.flatMap((item) =>
    item.type !== "table" && types.includes(item.type) && typeof item.data === "string" ? [item.data] : [],
  );
}
