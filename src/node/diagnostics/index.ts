export { type DiagnosticsMessages, publishDiagnostics } from './publish-diagnostics.ts';
