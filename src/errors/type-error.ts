/** A `TypeError` with a stable code, as all errors of this library have one. */
export function typeError(message: string, code = 'INVALID_ARGUMENT'): TypeError & { readonly code: string } {
  return Object.assign(new TypeError(message), { code });
}
