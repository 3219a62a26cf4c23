/**
 * `Session`: the admin API of NVIDIA FLARE's release 2.3 for Node, over the socket dialect of releases 2.3 to 2.6.
 *
 * Methods, results and errors are those of the official Python class; names are in camel case, methods return promises,
 * and optional arguments travel in one object.
 */
import path from "node:path";
import { performance } from "node:perf_hooks";

import { Connection } from "./connection.js";
import { AssertionError, InternalError, JobNotFound, InvalidJobDefinition, NotInRelease, SessionClosed, ValueError } from "./errors.js";
import { loadKit, type StartupKit } from "./kit.js";
import { pause } from "./pause.js";
import { isObject, type Json } from "./protocol/envelope.js";
import { FolderSigner } from "./signing.js";
import * as transfer from "./transfer.js";
import { Transport } from "./transport.js";

export type JobMeta = { [key: string]: Json };

/** Why `monitorJob` returned. */
export enum MonitorReturnCode {
  JOB_FINISHED = 0,
  TIMEOUT = 1,
  ENDED_BY_CB = 2,
}

/** Called after each poll; monitoring goes on while it returns something true, in the sense of the API. */
export type MonitorCallback = (session: Session, jobId: string, meta: JobMeta) => unknown;

export interface MonitorOptions {
  /** Seconds; 0 or less: no limit. */
  readonly timeout?: number;
  /** Seconds between two polls. */
  readonly pollInterval?: number;
  readonly callback?: MonitorCallback;
}

export interface ListOptions {
  readonly detailed?: boolean;
  readonly limit?: number | null;
  readonly idPrefix?: string | null;
  readonly namePrefix?: string | null;
  readonly reverse?: boolean;
}

export interface SystemInfo {
  readonly serverInfo: { readonly status: Json; readonly startTime: Json };
  readonly clientInfo: readonly { readonly name: Json; readonly lastConnectTime: Json }[];
  readonly jobInfo: readonly { readonly jobId: Json; readonly appName: Json }[];
}

export interface SessionOptions {
  /** Seconds until opening gives up. */
  readonly timeout?: number;
  /** Print command lines to standard error. */
  readonly debug?: boolean;
}

export class Session {
  readonly #kit: StartupKit;
  readonly #connection: Connection;
  readonly #signer: FolderSigner | undefined;
  #closed = false;

  /**
   * @param username the name in the certificate of the kit; undefined for an insecure session
   * @param kitLocation the startup kit, the folder above `startup`
   */
  constructor(username: string | undefined, kitLocation: string, debug = false) {
    this.#kit = loadKit(kitLocation, username !== undefined);
    const trace = debug ? (text: string) => process.stderr.write(`${text}\n`) : () => undefined;
    this.#connection = new Connection(new Transport(this.#kit), username, trace);
    const { certificates } = this.#kit;
    // Official clients sign job definitions in secure mode.
    this.#signer = certificates && new FolderSigner(certificates.key, certificates.cert);
  }

  /** Where results go. */
  get downloadDir(): string {
    return this.#kit.downloadDir;
  }

  /** The release line of the server. */
  get release(): string {
    return this.#connection.release.name;
  }

  /** Connect, or connect again after the session expired. A session that is connected returns at once. */
  async tryConnect(timeout: number): Promise<void> {
    this.#requireOpen();
    if (!this.#connection.isReady) {
      await this.#connection.logIn(timeout);
    }
  }

  /** Close the session; every other call fails from now on. Closing twice is fine. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      await this.#connection.logOut();
    }
  }

  /** Have servers of 2.4 and later wait so many seconds for sites. */
  setTimeout(seconds: number): void {
    if (typeof seconds !== "number") {
      throw new TypeError(`timeout must be a number but got ${typeof seconds}`);
    }
    if (!(seconds > 0)) {
      throw new ValueError(`invalid timeout value ${seconds} - must be > 0.0`);
    }
    this.#connection.setTimeout(seconds);
  }

  /** Let the server wait as long as is usual. */
  unsetTimeout(): void {
    this.#connection.setTimeout(undefined);
  }

  /**
   * Submit a job.
   *
   * @param jobDefinitionPath the folder of the job; a relative path is looked up in the kit's upload folder first
   * @returns its id
   */
  async submitJob(jobDefinitionPath: string): Promise<string> {
    if (!jobDefinitionPath) {
      throw new InvalidJobDefinition("job_definition_path is required but not specified.");
    }
    if (typeof jobDefinitionPath !== "string") {
      throw new InvalidJobDefinition(`job_definition_path must be str but got ${typeof jobDefinitionPath}.`);
    }
    const folder = await transfer.jobFolder(jobDefinitionPath, this.#kit.uploadDir);
    this.#requireOpen();
    const meta = await transfer.upload(this.#connection, path.normalize(folder), this.#signer);
    return text(meta["job_id"], "server failed to return job id");
  }

  /** Make a new job of an existing one, and return its id. */
  async cloneJob(jobId: string): Promise<string> {
    const meta = await this.#jobCommand("clone_job", jobId);
    return text(meta["job_id"], "server failed to return job id");
  }

  /** The meta of a job. */
  async getJobMeta(jobId: string): Promise<JobMeta> {
    const meta = (await this.#jobCommand("get_job_meta", jobId))["job_meta"];
    if (!isObject(meta)) {
      throw new InternalError("server failed to return job meta");
    }
    return meta;
  }

  /** List jobs by the time of their submission: summaries, or metas where detailed. */
  async listJobs(options: ListOptions = {}): Promise<JobMeta[]> {
    const { detailed = false, limit = null, idPrefix = null, namePrefix = null, reverse = false } = options;
    for (const [name, flag] of Object.entries({ detailed, reverse })) {
      require(typeof flag === "boolean", `${name} must be bool but got ${typeof flag}`);
    }
    require(limit === null || typeof limit === "boolean" || Number.isInteger(limit), `limit must be None or int but got ${limit}`);
    for (const [name, prefix] of Object.entries({ id_prefix: idPrefix, name_prefix: namePrefix })) {
      require(prefix === null || typeof prefix === "string", `${name} must be None or str but got ${typeof prefix}`);
    }
    const words = ["list_jobs"];
    words.push(...(detailed ? ["-d"] : []), ...(reverse ? ["-r"] : []), ...(limit ? ["-m", String(limit)] : []));
    words.push(...(namePrefix ? ["-n", namePrefix] : []), ...(idPrefix ? [idPrefix] : []));
    const { meta } = await this.#command(words.join(" "));
    const jobs = meta["jobs"] ?? [];
    return Array.isArray(jobs) ? jobs.filter(isObject) : [];
  }

  /** Download what a job left, and return its folder, or the address of a result over the server's limit (2.3). */
  async downloadJobResult(jobId: string): Promise<string> {
    checkJobId(jobId);
    this.#requireOpen();
    return transfer.download(this.#connection, this.#kit.downloadDir, jobId);
  }

  /** Abort a job. */
  async abortJob(jobId: string): Promise<void> {
    await this.#jobCommand("abort_job", jobId);
  }

  /** Delete a job that does not run. */
  async deleteJob(jobId: string): Promise<void> {
    await this.#jobCommand("delete_job", jobId);
  }

  /** The state of the server, the connected sites and the running jobs. */
  async getSystemInfo(): Promise<SystemInfo> {
    const { meta } = await this.#command("check_status server");
    const [clients, jobs] = [objects(meta["clients"]), objects(meta["jobs"])];
    return {
      serverInfo: { status: meta["server_status"] ?? null, startTime: meta["server_start_time"] ?? null },
      clientInfo: clients.map((one) => ({
        name: one["client_name"] ?? null,
        lastConnectTime: one["client_last_conn_time"] ?? null,
      })),
      jobInfo: jobs.map((one) => ({ jobId: one["job_id"] ?? null, appName: one["app_name"] ?? null })),
    };
  }

  /** What the server tells of a cell (release 2.3). */
  async getCellConnInfo(fqcn: string): Promise<Json> {
    this.#requireOpen();
    if (!this.#connection.release.hasCellInfo) {
      throw new NotInRelease(`get_cell_conn_info is of release 2.3, but the server is of ${this.release}`);
    }
    const [item] = (await this.#command(`conns ${fqcn}`, false)).reply.items;
    return item === undefined ? null : item.type === "table" ? item.rows : item.data;
  }

  /**
   * Poll a job until it is over, the time is up or the callback has had enough. The time is looked at before each poll,
   * and the pause between two polls is never cut short.
   */
  async monitorJob(jobId: string, options: MonitorOptions = {}): Promise<MonitorReturnCode> {
    const { timeout = 0, pollInterval = 2, callback } = options;
    const started = performance.now();
    for (;;) {
      if (timeout > 0 && performance.now() - started > timeout * 1000) {
        return MonitorReturnCode.TIMEOUT;
      }
      const meta = await this.getJobMeta(jobId);
      if (callback !== undefined && !isTrue(await callback(this, jobId, meta))) {
        return MonitorReturnCode.ENDED_BY_CB;
      }
      const status = meta["status"];
      if (typeof status !== "string" || status === "") {
        throw new InternalError(`missing status in job ${jobId}`);
      }
      if (status.startsWith("FINISHED")) {
        return MonitorReturnCode.JOB_FINISHED;
      }
      require(pollInterval >= 0, "sleep length must be non-negative");
      await pause(pollInterval * 1000);
    }
  }

  #requireOpen(): void {
    this.#connection.requireOpen();
    if (this.#closed) {
      throw new SessionClosed("session closed");
    }
  }

  async #command(line: string, needsMeta = true) {
    this.#requireOpen();
    return this.#connection.execute(line, needsMeta);
  }

  async #jobCommand(name: string, jobId: string) {
    checkJobId(jobId);
    return (await this.#command(`${name} ${jobId}`)).meta;
  }
}

/** Connect over mutual TLS, as the user whom the kit's certificate names. */
export async function newSecureSession(username: string, kitLocation: string, options: SessionOptions = {}): Promise<Session> {
  if (typeof username !== "string") {
    throw new AssertionError(`expected a user name, but got ${JSON.stringify(username)}`);
  }
  return connected(new Session(username, kitLocation, options.debug), options.timeout);
}

/** Connect in clear text as `admin`, as proof-of-concept kits of release 2.3 do. */
export async function newInsecureSession(kitLocation: string, options: SessionOptions = {}): Promise<Session> {
  return connected(new Session(undefined, kitLocation, options.debug), options.timeout);
}

/** A sample callback: prints the meta of the first polls of a running job, then dots, and counts its calls. */
export function basicCbWithPrint(meta: JobMeta, counter: { count: number }, print = (text: string) => void process.stdout.write(text)): boolean {
  if (meta["status"] !== "RUNNING" || counter.count < 3) {
    print(`${JSON.stringify(meta)}\n`);
  } else {
    print(".");
  }
  counter.count += 1;
  return true;
}

async function connected(session: Session, timeout = 10): Promise<Session> {
  try {
    await session.tryConnect(timeout);
  } catch (problem) {
    await session.close();
    throw problem;
  }
  return session;
}

/** Truth as the API has it: nothing, 0, and whatever is empty end the monitoring. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.length > 0;
  }
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

function require(condition: boolean, text: string): asserts condition {
  if (!condition) {
    throw new ValueError(text);
  }
}

function checkJobId(jobId: unknown): void {
  if (!jobId) {
    throw new JobNotFound("job_id is required but not specified.");
  }
  if (typeof jobId !== "string") {
    throw new JobNotFound(`invalid job_id ${JSON.stringify(jobId)}`);
  }
}

function text(value: Json | undefined, problem: string): string {
  if (typeof value !== "string" || value === "") {
    throw new InternalError(problem);
  }
  return value;
}

function objects(value: Json | undefined): JobMeta[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
