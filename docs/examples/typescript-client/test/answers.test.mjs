/** Answers, fed all at once and a byte at a time. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Answer } from "../dist/protocol/answers.js";
import { crc32 } from "../dist/protocol/crc32.js";
import { exchangeRequest, inlineRequest, joinWords } from "../dist/protocol/requests.js";
import { requestText } from "../dist/protocol/envelope.js";

const REPLY = Buffer.from('{"data": [{"type": "string", "data": "h\u00e9"}], "meta": {"status": "ok"}}\x03\x04', "utf-8");

async function exchange(body) {
  const blocks = [];
  for await (const block of exchangeRequest("", [body], body.length)) {
    blocks.push(block);
  }
  return Buffer.concat(blocks);
}

function chunks(...bodies) {
  const frame = (marker, number, value) => {
    const head = Buffer.alloc(9);
    head.writeUInt8(marker, 0);
    head.writeUInt32BE(number, 1);
    head.writeUInt32BE(value, 5);
    return head;
  };
  const data = bodies.flatMap((body, index) => [frame(101, index + 1, body.length), body]);
  return Buffer.concat([...data, frame(102, 0, crc32(Buffer.concat(bodies)))]);
}

function fed(form, bytes, size) {
  const answer = new Answer(form);
  const events = [];
  for (let at = 0; at < bytes.length; at += size) {
    events.push(...answer.receive(bytes.subarray(at, at + size)));
  }
  const data = Buffer.concat(events.filter((event) => event.kind === "data").map((event) => event.data)).toString();
  const reply = events.find((event) => event.kind === "reply")?.envelope;
  return { complete: answer.complete, ended: events.some((event) => event.kind === "end"), data, reply };
}

for (const size of [1, 7, 1_000_000]) {
  test(`an answer in pieces of ${size}`, async () => {
    assert.equal(fed("reply", REPLY, size).reply.items[0].data, "h\u00e9");
    const file = { complete: true, ended: true, data: "some bytes", reply: undefined };
    assert.deepEqual(fed("exchange", await exchange(Buffer.from("some bytes")), size), file);
    assert.deepEqual(fed("chunked", chunks(Buffer.from("some "), Buffer.from("bytes")), size), file);
    assert.deepEqual(fed("chunked", chunks(), size), { ...file, data: "" });
    assert.equal(fed("exchange", REPLY, size).reply.meta.status, "ok", "text instead of a file");
  });
}

test("what breaks the wire is refused with a reason", async () => {
  const damaged = await exchange(Buffer.from("some bytes"));
  damaged[20] ^= 1;
  assert.throws(() => fed("exchange", damaged, 3), /expected the checksum/);
  const misnumbered = chunks(Buffer.from("some bytes"));
  misnumbered.writeUInt32BE(2, 1);
  assert.throws(() => fed("chunked", misnumbered, 3), /expected frame 1, but got marker 101, number 2/);
  assert.throws(() => fed("reply", Buffer.from("[]\x04"), 1), /expected a JSON object/);
  assert.throws(() => fed("reply", Buffer.from("{\x04"), 1), /expected a JSON document/);
  assert.throws(() => fed("reply", Buffer.from([0xff, 0x04]), 1), /expected UTF-8/);
  assert.throws(() => fed("reply", Buffer.from('{"data": [{"type": "smoke", "data": ""}]}\x04'), 9), /known type/);
  assert.throws(() => fed("reply", Buffer.from(`{"data": ${"[".repeat(9000)}${"]".repeat(9000)}}\x04`), 99), /nested|JSON document/);
  const cut = new Answer("reply");
  cut.receive(REPLY.subarray(0, 9));
  assert.throws(() => cut.receiveEnd(), /only a part/);
  assert.throws(() => new Answer("reply").receiveEnd(), /after nothing/);
});

test("the last line counts, and keeps the meta of an earlier one", () => {
  const lines = '{"data": [], "meta": {"status": "ok"}}\x03{"data": [{"type": "string", "data": "x"}]}\x03\x04';
  const { reply } = fed("reply", Buffer.from(lines), 5);
  assert.deepEqual([reply.meta.status, reply.items.length], ["ok", 1]);
});

test("requests are ASCII, and an archive of any size comes through in base64", async () => {
  const text = requestText("submit_job h\u00e9 <mark>", "token");
  assert.match(text, /h\\u00e9/);
  const archive = Buffer.alloc(3_000_001, "abc");
  const blocks = [];
  for await (const block of inlineRequest(text, "<mark>", [archive.subarray(0, 5), archive.subarray(5)])) {
    blocks.push(block);
  }
  const line = JSON.parse(Buffer.concat(blocks).toString("ascii").replace("\x03\x04", "")).data[0].data;
  assert.deepEqual(Buffer.from(line.split(" ")[2], "base64"), archive);
  assert.equal(joinWords(["a", "b c"]), 'a "b c"');
});
