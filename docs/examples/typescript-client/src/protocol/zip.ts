/**
 * Zip, as far as job definitions and results need it: records as bytes, and what an archive may hold. No disk here.
 *
 * Written archives store their files; read ones store or deflate. ZIP64 is refused: no archive over 4 GiB.
 */
import { ProtocolError } from "./errors.js";

export interface ZipEntry {
  /** With `/` at the end where it is a folder. */
  readonly name: string;
  readonly checksum: number;
  readonly size: number;
  readonly mode: number;
  readonly modified: Date;
}

export interface ZipMember {
  readonly path: string;
  readonly isFolder: boolean;
  readonly method: number;
  readonly checksum: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Of the local header, from the begin of the zip. */
  readonly offset: number;
}

export const STORED = 0;
export const DEFLATED = 8;
export const LOCAL_HEADER_SIZE = 30;
/** Bytes at the end of a file in which its directory is announced: the record and the longest comment. */
export const TAIL_SIZE = 22 + 0xffff;

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8_NAMES = 0x0800;
const ENCRYPTED = 0x0001;
const MAX_U32 = 0xffffffff;
const MAX_ENTRIES = 0xffff;
const FOLDER_MODE = 0o040000;
const FILE_MODE = 0o100000;
const KIND = 0o170000;
const MIB = 1024 * 1024;

/** How many bytes an archive may unfold to. */
export function allowance(archiveSize: number): number {
  return Math.max(512 * MIB, archiveSize * 200);
}

function dosTime(time: Date): [number, number] {
  const year = Math.max(1980, time.getFullYear());
  const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
  return [clock, ((year - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate()];
}

function common(entry: ZipEntry, name: Buffer): Buffer {
  if (entry.size >= MAX_U32) {
    throw new ProtocolError(`expected files below 4 GiB, but ${entry.name} has ${entry.size} bytes`);
  }
  const [clock, date] = dosTime(entry.modified);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(UTF8_NAMES, 2);
  fields.writeUInt16LE(STORED, 4);
  fields.writeUInt16LE(clock, 6);
  fields.writeUInt16LE(date, 8);
  fields.writeUInt32LE(entry.checksum, 10);
  fields.writeUInt32LE(entry.size, 14);
  fields.writeUInt32LE(entry.size, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

/** What stands before the content of a file. */
export function localRecord(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name, "utf-8");
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(LOCAL);
  return Buffer.concat([mark, common(entry, name), name]);
}

/** What stands in the directory of the archive. */
export function centralRecord(entry: ZipEntry, offset: number): Buffer {
  const name = Buffer.from(entry.name, "utf-8");
  const head = Buffer.alloc(6);
  head.writeUInt32LE(CENTRAL, 0);
  head.writeUInt16LE((3 << 8) | 20, 4); // made by Unix: the mode counts
  const tail = Buffer.alloc(14);
  const isFolder = entry.name.endsWith("/");
  tail.writeUInt32LE((((entry.mode & 0o7777) | (isFolder ? FOLDER_MODE : FILE_MODE)) * 0x10000 + (isFolder ? 0x10 : 0)) >>> 0, 6);
  tail.writeUInt32LE(offset, 10);
  return Buffer.concat([head, common(entry, name), tail, name]);
}

/** The end of the archive. */
export function endRecord(entries: number, size: number, offset: number): Buffer {
  if (entries > MAX_ENTRIES || offset + size >= MAX_U32) {
    throw new ProtocolError(`expected at most ${MAX_ENTRIES} files and 4 GiB, but got ${entries} and ${offset} bytes`);
  }
  const record = Buffer.alloc(22);
  record.writeUInt32LE(END, 0);
  record.writeUInt16LE(entries, 8);
  record.writeUInt16LE(entries, 10);
  record.writeUInt32LE(size, 12);
  record.writeUInt32LE(offset, 16);
  return record;
}

export interface Directory {
  readonly entries: number;
  readonly size: number;
  /** Of the directory in the file. */
  readonly offset: number;
  /** Of the zip in the file: release 2.4 wraps a zip into something else. */
  readonly start: number;
}

/**
 * Find the directory of an archive in the end of its file. Something may stand before and after the zip.
 *
 * @param tail the last bytes of the file
 * @param tailOffset where they begin in it
 */
export function findDirectory(tail: Buffer, tailOffset: number): Directory {
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END) {
      continue;
    }
    const [entries, size, offset] = [tail.readUInt16LE(at + 10), tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    if (entries === MAX_ENTRIES || size === MAX_U32 || offset === MAX_U32) {
      throw new ProtocolError("expected a zip below 4 GiB, but it is ZIP64, which this client does not read");
    }
    const start = tailOffset + at - size - offset;
    if (start >= 0) {
      return { entries, size, offset: start + offset, start };
    }
  }
  throw new ProtocolError("expected a zip, but there is no directory at its end");
}

/**
 * Read the directory of an archive, and check every member before the first is unfolded.
 *
 * @throws ProtocolError a member would be written elsewhere, is no file or folder, or the whole is a bomb
 */
export function readMembers(directory: Buffer, entries: number, archiveSize: number): ZipMember[] {
  const members: ZipMember[] = [];
  const files = new Set<string>();
  const folders = new Set<string>();
  let declared = 0;
  let at = 0;
  for (let number = 0; number < entries; number++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== CENTRAL) {
      throw new ProtocolError("expected another member in the directory of the zip");
    }
    const lengths = [28, 30, 32].map((field) => directory.readUInt16LE(at + field));
    const [nameLength = 0] = lengths;
    const flags = directory.readUInt16LE(at + 8);
    const name = directory.toString(flags & UTF8_NAMES ? "utf-8" : "latin1", at + 46, at + 46 + nameLength);
    const kind = (directory.readUInt32LE(at + 38) >>> 16) & KIND;
    const isFolder = name.endsWith("/");
    if ((kind !== 0 && kind !== FILE_MODE && kind !== FOLDER_MODE) || flags & ENCRYPTED) {
      throw new ProtocolError(`expected plain files and folders in the zip, but ${JSON.stringify(name)} is neither`);
    }
    const parts = safeParts(name);
    const path = parts.join("/");
    if (!isFolder && files.has(path)) {
      throw new ProtocolError(`expected each file once, but the zip holds ${JSON.stringify(name)} twice`);
    }
    (isFolder ? folders : files).add(path);
    parts.slice(0, -1).forEach((_, index) => folders.add(parts.slice(0, index + 1).join("/")));
    const size = directory.readUInt32LE(at + 24);
    declared += size;
    members.push({
      path,
      isFolder,
      method: directory.readUInt16LE(at + 10),
      checksum: directory.readUInt32LE(at + 16),
      compressedSize: directory.readUInt32LE(at + 20),
      size,
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + lengths.reduce((sum, length) => sum + length, 0);
  }
  const clash = [...files].find((path) => folders.has(path));
  if (clash !== undefined) {
    throw new ProtocolError(`the zip holds a file and a folder of one name, ${JSON.stringify(clash)}`);
  }
  if (declared > allowance(archiveSize)) {
    throw new ProtocolError(`expected at most ${allowance(archiveSize)} bytes from the zip, but it declares ${declared}`);
  }
  return members;
}

/** Where the content of a member begins, from the begin of its local header. */
export function contentOffset(localHeader: Buffer): number {
  if (localHeader.length < LOCAL_HEADER_SIZE || localHeader.readUInt32LE(0) !== LOCAL) {
    throw new ProtocolError("expected the header of a member where the directory of the zip says");
  }
  return LOCAL_HEADER_SIZE + localHeader.readUInt16LE(26) + localHeader.readUInt16LE(28);
}

/**
 * The parts of a path below a folder that a peer named.
 *
 * @throws ProtocolError it would lead out of the folder
 */
export function safeParts(name: string): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const drive = parts[0]?.includes(":") ?? true;
  if (parts.length === 0 || name.startsWith("/") || parts.includes("..") || /[\\\0]/.test(name) || drive) {
    throw new ProtocolError(`expected a path below the target folder, but got ${JSON.stringify(name)}`);
  }
  return parts;
}
