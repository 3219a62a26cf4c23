/** From replies to errors: the order of the rules, and what releases do otherwise. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { readEnvelope } from "../dist/protocol/envelope.js";
import { R23, R24, R26, readCommands, recogniseRelease } from "../dist/protocol/releases.js";
import { judge, saysGoodbye } from "../dist/protocol/replies.js";

const reply = (data, meta) => readEnvelope(JSON.stringify({ data, ...(meta === undefined ? {} : { meta }) }));
const text = (data, type = "string") => [{ type, data }];

for (const [what, release, envelope, name, message] of [
  ["only the end mark", R26, undefined, "ConnectionError", /empty/],
  ["no meta", R26, reply(text("x")), "InternalError", /missing meta/],
  ["no items", R26, reply([], { status: "ok" }), "RuntimeError", /ERROR_RUNTIME/],
  ["an unknown job", R26, reply(text("x"), { status: "invalid_job_id", info: "j" }), "JobNotFound", /no such job: j/],
  ["an expired session", R26, reply(text("x"), { status: "error", info: "session_inactive" }), "SessionExpired", /error: session_inactive/],
  ["an expired session in words", R26, reply(text("session_inactive", "error")), "SessionExpired", /closed on server/],
  ["a refusal in words", R26, reply(text("not authorized", "error"), { status: "ok" }), "AuthorizationError", /action 'list_jobs'/],
  ["an unknown site", R26, reply(text("unknown site", "error"), { status: "ok" }), "RuntimeError", /INVALID_CLIENT/],
  ["no reply of a site", R26, reply(text("x"), { status: "no_reply", info: "i" }), "NoReply", /i/],
  ["no reply of a site (2.4)", R24, reply(text("x"), { status: "no_reply", info: "i" }), "InternalError", /no_reply: i/],
  ["a target (2.3)", R23, reply(text("x"), { status: "invalid_target", info: "i" }), "InternalError", /server internal error/],
  ["no status (2.3)", R23, reply(text("x"), { info: "i" }), "InternalError", /\(None\)/],
  ["a status of another kind", R26, reply(text("x"), { status: ["constructor"] }), "InternalError", /constructor/],
  ["a status of every object", R26, reply(text("x"), { status: "toString", info: "" }), "InternalError", /toString/],
]) {
  test(`${what} is ${name}`, () => {
    assert.throws(
      () => judge("list_jobs", envelope, release, true),
      (problem) => problem.name === name && message.test(problem.message),
    );
  });
}

test("what is in order comes through", () => {
  assert.equal(judge("x", reply(text("boom", "error"), { status: "ok" }), R26, true).meta.status, "ok");
  assert.equal(judge("x", reply(text("x"), { info: "i" }), R26, true).meta.info, "i", "no status is ok from 2.4 on");
  judge("x", reply([...text("not authorized"), ...text("", "success")]), R26, false);
});

test("a goodbye before an error is one", () => {
  assert.equal(saysGoodbye(reply([...text("bye", "shutdown"), ...text("x", "error")])), true);
  assert.equal(saysGoodbye(reply([...text("x", "error"), ...text("bye", "shutdown")])), false);
});

test("the release is told from the commands", () => {
  const row = (scope, name, command) => [scope, name, "", "", "", command];
  const told = (upload, download, ...more) =>
    recogniseRelease(readCommands([[], row("job_mgmt", "submit_job", upload), row("job_mgmt", "download_job", download), ...more])).name;
  const [inline, push] = ["file_transfer.upload_folder", "file_transfer.push_folder"];
  assert.equal(told(inline, "file_transfer.download_folder"), "2.3");
  assert.equal(told(inline, "file_transfer.pull_folder"), "2.4");
  assert.equal(told(push, "file_transfer.pull_folder"), "2.5");
  assert.equal(told(push, "file_transfer.pull_folder", row("job_mgmt", "list_job")), "2.6");
  const commands = readCommands([[], row("a", "x"), row("b", "x"), row("a", "y"), ["short"], row("a", "z")]);
  assert.deepEqual([...commands.keys()], ["y"]);
});
