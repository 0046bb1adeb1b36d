/**
 * Spans of tasks for OpenTelemetry, and its active context in both spellings. Needs the package `@opentelemetry/api`.
 *
 * @module asyncio-ts/opentelemetry
 */

export { AsyncioContextManager } from './context-manager.ts';
export { type InSpanOptions, inSpan } from './in-span.ts';
export { startTaskSpans, type TaskSpanOptions } from './task-spans.ts';
