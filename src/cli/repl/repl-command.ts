export async function startRepl(): Promise<number> {
  return 0;
}
