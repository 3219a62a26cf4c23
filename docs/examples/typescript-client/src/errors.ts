/**
 * Every error that a session raises, by the names of the official API.
 *
 * Where JavaScript has no class of that name (`ValueError`), one is made; `TypeError` is JavaScript's own. Subclasses
 * name a cause that the official client hides.
 */

class NamedError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export class NoConnection extends NamedError {}
export class SessionClosed extends NamedError {}
export class InvalidArgumentError extends NamedError {}
export class InvalidJobDefinition extends NamedError {}
export class JobNotFound extends NamedError {}
export class JobNotRunning extends NamedError {}
export class JobNotDone extends NamedError {}
export class InternalError extends NamedError {}
export class AuthenticationError extends NamedError {}
export class AuthorizationError extends NamedError {}
export class NoClientsAvailable extends NamedError {}
export class ClientsStillRunning extends NamedError {}
export class InvalidTarget extends NamedError {}
export class NoReply extends NamedError {}
/** The startup kit is unusable. */
export class ConfigError extends NamedError {}
/** The server's answer is no message of the protocol. */
export class ConnectionError extends NamedError {}
export class AssertionError extends NamedError {}
export class RuntimeError extends NamedError {}
export class ValueError extends NamedError {}

/** The kit's configuration is not there. */
export class FileNotFoundError extends ConfigError {}
/** The kit's certificate or key is no PEM, has a passphrase, or the two do not fit each other: no login can succeed. */
export class KitCredentialsUnusable extends NoConnection {}
/** Bytes came that are no text at all, as after a fault on the way: as good as a lost connection. */
export class UnreadableReply extends InternalError {}
/** The server does not know the session's token any more; `tryConnect` logs in again. */
export class SessionExpired extends InternalError {}
/** The server could not be reached, or hung up in the middle of an answer. */
export class ServerUnreachable extends InternalError {}
/** The server or a certificate says no: waiting would not help. */
export class LoginRejected extends NoConnection {}
/** A downloaded archive would write outside its folder, or is broken; nothing of it is kept. */
export class UnsafeArchive extends InternalError {}
/** The server's release has no such command. */
export class NotInRelease extends InternalError {}
