// A page with the suite in a web worker.
interface WorkerLike {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message: string }) => void) | null;
}
declare const Worker: new (url: URL, options: { readonly type: 'module' }) => WorkerLike;

const contract = new Promise((resolve, reject) => {
  const worker = new Worker(new URL('web-worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
});
Object.assign(globalThis, { contract });
