/**
 * Calls back at the first SIGTERM. The process ignores further ones: it may get two of them, from whoever ends it and from a program between,
 * such as `npm start`; and without a listener the second one would end it in the middle of its work.
 */
export function onSigterm(stop: () => Promise<void>): void {
  let isStopping = false;
  process.on('SIGTERM', () => {
    if (isStopping) return;
    isStopping = true;
    void stop();
  });
}
