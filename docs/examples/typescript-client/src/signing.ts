/**
 * The two files by which each folder of a job is signed: for every file RSA-PSS over its content, for every folder over
 * its name, and the certificate of who signed. Servers of 2.3 to 2.6 check what is there when they deploy the job.
 */
import { constants, createPrivateKey, createSign, type KeyObject } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

import { ConfigError } from "./errors.js";

const SIGNATURE_FILE = ".__nvfl_sig.json";
const CERTIFICATE_FILE = ".__nvfl_submitter.crt";

/** Whether a file is one that signing writes: what an official client left in a folder gives way to the fresh one. */
export function ignoredBySigner(name: string): boolean {
  return name === SIGNATURE_FILE || name === CERTIFICATE_FILE;
}

/** Signs folders with the key of a kit. */
export class FolderSigner {
  readonly #key: KeyObject;

  /** @throws ConfigError the key is no RSA key without passphrase */
  constructor(
    keyPem: Buffer,
    private readonly certificatePem: Buffer,
  ) {
    try {
      this.#key = createPrivateKey(keyPem);
    } catch (problem) {
      throw new ConfigError(`expected a private key without passphrase, but: ${(problem as Error).message}`);
    }
    if (this.#key.asymmetricKeyType !== "rsa") {
      throw new ConfigError(`expected an RSA key to sign with, but got ${this.#key.asymmetricKeyType}`);
    }
  }

  /** The files that signing adds to a folder, by name. */
  async sign(folder: string): Promise<[string, Buffer][]> {
    const signatures: Record<string, string> = {};
    for (const name of (await readdir(folder)).sort()) {
      if (ignoredBySigner(name)) {
        continue;
      }
      const place = path.join(folder, name);
      const signing = createSign("sha256");
      if ((await stat(place)).isDirectory()) {
        signing.update(name, "utf-8");
      } else {
        for await (const block of createReadStream(place)) {
          signing.update(block as Buffer);
        }
      }
      const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_MAX_SIGN: saltLength } = constants;
      signatures[name] = signing.sign({ key: this.#key, padding, saltLength }, "base64");
    }
    return [
      [SIGNATURE_FILE, Buffer.from(JSON.stringify(signatures), "utf-8")],
      [CERTIFICATE_FILE, this.certificatePem],
    ];
  }
}
