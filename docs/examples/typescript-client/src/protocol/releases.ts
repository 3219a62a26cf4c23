/**
 * What each release does differently, as data, and how a server's release is told from the commands it announces.
 */
import type { Json } from "./envelope.js";

/** A release line. */
export interface Release {
  readonly name: string;
  /** How a job definition travels. */
  readonly upload: "inline" | "exchange";
  /** How a result travels. */
  readonly download: "inline" | "chunked" | "exchange";
  /** Whether statuses beside the first few have exceptions of their own. */
  readonly detailedStatuses: boolean;
  /** Whether the status `no_reply` has one. */
  readonly mapsNoReply: boolean;
  /** Whether a meta without status is an error. */
  readonly missingStatusIsError: boolean;
  /** Whether `getCellConnInfo` exists. */
  readonly hasCellInfo: boolean;
}

export const R23: Release = {
  name: "2.3",
  upload: "inline",
  download: "inline",
  detailedStatuses: false,
  mapsNoReply: false,
  missingStatusIsError: true,
  hasCellInfo: true,
};
export const R24: Release = {
  ...R23,
  name: "2.4",
  download: "chunked",
  detailedStatuses: true,
  missingStatusIsError: false,
  hasCellInfo: false,
};
export const R25: Release = { ...R24, name: "2.5", upload: "exchange", download: "exchange", mapsNoReply: true };
export const R26: Release = { ...R25, name: "2.6" };
export const LATEST = R26;

/** A command as the server announced it. */
export interface Command {
  readonly scope: string;
  readonly name: string;
  readonly clientCommand: string | undefined;
}

/**
 * Read the table of commands that follows a login. The first row is a header, a short row ends the table, and a name
 * that two scopes share is left out: official clients read it so.
 */
export function readCommands(rows: readonly Json[][]): Map<string, Command> {
  const found = new Map<string, Command>();
  const ambiguous = new Set<string>();
  for (const row of rows.slice(1)) {
    if (row.length < 5) {
      break;
    }
    const [scope, name, clientCommand] = [String(row[0]), String(row[1]), row[5]];
    if (found.has(name) && found.get(name)?.scope !== scope) {
      ambiguous.add(name);
    }
    found.set(name, { scope, name, clientCommand: typeof clientCommand === "string" ? clientCommand : undefined });
  }
  ambiguous.forEach((name) => found.delete(name));
  return found;
}

/** Tell the release; one that fits none is taken for the latest. */
export function recogniseRelease(commands: ReadonlyMap<string, Command>): Release {
  const upload = commands.get("submit_job")?.clientCommand;
  const download = commands.get("download_job")?.clientCommand;
  if (upload === "file_transfer.upload_folder") {
    return download === "file_transfer.pull_folder" ? R24 : R23;
  }
  return commands.has("list_job") ? R26 : R25;
}
