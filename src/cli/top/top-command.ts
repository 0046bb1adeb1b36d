export async function top(_c: unknown): Promise<number> {
  return 0;
}
