/**
 * The adapter program: lets flare-conformance drive the client over JSON-RPC on standard input and output.
 *
 * Several requests may be open at a time: each is a promise, and answers go out as they come. Standard output belongs to
 * the protocol; what the client prints goes to standard error.
 */
import { createInterface } from "node:readline";

import * as client from "./index.js";
import { isObject, type Json } from "./protocol/envelope.js";

const PROTOCOL = 1;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const CLIENT_RAISED = -32000;

type Params = { [key: string]: Json };
type Invoke = (params: Params) => Promise<Json>;

/** A request that the program cannot pass on to the client. */
class Refused extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** What the harness's callback raised, under the name of its class. */
class CallbackError extends Error {
  constructor(
    readonly types: string[],
    message: string,
  ) {
    super(message);
  }
}

const HELLO = {
  protocol: PROTOCOL,
  language: "typescript",
  name: "flare-typescript-client",
  version: "0.1.0",
  releases: ["2.3", "2.4", "2.5", "2.6"],
  features: ["basic_cb", "debug", "threads", "insecure", "set_timeout", "monitor_callback", "downloads", "cell_info"],
};

const sessions = new Map<string, client.Session>();
const waiting = new Map<string, (message: Params) => void>();
let numbers = 0;

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

/** Arguments by the names that the API gives them, given by place or by name. */
function bind(names: readonly string[], args: readonly Json[], kwargs: Params): Record<string, never> {
  if (args.length > names.length) {
    throw new TypeError(`expected at most ${names.length} arguments, but got ${args.length}`);
  }
  const bound: Params = {};
  names.forEach((name, place) => {
    const value = place < args.length ? args[place] : kwargs[name];
    if (value !== undefined) {
      bound[name] = value;
    }
  });
  const unknown = Object.keys(kwargs).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(`got an unexpected keyword argument '${unknown[0]}'`);
  }
  // What the harness gives is passed on as it is: the client has to find out what is wrong with it.
  return bound as Record<string, never>;
}

type Method = (session: client.Session, args: Json[], kwargs: Params, invoke: Invoke) => unknown;

const ofJob = (method: (session: client.Session, jobId: string) => unknown): Method => (session, args, kwargs) =>
  method(session, bind(["job_id"], args, kwargs)["job_id"] as never);

const METHODS: Record<string, Method> = {
  submit_job: (session, args, kwargs) =>
    session.submitJob(bind(["job_definition_path"], args, kwargs)["job_definition_path"] as never),
  get_job_meta: ofJob((session, jobId) => session.getJobMeta(jobId)),
  abort_job: ofJob((session, jobId) => session.abortJob(jobId)),
  delete_job: ofJob((session, jobId) => session.deleteJob(jobId)),
  clone_job: ofJob((session, jobId) => session.cloneJob(jobId)),
  download_job_result: ofJob((session, jobId) => session.downloadJobResult(jobId)),
  list_jobs: (session, args, kwargs) => {
    const given = bind(["detailed", "limit", "id_prefix", "name_prefix", "reverse"], args, kwargs);
    const { detailed = false, limit = null, id_prefix = null, name_prefix = null, reverse = false } = given as Params;
    const options = { detailed, limit, idPrefix: id_prefix, namePrefix: name_prefix, reverse };
    return session.listJobs(options as client.ListOptions);
  },
  get_system_info: async (session) => {
    const info = await session.getSystemInfo();
    return {
      $type: "SystemInfo",
      server_info: { status: info.serverInfo.status, start_time: info.serverInfo.startTime },
      client_info: info.clientInfo.map((one) => ({ name: one.name, last_connect_time: one.lastConnectTime })),
      job_info: info.jobInfo.map((one) => ({ job_id: one.jobId, app_name: one.appName })),
    };
  },
  monitor_job: monitor,
  try_connect: (session, args, kwargs) => session.tryConnect(bind(["timeout"], args, kwargs)["timeout"] as never),
  set_timeout: (session, args, kwargs) => session.setTimeout(bind(["value"], args, kwargs)["value"] as never),
  unset_timeout: (session) => session.unsetTimeout(),
  get_cell_conn_info: (session, args, kwargs) => session.getCellConnInfo(bind(["fqcn"], args, kwargs)["fqcn"] as never),
  close: (session) => session.close(),
};

/** The arguments after the first four, and keyword arguments that the method does not know, are the callback's. */
async function monitor(session: client.Session, args: Json[], kwargs: Params, invoke: Invoke): Promise<unknown> {
  const { job_id, timeout, poll_interval, cb, ...further } = kwargs;
  const [jobId = job_id, limit = timeout, interval = poll_interval, mark = cb, ...cbArgs] = args;
  const callback: client.MonitorCallback = (given, id, meta) =>
    invoke({ same_session: given === session, job_id: id, job_meta: meta, args: cbArgs, kwargs: further });
  const code = await session.monitorJob(jobId as string, {
    ...(limit === undefined ? {} : { timeout: limit as number }),
    ...(interval === undefined ? {} : { pollInterval: interval as number }),
    ...(isObject(mark) && mark["$callback"] === true ? { callback } : {}),
  });
  return { $type: "MonitorReturnCode", name: client.MonitorReturnCode[code], value: code };
}

async function open({ username, kit, secure, timeout, ...further }: Params): Promise<Json> {
  const { debug = false, ...unknown } = further;
  if (Object.keys(unknown).length > 0) {
    throw new Refused(INVALID_PARAMS, `the client does not know the arguments ${Object.keys(unknown).join(", ")}`);
  }
  const options = { debug: Boolean(debug), timeout: timeout as number };
  const session =
    secure === false
      ? await client.newInsecureSession(kit as string, options)
      : await client.newSecureSession(username as string, kit as string, options);
  const name = String(++numbers);
  sessions.set(name, session);
  return { session: name };
}

async function call(id: Json, params: Params): Promise<unknown> {
  const session = sessions.get(String(params["session"]));
  if (session === undefined) {
    throw new Refused(INVALID_PARAMS, `expected a session that was opened, but got ${JSON.stringify(params["session"])}`);
  }
  const name = String(params["method"]);
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (method === undefined) {
    throw new Refused(METHOD_NOT_FOUND, `the client has no method ${name}`);
  }
  return method(session, params["args"] as Json[], params["kwargs"] as Params, (given) => invoke({ call: id, ...given }));
}

/** Have the harness run its callback. */
async function invoke(params: Params): Promise<Json> {
  const id = `callback-${++numbers}`;
  const answered = new Promise<Params>((resolve) => waiting.set(id, resolve));
  send({ id, method: "callback.invoke", params });
  const { error, result = null } = await answered;
  if (isObject(error)) {
    const types = (isObject(error["data"]) ? error["data"]["types"] : undefined) as string[] | undefined;
    throw new CallbackError(types ?? [], String(error["message"]));
  }
  return result;
}

async function answer(id: Json, method: Json | undefined, params: Params): Promise<unknown> {
  switch (method) {
    case "hello":
      if (params["protocol"] !== PROTOCOL) {
        throw new Refused(INVALID_PARAMS, `expected protocol ${PROTOCOL}, but got ${JSON.stringify(params["protocol"])}`);
      }
      return HELLO;
    case "session.open":
      return open(params);
    case "session.call":
      return call(id, params);
    case "basic_cb": {
      const counter = { count: params["count"] as number };
      const value = client.basicCbWithPrint({ status: params["status"] ?? null }, counter, (text) => void process.stderr.write(text));
      return { value, count: counter.count };
    }
    default:
      throw new Refused(METHOD_NOT_FOUND, `unknown method ${JSON.stringify(method)}`);
  }
}

/** The names of an error's classes, nearest first; what JavaScript calls Error, the API calls Exception. */
function typesOf(problem: unknown): string[] {
  if (problem instanceof CallbackError) {
    return [...problem.types, "Exception"];
  }
  const names: string[] = [];
  for (let one: object | null = Object(problem); one !== null && one !== Object.prototype; one = Object.getPrototypeOf(one)) {
    if (Object.hasOwn(one, "constructor")) {
      names.push(one.constructor.name);
    }
  }
  return [...names, "Exception"].filter((name, place, all) => all.indexOf(name) === place && name !== "NamedError");
}

async function serve(id: Json, method: Json | undefined, params: Params): Promise<void> {
  try {
    send({ id, result: (await answer(id, method, params)) ?? null });
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem);
    const error =
      problem instanceof Refused
        ? { code: problem.code, message }
        : { code: CLIENT_RAISED, message, data: { types: typesOf(problem) } };
    send({ id, error });
  }
}

const input = createInterface({ input: process.stdin, crlfDelay: Infinity });
input.on("line", (line) => {
  const message = JSON.parse(line) as Params;
  const id = message["id"] ?? null;
  if (message["method"] === undefined) {
    waiting.get(String(id))?.(message);
    waiting.delete(String(id));
  } else {
    void serve(id, message["method"], isObject(message["params"]) ? message["params"] : {});
  }
});
// Sessions that are still open must not keep the program.
input.on("close", () => process.exit(0));
