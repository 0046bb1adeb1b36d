/** Bytes as text. */
export function text(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? undefined);
}
