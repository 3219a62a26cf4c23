/** Job definitions up and results down, in the way of each release; everything is streamed from and to disk. */
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { randomUUID } from "node:crypto";

import { blocksOf, isFolder, mergeFolder, moveToFreeName, packFolder, removeTree, unfold } from "./archives.js";
import type { Connection, Judged } from "./connection.js";
import { InternalError, InvalidJobDefinition, UnsafeArchive } from "./errors.js";
import type { Meta } from "./protocol/envelope.js";
import { texts } from "./protocol/envelope.js";
import { exchangeRequest, inlineRequest, joinWords } from "./protocol/requests.js";
import { safeParts } from "./protocol/zip.js";
import type { FolderSigner } from "./signing.js";
import { textRequest } from "./protocol/requests.js";

const ADDRESS_MARK = "Download_URL:";
const MAX_FILES = 10_000;
const BASE64_BLOCK = 4 * 1024 * 1024;

/** Find a job folder: below the upload folder, or as given. */
export async function jobFolder(given: string, uploadDir: string): Promise<string> {
  for (const place of [path.resolve(uploadDir, given), path.resolve(given)]) {
    if (await isFolder(place)) {
      return place;
    }
  }
  throw new InvalidJobDefinition(`job_definition_path '${given}' is not a valid folder`);
}

/** Pack, sign and send a job folder; the meta of the reply comes back. */
export async function upload(connection: Connection, folder: string, signer: FolderSigner | undefined): Promise<Meta> {
  const command = connection.command("submit_job");
  const line = joinWords([`${command.scope}.${command.name}`, path.basename(folder)]);
  const scratch = await mkdtemp(path.join(tmpdir(), "flare-submit-"));
  try {
    const archive = path.join(scratch, "job.zip");
    await packFolder(folder, archive, signer);
    let blocks: AsyncIterable<Buffer>;
    if (connection.release.upload === "exchange") {
      blocks = exchangeRequest(connection.request(line), blocksOf(archive), (await stat(archive)).size);
    } else {
      const mark = `<${randomUUID()}>`;
      blocks = inlineRequest(connection.request(`${line} ${mark}`), mark, blocksOf(archive));
    }
    return (await connection.send(`submit_job ${folder}`, blocks)).meta;
  } finally {
    await removeTree(scratch);
  }
}

/** Fetch the result of a job; its folder comes back, or the address of a result over the server's limit (2.3). */
export async function download(connection: Connection, downloadDir: string, jobId: string): Promise<string> {
  const command = connection.command("download_job");
  // A blank separates words on the wire; official clients send the first word as the id.
  const word = jobId.split(/\s+/).find((part) => part !== "") ?? jobId;
  const line = joinWords([`${command.scope}.${command.name}`, word]);
  const judged = await connection.send(`download_job ${jobId}`, [textRequest(connection.request(line))]);
  return connection.release.download === "inline"
    ? storeInline(downloadDir, judged)
    : pullFiles(connection, downloadDir, word, judged.meta);
}

async function storeInline(downloadDir: string, { reply, meta }: Judged): Promise<string> {
  const [content] = texts(reply.items, "string");
  const { job_download_url: address, job_id: jobId } = meta;
  if (typeof address === "string" && address !== "") {
    return address;
  }
  if (content === undefined || typeof jobId !== "string") {
    throw new InternalError("expected the result and its job id in the reply, but they are not there");
  }
  if (content.startsWith(ADDRESS_MARK)) {
    return content.slice(ADDRESS_MARK.length);
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(content) || content.length % 4 !== 0) {
    throw new InternalError("expected the result in base64, but it is none");
  }
  const folder = path.join(downloadDir, ...checked(jobId));
  const scratch = await mkdtemp(path.join(downloadDir, ".flare-download-"));
  try {
    const archive = path.join(scratch, "result.zip");
    await writeFile(archive, async (write) => {
      for (let start = 0; start < content.length; start += BASE64_BLOCK) {
        await write(Buffer.from(content.slice(start, start + BASE64_BLOCK), "base64"));
      }
    });
    // The archive holds the folder of the job. It is unfolded aside, so that a broken one leaves an earlier result whole.
    const unfolded = path.join(scratch, "result");
    await unfold(archive, unfolded);
    await mergeFolder(unfolded, downloadDir);
  } finally {
    await removeTree(scratch);
  }
  return folder;
}

async function pullFiles(connection: Connection, downloadDir: string, jobId: string, meta: Meta): Promise<string> {
  const { files, tx_id: transaction, cmd_name: command } = meta;
  if (!Array.isArray(files) || files.length === 0 || typeof transaction !== "string" || typeof command !== "string") {
    throw new InternalError("expected the files of the result, a transaction and a command in the reply");
  }
  if (files.length > MAX_FILES) {
    throw new UnsafeArchive(`expected at most ${MAX_FILES} files, but the server names ${files.length}`);
  }
  const form = connection.release.download === "chunked" ? "chunked" : "exchange";
  const announced = connection.command(command);
  const staging = path.join(downloadDir, ...checked(`${jobId}__${transaction}`));
  const target = path.join(downloadDir, ...checked(jobId));
  const names = files.map(String);
  const places = names.map((name) => path.join(staging, ...checked(name)));
  try {
    for (const [index, name] of names.entries()) {
      // After the last file the server may forget what it staged.
      const last = index === names.length - 1 ? ["end"] : [];
      const line = joinWords([announced.name, transaction, jobId, name, ...last]);
      const place = places[index] ?? staging;
      await mkdir(path.dirname(place), { recursive: true });
      await writeFile(place, (write) => connection.receive(line, form, write));
      if (place.endsWith(".zip")) {
        const folder = place.slice(0, -".zip".length);
        await mkdir(folder, { recursive: true });
        await unfold(place, folder);
        await unlink(place);
      }
    }
    return await moveToFreeName(staging, target);
  } catch (problem) {
    // A part of a result under the name of the whole would be worse than none.
    await removeTree(staging);
    throw problem;
  }
}

async function writeFile(place: string, fill: (write: (data: Buffer) => Promise<void>) => Promise<void>): Promise<void> {
  const output = createWriteStream(place);
  const done = finished(output);
  done.catch(() => undefined); // told by the write that fails, or by the last line
  try {
    await fill(async (data) => {
      if (!output.write(data)) {
        await Promise.race([once(output, "drain"), done]);
      }
    });
  } finally {
    output.end();
  }
  await done;
}

/** The parts of a path that the server names. */
function checked(name: string): string[] {
  try {
    return safeParts(name);
  } catch (problem) {
    throw new UnsafeArchive(`the server names a file that is refused: ${(problem as Error).message}`);
  }
}
