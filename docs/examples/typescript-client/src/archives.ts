/** Archives on disk: a job folder into a zip, a received zip into a folder, both streamed. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

import { UnsafeArchive } from "./errors.js";
import { crc32 } from "./protocol/crc32.js";
import { ProtocolError } from "./protocol/errors.js";
import * as zip from "./protocol/zip.js";
import { ignoredBySigner, type FolderSigner } from "./signing.js";

/**
 * Write a job folder into a zip in the layout that servers expect: the files of a folder, its signatures, then each
 * folder in it with an entry of its own. The folder itself is left as it is.
 */
export async function packFolder(folder: string, target: string, signer: FolderSigner | undefined): Promise<void> {
  const file = await open(target, "w");
  try {
    const writer = new ZipWriter(file);
    await addFolder(writer, folder, path.basename(folder), signer);
    await writer.finish();
  } finally {
    await file.close();
  }
}

async function addFolder(writer: ZipWriter, folder: string, name: string, signer: FolderSigner | undefined): Promise<void> {
  const names = (await readdir(folder)).sort();
  const folders: string[] = [];
  for (const child of names) {
    const place = path.join(folder, child);
    if ((await stat(place)).isDirectory()) {
      folders.push(child);
    } else if (signer === undefined || !ignoredBySigner(child)) {
      await writer.addFile(place, `${name}/${child}`);
    }
  }
  for (const [child, content] of signer === undefined ? [] : await signer.sign(folder)) {
    await writer.addBytes(content, `${name}/${child}`);
  }
  for (const child of folders) {
    await writer.addFolder(path.join(folder, child), `${name}/${child}/`);
    await addFolder(writer, path.join(folder, child), `${name}/${child}`, signer);
  }
}

class ZipWriter {
  #offset = 0;
  #directory: Buffer[] = [];

  constructor(private readonly file: FileHandle) {}

  async addFile(place: string, name: string): Promise<void> {
    let [checksum, size] = [0, 0];
    for await (const block of createReadStream(place)) {
      checksum = crc32(block as Buffer, checksum);
      size += (block as Buffer).length;
    }
    const { mode, mtime } = await stat(place);
    await this.#begin({ name, checksum, size, mode, modified: mtime });
    const end = size > 0 ? { end: size - 1 } : {};
    for await (const block of createReadStream(place, end)) {
      await this.#write(block as Buffer);
    }
  }

  async addBytes(content: Buffer, name: string): Promise<void> {
    const entry = { name, checksum: crc32(content), size: content.length, mode: 0o600, modified: new Date() };
    await this.#begin(entry);
    await this.#write(content);
  }

  async addFolder(place: string, name: string): Promise<void> {
    const { mode, mtime } = await stat(place);
    await this.#begin({ name, checksum: 0, size: 0, mode, modified: mtime });
  }

  async finish(): Promise<void> {
    const offset = this.#offset;
    const directory = Buffer.concat(this.#directory);
    await this.#write(directory);
    await this.#write(zip.endRecord(this.#directory.length, directory.length, offset));
  }

  async #begin(entry: zip.ZipEntry): Promise<void> {
    this.#directory.push(zip.centralRecord(entry, this.#offset));
    await this.#write(zip.localRecord(entry));
  }

  async #write(data: Buffer): Promise<void> {
    await this.file.writeFile(data); // goes on from where the last one ended
    this.#offset += data.length;
  }
}

/**
 * Unfold a received zip below a folder. Every member is checked before the first byte is written, and bytes are counted
 * as they come, whatever the archive declares.
 *
 * @throws UnsafeArchive it is broken, would write elsewhere, or unfolds to too much
 */
export async function unfold(archive: string, folder: string): Promise<void> {
  const file = await open(archive, "r");
  try {
    const { size } = await file.stat();
    const tail = await read(file, Math.max(0, size - zip.TAIL_SIZE), Math.min(size, zip.TAIL_SIZE));
    const directory = zip.findDirectory(tail, size - tail.length);
    const members = zip.readMembers(await read(file, directory.offset, directory.size), directory.entries, size);
    let left = zip.allowance(size);
    for (const member of members) {
      const target = path.join(folder, ...member.path.split("/"));
      await mkdir(member.isFolder ? target : path.dirname(target), { recursive: true });
      if (!member.isFolder) {
        left -= await unfoldMember(file, archive, directory.start, member, target, left);
      }
    }
  } catch (problem) {
    throw refused(path.basename(archive), problem);
  } finally {
    await file.close();
  }
}

async function unfoldMember(
  file: FileHandle,
  archive: string,
  zipStart: number,
  member: zip.ZipMember,
  target: string,
  left: number,
): Promise<number> {
  const header = zipStart + member.offset;
  const start = header + zip.contentOffset(await read(file, header, zip.LOCAL_HEADER_SIZE));
  const found = { checksum: 0, size: 0 };
  const count = new Transform({
    transform(block: Buffer, _encoding, done) {
      found.checksum = crc32(block, found.checksum);
      found.size += block.length;
      done(found.size > left ? new ProtocolError(`expected at most ${left} more bytes, but ${member.path} has more`) : null, block);
    },
  });
  const output = createWriteStream(target, { flags: "wx" });
  if (member.compressedSize === 0) {
    await pipeline(async function* () {}, output);
  } else {
    const content = createReadStream(archive, { start, end: start + member.compressedSize - 1 });
    if (member.method === zip.STORED) {
      await pipeline(content, count, output);
    } else if (member.method === zip.DEFLATED) {
      await pipeline(content, createInflateRaw(), count, output);
    } else {
      throw new ProtocolError(`expected a file that is stored or deflated, but ${member.path} has method ${member.method}`);
    }
  }
  if (found.checksum !== member.checksum || found.size !== member.size) {
    throw new ProtocolError(`the content of ${member.path} is damaged`);
  }
  return found.size;
}

async function read(file: FileHandle, offset: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, offset);
  return buffer.subarray(0, bytesRead);
}

/** What a damaged archive makes the readers throw, as one error; faults of the disk stay what they are. */
function refused(name: string, problem: unknown): unknown {
  const code = (problem as NodeJS.ErrnoException).code ?? "";
  const damaged = problem instanceof ProtocolError || problem instanceof RangeError || code.startsWith("Z_");
  const clashes = ["EEXIST", "ENOTDIR", "EISDIR"].includes(code);
  return damaged || clashes
    ? new UnsafeArchive(`the downloaded archive ${name} is refused: ${(problem as Error).message}`, { cause: problem })
    : problem;
}

/** Rename a folder to the first free name: the wanted one, then `__1`, `__2` and so on. */
export async function moveToFreeName(source: string, wanted: string): Promise<string> {
  for (let number = 0; ; number++) {
    const candidate = number === 0 ? wanted : `${wanted}__${number}`;
    if (!(await exists(candidate))) {
      await rename(source, candidate);
      return candidate;
    }
  }
}

/** Move what one folder holds into another, over files of the same names. */
export async function mergeFolder(source: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const child of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [path.join(source, child.name), path.join(folder, child.name)];
    if (child.isDirectory()) {
      await mergeFolder(from, to);
    } else {
      await rename(from, to);
    }
  }
}

export async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

export async function exists(place: string): Promise<boolean> {
  return stat(place).then(
    () => true,
    () => false,
  );
}

export async function isFolder(place: string): Promise<boolean> {
  return stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The blocks of a file. */
export async function* blocksOf(place: string): AsyncGenerator<Buffer> {
  for await (const block of createReadStream(place, { highWaterMark: 256 * 1024 })) {
    yield block as Buffer;
  }
}
