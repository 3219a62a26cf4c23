/** A user's session with a server: logging in, the token, the commands that the server announced, one at a time. */
import { performance } from "node:perf_hooks";

import {
  ConnectionError,
  InternalError,
  LoginRejected,
  NoConnection,
  NotInRelease,
  ServerUnreachable,
  SessionClosed,
  SessionExpired,
} from "./errors.js";
import { first, requestText, texts, type Envelope, type Json, type Meta } from "./protocol/envelope.js";
import { LATEST, readCommands, recogniseRelease, type Command, type Release } from "./protocol/releases.js";
import { judge, saysGoodbye } from "./protocol/replies.js";
import { textRequest } from "./protocol/requests.js";
import { pause } from "./pause.js";
import { isRefusal, type Blocks, type Limits, type Transport } from "./transport.js";
import type { AnswerForm } from "./protocol/answers.js";

/** Milliseconds between two tries to log in while the server does not answer. */
const RETRY = 100;
/** Milliseconds that `logOut` waits for the server. */
const LOG_OUT = 1000;

interface Login {
  readonly token: string;
  readonly commands: ReadonlyMap<string, Command>;
  readonly release: Release;
}

export interface Judged {
  readonly reply: Envelope;
  readonly meta: Meta;
}

export class Connection {
  #login: Login | undefined;
  #usable = false;
  #over = false;
  #timeout: number | undefined;

  /**
   * @param transport where the server is
   * @param user the name to log in with; undefined for the one user of an insecure server
   * @param trace is told of every command line, for debugging
   */
  constructor(
    readonly transport: Transport,
    private readonly user: string | undefined,
    private readonly trace: (text: string) => void,
  ) {}

  /** Whether there is a token that the server has not refused yet. */
  get isReady(): boolean {
    return this.#usable;
  }

  /** The release of the server; the latest before the first login. */
  get release(): Release {
    return this.#login?.release ?? LATEST;
  }

  /** @throws SessionClosed the server took its leave */
  requireOpen(): void {
    if (this.#over) {
      throw new SessionClosed("session closed");
    }
  }

  /** Have servers of 2.4 and later wait so many seconds for sites. */
  setTimeout(seconds: number | undefined): void {
    this.#timeout = seconds;
  }

  /** The command as the server announced it. */
  command(name: string): Command {
    const found = this.#require().commands.get(name);
    if (found === undefined) {
      throw new NotInRelease(`protocol error: ERROR_SYNTAX: the server (release ${this.release.name}) has no ${name}`);
    }
    return found;
  }

  /** The JSON text of the request for a command line. */
  request(line: string): string {
    const meta: Meta = this.#timeout === undefined ? {} : { cmd_timeout: this.#timeout };
    return requestText(line, this.#require().token, meta);
  }

  /** Send a command line and judge the reply. */
  async execute(line: string, needsMeta = true): Promise<Judged> {
    this.command(line.split(" ", 1)[0] ?? "");
    return this.send(line, [textRequest(this.request(line))], needsMeta);
  }

  /** Send a request that is in bytes already and judge the text reply. */
  async send(line: string, blocks: Blocks, needsMeta = true): Promise<Judged> {
    const login = this.#require();
    this.trace(`> ${line}`);
    return this.#judge(line, await this.#ask(blocks), login, needsMeta);
  }

  /** Send a command line whose answer is a file. A text reply that comes instead is judged, and is no file. */
  async receive(line: string, form: AnswerForm, write: (data: Buffer) => Promise<void>): Promise<void> {
    const login = this.#require();
    let complete = false;
    this.trace(`> ${line}`);
    await this.transport.exchange(
      [textRequest(this.request(line))],
      async (event) => {
        if (event.kind === "reply") {
          this.#judge(line, event.envelope, login, false);
        } else if (event.kind === "data") {
          await write(event.data);
        } else {
          complete = true;
        }
      },
      form,
    );
    if (!complete) {
      throw new InternalError(`expected a file in answer to ${line}, but the server sent a text reply`);
    }
  }

  /**
   * Log in, again and again while the server does not answer.
   *
   * @throws LoginRejected the user or a certificate is refused
   * @throws NoConnection no login within the time
   */
  async logIn(seconds: number): Promise<void> {
    const deadline = performance.now() + seconds * 1000;
    let last: unknown;
    while (performance.now() < deadline) {
      try {
        this.#login = await this.#tryLogIn(deadline);
        this.#usable = true;
        return;
      } catch (problem) {
        const cause = problem instanceof ServerUnreachable ? problem.cause : undefined;
        if (problem instanceof LoginRejected || isRefusal(cause)) {
          const reason = ((cause ?? problem) as Error).message;
          throw new LoginRejected(`cannot connect to FLARE at ${this.transport.address}: ${reason}`, { cause: problem });
        }
        if (!(problem instanceof InternalError || problem instanceof ConnectionError)) {
          throw problem;
        }
        last = problem;
        await pause(Math.min(RETRY, deadline - performance.now()));
      }
    }
    const reason = last === undefined ? "" : `: ${(last as Error).message}`;
    throw new NoConnection(`cannot connect to FLARE in ${seconds} seconds${reason}`, { cause: last });
  }

  /** Tell the server that the session is over; one that cannot be told forgets it by itself. */
  async logOut(): Promise<void> {
    if (this.#usable) {
      const bytes = textRequest(this.request("_logout"));
      this.#usable = false;
      await this.#ask([bytes], { connect: LOG_OUT, idle: LOG_OUT }).catch((problem: Error) => this.trace(problem.message));
    }
  }

  async #tryLogIn(deadline: number): Promise<Login> {
    const credentials = this.user === undefined ? "_login admin admin" : `_cert_login ${this.user}`;
    const limits = (): Limits => {
      const left = Math.max(1, deadline - performance.now());
      return { connect: left, idle: left };
    };
    const answer = await this.#ask([textRequest(requestText(credentials, undefined))], limits());
    const words = texts(answer?.items ?? [], "string");
    const token = answer && first(answer, "token");
    if (words.includes("REJECT")) {
      throw new LoginRejected("the server rejects the login (user name and certificate must agree)");
    }
    if (typeof token !== "string" || !words.includes("OK")) {
      throw new ConnectionError(`expected OK and a token from the login, but got ${JSON.stringify(words).slice(0, 200)}`);
    }
    const table = await this.#ask([textRequest(requestText("_commands", token))], limits());
    const rows: Json[][] = table?.items.flatMap((item) => (item.type === "table" ? [item.rows] : []))[0] ?? [];
    if (rows.length === 0) {
      throw new ConnectionError("expected the table of commands after the login, but the reply has none");
    }
    const commands = readCommands(rows);
    return { token, commands, release: recogniseRelease(commands) };
  }

  async #ask(blocks: Blocks, limits?: Limits): Promise<Envelope | undefined> {
    let reply: Envelope | undefined;
    await this.transport.exchange(
      blocks,
      (event) => {
        reply = event.kind === "reply" ? event.envelope : reply;
      },
      "reply",
      ...(limits === undefined ? [] : [limits]),
    );
    return reply;
  }

  #judge(line: string, reply: Envelope | undefined, login: Login, needsMeta: boolean): Judged {
    if (reply !== undefined && saysGoodbye(reply)) {
      this.#over = true;
      this.#usable = false;
    }
    try {
      const judged = judge(line, reply, login.release, needsMeta);
      return { reply: judged, meta: judged.meta };
    } catch (problem) {
      // Only if nobody logged in again meanwhile.
      if (problem instanceof SessionExpired && this.#login === login) {
        this.#usable = false;
      }
      throw problem;
    }
  }

  #require(): Login {
    if (this.#login === undefined) {
      throw new SessionClosed("the session is closed on server: not logged in, call tryConnect first");
    }
    return this.#login;
  }
}
