/** Writes what the tests of the entry for node:test ask for: one line of JSON for each event. */
export default async function* reporter(source) {
  for await (const { type, data } of source) {
    const { name, skip, todo, details, message } = data;
    if (type === 'test:diagnostic') yield `${JSON.stringify({ type, message })}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const error = details.error?.cause ?? details.error;
    yield `${JSON.stringify({ type, name, skip, todo, message: error?.message ?? String(error ?? '') })}\n`;
  }
}
