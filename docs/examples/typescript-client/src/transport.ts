/** Sockets: a connection a command, TLS as the kit says, bytes to and from the protocol. Knows nothing of commands. */
import net from "node:net";
import tls from "node:tls";

import { ConnectionError, KitCredentialsUnusable, ServerUnreachable, UnreadableReply } from "./errors.js";
import { Answer, type AnswerEvent, type AnswerForm } from "./protocol/answers.js";
import { NoText, ProtocolError } from "./protocol/errors.js";
import type { Certificates, StartupKit } from "./kit.js";

export interface Limits {
  /** Milliseconds for the connection and the TLS handshake. */
  readonly connect: number;
  /** Milliseconds that the server may stay silent. */
  readonly idle: number;
}

/** A server that stages a large result, or waits for sites, needs a while. */
const USUAL: Limits = { connect: 10_000, idle: 300_000 };

export type Blocks = Iterable<Buffer> | AsyncIterable<Buffer>;
export type Consumer = (event: AnswerEvent) => void | Promise<void>;

/** Opens a connection for each exchange with one server. */
export class Transport {
  readonly #context: tls.SecureContext | undefined;

  /** @throws KitCredentialsUnusable certificate and key do not fit each other, are no PEM, or the key has a passphrase */
  constructor(private readonly kit: Pick<StartupKit, "host" | "port" | "certificates">) {
    this.#context = kit.certificates && secureContext(kit.certificates);
  }

  get address(): string {
    return `${this.kit.host}:${this.kit.port}`;
  }

  /**
   * Send a request and hand every event of the answer to a consumer.
   *
   * @throws ServerUnreachable no connection, or an answer cut short; `cause` has the reason
   * @throws ConnectionError the answer breaks a rule of the wire
   */
  async exchange(blocks: Blocks, consume: Consumer, form: AnswerForm = "reply", limits: Limits = USUAL): Promise<void> {
    const answer = new Answer(form);
    const socket = await this.#connect(limits.connect);
    const sending = send(socket, blocks);
    try {
      socket.setTimeout(limits.idle, () => socket.destroy(new Error(`no answer in ${limits.idle / 1000} s`)));
      // Read while sending: a server that refuses a large request answers in the middle of it.
      const incoming = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      while (!answer.complete) {
        for (const event of parse(answer, await this.#next(incoming, answer))) {
          await consume(event);
        }
      }
    } finally {
      socket.destroy();
      await sending;
    }
  }

  async #next(incoming: AsyncIterator<Buffer>, answer: Answer): Promise<Buffer> {
    try {
      const { done, value } = await incoming.next();
      if (done) {
        answer.receiveEnd();
      }
      return done ? Buffer.alloc(0) : value;
    } catch (problem) {
      throw this.#unreachable(problem);
    }
  }

  #connect(limit: number): Promise<net.Socket> {
    const { host, port } = this.kit;
    // Official clients connect over IPv4 alone.
    const socket =
      this.#context === undefined
        ? net.connect({ host, port, family: 4, noDelay: true })
        : tls.connect({
            socket: net.connect({ host, port, family: 4, noDelay: true }),
            secureContext: this.#context,
            rejectUnauthorized: true,
            // Kits name aliases and addresses freely: official clients never compare the host with the certificate.
            checkServerIdentity: () => undefined,
            ...(net.isIP(host) ? {} : { servername: host }),
          });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new Error(`no connection in ${limit / 1000} s`)), limit);
      socket.once("close", () => clearTimeout(timer));
      socket.on("error", (problem) => reject(this.#unreachable(problem)));
      socket.once("close", () => reject(this.#unreachable(new Error("the server closed the connection"))));
      socket.once(this.#context === undefined ? "connect" : "secureConnect", () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  #unreachable(problem: unknown): Error {
    const { host, port } = this.kit;
    const text = `error: Failed to communicate with Admin Server ${host} on ${port}: ${(problem as Error).message}`;
    return new ServerUnreachable(text, { cause: problem });
  }
}

function secureContext(certificates: Certificates): tls.SecureContext {
  try {
    return tls.createSecureContext({ ...certificates, minVersion: "TLSv1.2" });
  } catch (problem) {
    const text = `expected a certificate and its key without passphrase, but: ${(problem as Error).message}`;
    throw new KitCredentialsUnusable(text);
  }
}

/** Send blocks until the socket is gone. What the source of the blocks throws ends the socket with that reason. */
async function send(socket: net.Socket, blocks: Blocks): Promise<void> {
  try {
    for await (const block of blocks) {
      if (socket.destroyed) {
        return;
      }
      if (!socket.write(block)) {
        await new Promise<void>((resolve) => {
          const go = () => {
            socket.off("drain", go).off("close", go);
            resolve();
          };
          socket.on("drain", go).on("close", go);
          if (socket.destroyed) {
            go();
          }
        });
      }
    }
  } catch (problem) {
    socket.destroy(problem as Error);
  }
}

function parse(answer: Answer, data: Buffer): AnswerEvent[] {
  try {
    return answer.receive(data);
  } catch (problem) {
    if (!(problem instanceof ProtocolError)) {
      throw problem;
    }
    const text = `cannot connect to server: ${problem.message}`;
    // Official clients take bytes that are no text for a lost connection, and text that is no message for a wrong peer.
    throw problem instanceof NoText
      ? new UnreadableReply(text, { cause: problem })
      : new ConnectionError(text, { cause: problem });
  }
}

/** Whether TLS failed over a certificate, here or there, so that trying again would not help. */
export function isRefusal(problem: unknown): boolean {
  const { code = "", message = "" } = (problem ?? {}) as NodeJS.ErrnoException;
  return /CERT|UNKNOWN_CA|ACCESS_DENIED|UNABLE_TO_VERIFY/.test(code) || /alert (bad certificate|unknown ca)/.test(message);
}
