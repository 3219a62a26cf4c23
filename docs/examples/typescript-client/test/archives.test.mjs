/** Archives: there and back, and what is refused. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { moveToFreeName, packFolder, unfold } from "../dist/archives.js";
import { crc32 } from "../dist/protocol/crc32.js";
import { centralRecord, endRecord, localRecord, safeParts } from "../dist/protocol/zip.js";

const scratch = await mkdtemp(path.join(tmpdir(), "flare-test-"));
after(() => rm(scratch, { recursive: true }));
const newPlace = () => mkdtemp(path.join(scratch, "place-"));

function zipOf(...entries) {
  let offset = 0;
  const parts = entries.map(([name, content, change = {}]) => {
    const body = Buffer.from(content);
    const entry = { name, checksum: crc32(body), size: body.length, mode: 0o644, modified: new Date(), ...change };
    const local = Buffer.concat([localRecord(entry), body]);
    const central = centralRecord(entry, offset);
    if (change.kind !== undefined) {
      central.writeUInt32LE((change.kind << 16) >>> 0, 38);
    }
    offset += local.length;
    return [local, central];
  });
  const directory = Buffer.concat(parts.map(([, central]) => central));
  return Buffer.concat([...parts.map(([local]) => local), directory, endRecord(entries.length, directory.length, offset)]);
}

async function unfolded(bytes) {
  const place = await newPlace();
  await writeFile(path.join(place, "x.zip"), bytes);
  await mkdir(path.join(place, "out"));
  await unfold(path.join(place, "x.zip"), path.join(place, "out"));
  return path.join(place, "out");
}

test("a job folder goes into a zip and comes out the same", async () => {
  const place = await newPlace();
  const job = path.join(place, "job");
  await mkdir(path.join(job, "app", "config"), { recursive: true });
  await mkdir(path.join(job, "empty"));
  await writeFile(path.join(job, "meta.json"), "{}");
  await writeFile(path.join(job, "app", "config", "n\u00e4me.bin"), Buffer.alloc(300_000, 7));
  await writeFile(path.join(job, "app", "none"), "");
  await packFolder(job, path.join(place, "x.zip"), undefined);
  const out = await unfolded(await readFile(path.join(place, "x.zip")));
  assert.deepEqual((await readdir(path.join(out, "job"))).sort(), ["app", "empty", "meta.json"]);
  assert.deepEqual(await readFile(path.join(out, "job", "app", "config", "n\u00e4me.bin")), Buffer.alloc(300_000, 7));
});

test("a zip inside something else is found, as release 2.4 sends it", async () => {
  const zip = zipOf(["a.txt", "hello"]);
  const out = await unfolded(Buffer.concat([Buffer.from("d\x00\x00wrapped"), zip, Buffer.from("\xaeworkspace_data_\xc0", "latin1")]));
  assert.equal(await readFile(path.join(out, "a.txt"), "utf-8"), "hello");
});

for (const [what, bytes, reason] of [
  ["a way out", () => zipOf(["../x", "1"]), /below the target folder/],
  ["an absolute path", () => zipOf(["/etc/x", "1"]), /below the target folder/],
  ["a backslash", () => zipOf(["a\\b", "1"]), /below the target folder/],
  ["a drive", () => zipOf(["c:/x", "1"]), /below the target folder/],
  ["a link", () => zipOf(["x", "1", { kind: 0o120777 }]), /neither/],
  ["a file twice", () => zipOf(["x", "1"], ["./x", "2"]), /twice/],
  ["a file and a folder of one name", () => zipOf(["x", "1"], ["x/y", "2"]), /one name/],
  ["a wrong checksum", () => zipOf(["x", "1", { checksum: 9 }]), /damaged/],
  ["too much", () => zipOf(["x", "1", { size: 600 * 1024 * 1024 }]), /at most/],
  ["no zip", () => Buffer.from("no zip at all, but long enough to be one"), /no directory/],
  ["a part of a zip", () => zipOf(["x", "1"]).subarray(9), /refused/],
]) {
  test(`an archive with ${what} is refused`, async () => {
    await assert.rejects(unfolded(bytes()), (problem) => {
      assert.equal(problem.name, "UnsafeArchive");
      assert.match(problem.message, reason);
      return true;
    });
  });
}

test("names of a server are paths below the folder or nothing", () => {
  assert.deepEqual(safeParts("a/./b//c"), ["a", "b", "c"]);
  for (const name of ["", ".", "..", "a/../../b", "\0"]) {
    assert.throws(() => safeParts(name), /below the target folder/);
  }
});

test("a second result gets a name of its own", async () => {
  const place = await newPlace();
  const names = [];
  for (let number = 0; number < 3; number++) {
    await mkdir(path.join(place, "part"));
    names.push(path.basename(await moveToFreeName(path.join(place, "part"), path.join(place, "job"))));
  }
  assert.deepEqual(names, ["job", "job__1", "job__2"]);
});
