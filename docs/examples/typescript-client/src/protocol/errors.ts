/** The peer broke a rule of the wire; the text says what was expected and what came. */
export class ProtocolError extends Error {}

/** The bytes of an answer are no text. */
export class NoText extends ProtocolError {}
