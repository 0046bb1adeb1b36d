/**
 * Options that are not inherited: the port of a debugger can be used only once, and a program given as text is only for the first process.
 */
const NOT_FOR_PROCESSES = /^(?:--inspect|--watch|--test|--eval$|-e$|--print$|-p$|--input-type)/;
/** Options that decide how modules are found. Most other options are for whole processes, and are refused for a thread. */
const FOR_THREADS = /^(?:--import|--require|-r|--loader|--experimental-loader|--conditions|-C)\b/;
const TAKES_VALUE = /^(?:--eval|-e|--print|-p|--import|--require|-r|--loader|--experimental-loader|--conditions|-C)$/;

/** The options of this process that a child process gets too. */
export function argumentsForProcesses(): string[] {
  return chosen((option) => !NOT_FOR_PROCESSES.test(option));
}

/** The same for a thread; `undefined` when the runtime can pass them on by itself. */
export function argumentsForThreads(): string[] | undefined {
  // With `--input-type`, a thread could load no file.
  if (!process.execArgv.some((option) => option.startsWith('--input-type'))) return undefined;
  return chosen((option) => FOR_THREADS.test(option));
}

function chosen(isWanted: (option: string) => boolean): string[] {
  const all = process.execArgv;
  const found: string[] = [];
  for (let i = 0; i < all.length; i++) {
    const end = TAKES_VALUE.test(all[i]!) ? i + 2 : i + 1;
    if (isWanted(all[i]!)) found.push(...all.slice(i, end));
    i = end - 1;
  }
  return found;
}
