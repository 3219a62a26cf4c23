/** An admin startup kit on disk: what `fed_admin.json` says, and the certificates beside it. */
import { readFileSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";

import { AssertionError, ConfigError, FileNotFoundError, RuntimeError, ValueError } from "./errors.js";
import { isObject, type Json } from "./protocol/envelope.js";

export interface Certificates {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface StartupKit {
  readonly host: string;
  readonly port: number;
  readonly uploadDir: string;
  readonly downloadDir: string;
  /** Only in a kit that is read for a secure session. */
  readonly certificates: Certificates | undefined;
}

/**
 * Read the startup kit at a location, and make its download folder.
 *
 * @param location the kit root, the folder above `startup`
 * @param secure whether certificates are needed
 * @throws AssertionError there is no folder
 * @throws FileNotFoundError `fed_admin.json` is missing
 * @throws RuntimeError `startup` or `local` is missing
 * @throws ConfigError, TypeError, ValueError the configuration or a certificate is missing or unusable
 */
export function loadKit(location: string, secure: boolean): StartupKit {
  if (!isDir(location)) {
    throw new AssertionError(`startup kit does not exist at ${location}`);
  }
  const startup = path.join(location, "startup");
  for (const [folder, what] of [[startup, "startup"], [path.join(location, "local"), "site config"]] as const) {
    if (!isDir(folder)) {
      throw new RuntimeError(`invalid workspace ${location}: missing ${what} folder '${folder}' or not a valid dir`);
    }
  }
  const admin = readAdmin(path.join(startup, "fed_admin.json"));
  const [host, port] = endPoint(admin);
  const downloadDir = path.resolve(location, folderName(admin, "download_dir"));
  const uploadDir = path.resolve(location, folderName(admin, "upload_dir"));
  const names = admin["with_ssl"] ? certificateNames(admin) : undefined;
  mkdirSync(downloadDir, { recursive: true });
  if (!isDir(uploadDir)) {
    throw new ValueError(`upload_dir ${uploadDir} is not a valid dir`);
  }
  return { host, port, uploadDir, downloadDir, certificates: secure ? readCertificates(startup, names) : undefined };
}

function readAdmin(place: string): { [key: string]: Json } {
  let text: string;
  try {
    text = readFileSync(place, "utf-8");
  } catch (problem) {
    const missing = (problem as NodeJS.ErrnoException).code === "ENOENT";
    const text = `expected the kit's configuration at ${place}, but: ${(problem as Error).message}`;
    throw missing ? new FileNotFoundError(text) : new ConfigError(text);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (problem) {
    throw new ValueError(`${place}: expected a JSON object, but: ${(problem as Error).message}`);
  }
  const admin = isObject(document) ? document["admin"] : undefined;
  if (!isObject(admin)) {
    throw new ValueError(`${place}: expected an object as admin, but got ${shown(admin)}`);
  }
  if (Object.keys(admin).length === 0) {
    throw new ConfigError(`${place}: expected an object with fields as admin, but got an empty one`);
  }
  return admin;
}

function endPoint(admin: { [key: string]: Json }): [string, number] {
  const field = "admin.overseer_agent";
  const agent = admin["overseer_agent"];
  if (agent === undefined || agent === null) {
    throw new TypeError(`${field}: expected an object with path and args, but got nothing`);
  }
  const kind = isObject(agent) ? (agent["path"] ?? agent["name"]) : undefined;
  if (!isObject(agent) || typeof kind !== "string") {
    throw new ConfigError(`${field}: expected an object with path and args, but got ${shown(agent)}`);
  }
  if (kind.endsWith("HttpOverseerAgent")) {
    throw new ConfigError(`${field}.path: expected a kit for one server; kits for high availability are not supported`);
  }
  const args = agent["args"];
  const value = isObject(args) ? args["sp_end_point"] : undefined;
  const [host, , port, ...more] = typeof value === "string" ? value.split(":") : [];
  if (!host || !port || more.length > 0 || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw new ConfigError(`${field}.args.sp_end_point: expected host:port:port, but got ${shown(value)}`);
  }
  return [host, Number(port)];
}

function folderName(admin: { [key: string]: Json }, field: string): string {
  const value = admin[field];
  if (value === undefined || value === null) {
    throw new TypeError(`admin.${field}: expected a folder name, but got nothing`);
  }
  if (typeof value !== "string" || value === "") {
    throw new ValueError(`admin.${field}: expected a folder name, but got ${shown(value)}`);
  }
  return value;
}

function certificateNames(admin: { [key: string]: Json }): Record<"ca_cert" | "client_cert" | "client_key", string> {
  const name = (field: string) => {
    const value = admin[field];
    if (typeof value !== "string" || value === "") {
      throw new ConfigError(`admin.${field}: expected a file name, since with_ssl is set, but got ${shown(value)}`);
    }
    return value;
  };
  return { ca_cert: name("ca_cert"), client_cert: name("client_cert"), client_key: name("client_key") };
}

function readCertificates(startup: string, names: ReturnType<typeof certificateNames> | undefined): Certificates {
  if (names === undefined) {
    throw new TypeError("expected the kit to name its certificates, but it has no TLS configured");
  }
  const read = (name: string, usual: string) => {
    const place = path.join(startup, name);
    try {
      return readFileSync(place);
    } catch (problem) {
      throw new ConfigError(`${usual} does not exist at ${place}`, { cause: problem });
    }
  };
  return {
    ca: read(names.ca_cert, "rootCA.pem"),
    cert: read(names.client_cert, "client.crt"),
    key: read(names.client_key, "client.key"),
  };
}

function isDir(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 120);
}
