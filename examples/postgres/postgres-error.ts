import type { Fields } from './messages.ts';

/** The letters of the parts of an error that this example shows. */
const PARTS = {
  S: 'severity',
  C: 'code',
  M: 'message',
  D: 'detail',
  H: 'hint',
  P: 'position',
  n: 'constraint',
} as const;

type Details = { [Part in (typeof PARTS)[keyof typeof PARTS]]?: string };

/** The server has reported an error. `code` says which: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export class PostgresError extends Error {
  /** Five characters, such as `23505` for a key that exists already. */
  readonly code: string;
  readonly severity: string | undefined;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  /** The position in the statement, counted from 1. */
  readonly position: number | undefined;
  readonly constraint: string | undefined;

  constructor({ message, code = '', severity, detail, hint, position, constraint }: Details) {
    super(message);
    this.code = code;
    this.severity = severity;
    this.detail = detail;
    this.hint = hint;
    this.position = position === undefined ? undefined : Number(position);
    this.constraint = constraint;
  }

  override get name(): string {
    return 'PostgresError';
  }

  /** Of an error message. */
  static of(body: Fields): PostgresError {
    const details: Details = {};
    while (!body.isAtEnd) {
      const letter = body.string(1) as keyof typeof PARTS | '\0';
      if (letter === '\0') break;
      const text = body.text();
      const part = PARTS[letter];
      if (part !== undefined) details[part] = text;
    }
    return new PostgresError(details);
  }
}
