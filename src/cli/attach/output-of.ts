import process from 'node:process';

/** What a command of the system prints; nothing where it fails, as it does when a process has ended. */
export function outputOf(command: string, args: readonly string[]): string {
  // Only where there is no /proc: it is not loaded for nothing.
  const { execFileSync } = process.getBuiltinModule('node:child_process');
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
