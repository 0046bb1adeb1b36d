// Prints how many milliseconds the import of the module named by its argument takes. A file of its own, so that the
// start of the runtime's module loader is not counted, and JavaScript, so that no types have to be stripped.
const began = performance.now();
await import(process.argv[2]);
process.stdout.write(String(performance.now() - began));
