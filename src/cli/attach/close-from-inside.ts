import { setTimeout as delay } from 'node:timers/promises';
import { closeInspector } from './inside.ts';
import type { Inspector } from './inspector.ts';

/** So long a process may take to close its inspector before the tool goes. It may be in the middle of native code. */
const PATIENCE_MS = 200;

/** Has a process close its inspector, unless another tool looks at it. Ends the connection in any case. @param token of the tool itself */
export async function closeFromInside(inspector: Inspector, token = ''): Promise<void> {
  // `require` comes from the inspector: versions of Node that have no `process.getBuiltinModule` have it too.
  const load = "typeof require === 'function' ? require : process.getBuiltinModule";
  inspector
    .evaluate(`(${String(closeInspector)})(globalThis, ${load}, ${JSON.stringify(token)})`, {
      includeCommandLineAPI: true,
    })
    .catch(() => {});
  // Whoever comes meanwhile keeps it open.
  await Promise.race([inspector.closed, delay(PATIENCE_MS, undefined, { ref: false })]);
  inspector.close();
}
