/**
 * From a reply to a result or an error. The order is part of the API: the meta's status first, then the words of the
 * items, then the demand for a meta.
 */
import * as errors from "../errors.js";
import { texts, type Envelope, type Item, type Json, type Meta } from "./envelope.js";
import type { Release } from "./releases.js";

type ErrorClass = new (message: string) => Error;
interface Rule {
  readonly kind: ErrorClass;
  readonly text: (info: string, line: string) => string;
}

const COMMON: Record<string, Rule> = {
  invalid_job_def: { kind: errors.InvalidJobDefinition, text: (info) => `invalid job definition: ${info}` },
  not_authorized: {
    kind: errors.AuthorizationError,
    text: (info, line) => `user not authorized for the action '${line}: ${info}'`,
  },
  invalid_job_id: { kind: errors.JobNotFound, text: (info) => `no such job: ${info}` },
  job_running: { kind: errors.JobNotDone, text: (info) => `job ${info} is still running` },
};

const PLAIN: Record<string, Rule> = {
  ...COMMON,
  syntax_error: { kind: errors.InternalError, text: (info) => `protocol error: ${info}` },
};

const DETAILED: Record<string, Rule> = {
  ...COMMON,
  not_authenticated: { kind: errors.AuthenticationError, text: (info) => `user not authenticated: ${info}` },
  syntax_error: { kind: errors.InternalError, text: (info) => `syntax error: ${info}` },
  job_not_running: { kind: errors.JobNotRunning, text: (info) => `job ${info} is not running` },
  clients_running: { kind: errors.ClientsStillRunning, text: () => "one or more clients are still running" },
  no_clients: { kind: errors.NoClientsAvailable, text: () => "no clients available" },
  internal_error: { kind: errors.InternalError, text: (info) => `server internal error: ${info}` },
  invalid_target: { kind: errors.InvalidTarget, text: (info) => info },
};

const WITH_NO_REPLY: Record<string, Rule> = { ...DETAILED, no_reply: { kind: errors.NoReply, text: (info) => info } };

const SESSION_INACTIVE = "session_inactive";

/** Words in the items of a reply, and what they mean; the first that is found counts. */
const TELLTALES: readonly (readonly [string, (line: string, text: string) => Error])[] = [
  [SESSION_INACTIVE, () => new errors.SessionExpired("the session is closed on server")],
  ["wrong server", (_, text) => new errors.ServerUnreachable(`cannot connect to server: ${text}`)],
  ["Failed to communicate", (_, text) => new errors.ServerUnreachable(`cannot connect to server: ${text}`)],
  ["invalid client", (_, text) => new errors.RuntimeError(`runtime error encountered: ERROR_INVALID_CLIENT: ${text}`)],
  ["unknown site", (_, text) => new errors.RuntimeError(`runtime error encountered: ERROR_INVALID_CLIENT: ${text}`)],
  ["not authorized", (line) => new errors.AuthorizationError(`user not authorized for the action '${line}'`)],
];

/**
 * Judge a reply.
 *
 * @param needsMeta whether a reply without meta is an error
 * @throws what the reply says
 */
export function judge(line: string, reply: Envelope | undefined, release: Release, needsMeta: boolean): Envelope {
  if (reply === undefined) {
    throw new errors.ConnectionError(`cannot connect to server: expected a reply to ${line.split(" ", 1)[0]}, but it was empty`);
  }
  if (reply.hasMeta) {
    checkStatus(line, reply.meta, release);
  }
  checkItems(line, reply.items);
  if (needsMeta && !reply.hasMeta) {
    throw new errors.InternalError("missing meta from result");
  }
  return reply;
}

function checkStatus(line: string, meta: Meta, release: Release): void {
  const found = meta["status"] ?? (release.missingStatusIsError ? "None" : "ok");
  if (found === "ok") {
    return;
  }
  const [status, info] = [plain(found), plain(meta["info"] ?? "")];
  const rules = release.mapsNoReply ? WITH_NO_REPLY : release.detailedStatuses ? DETAILED : PLAIN;
  const rule = Object.hasOwn(rules, status) ? rules[status] : undefined;
  if (rule !== undefined) {
    throw new rule.kind(rule.text(info, line));
  }
  const text = release.detailedStatuses ? `${status}: ${info}` : `server internal error (${status}): ${info}`;
  throw info === SESSION_INACTIVE ? new errors.SessionExpired(text) : new errors.InternalError(text);
}

function checkItems(line: string, items: readonly Item[]): void {
  if (items.length === 0) {
    throw new errors.RuntimeError("runtime error encountered: ERROR_RUNTIME: ");
  }
  if (items.some((item) => item.type === "success")) {
    return;
  }
  const text = texts(items, "string", "error").join("");
  const telltale = TELLTALES.find(([words]) => text.includes(words));
  if (telltale !== undefined) {
    throw telltale[1](line, text);
  }
}

/** Whether a reply tells the client to close: a `shutdown` item that no `error` item precedes. */
export function saysGoodbye(reply: Envelope): boolean {
  return reply.items.find((item) => item.type === "shutdown" || item.type === "error")?.type === "shutdown";
}

function plain(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
