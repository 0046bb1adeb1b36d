import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { AsyncioContextManager } from 'asyncio-ts/opentelemetry';
import { afterEach, beforeEach } from 'vitest';

const exporter = new InMemorySpanExporter();

/** Sets OpenTelemetry up with this library's context manager, and forgets all spans after each test. */
export function useOpenTelemetry(): void {
  beforeEach(() => {
    exporter.reset();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    context.setGlobalContextManager(new AsyncioContextManager().enable());
  });
  afterEach(() => {
    trace.disable();
    context.disable();
  });
}

/** The spans that have ended, in words: `name < parent` with what is remarkable. */
export function told(): string[] {
  const spans = exporter.getFinishedSpans();
  const nameOf = (id: string | undefined) => spans.find((span) => span.spanContext().spanId === id)?.name ?? '?';
  return spans.map((span) => {
    const parent = span.parentSpanContext === undefined ? '' : ` < ${nameOf(span.parentSpanContext.spanId)}`;
    const links = span.links.map((link) => ` ~ ${nameOf(link.context.spanId)}`).join('');
    const status = span.status.code === SpanStatusCode.ERROR ? ` ! ${span.status.message}` : '';
    const events = span.events.map(({ name }) => ` + ${name}`).join('');
    return `${span.name}${parent}${links}${status}${events}`;
  });
}

export function spanCalled(name: string): ReadableSpan {
  const found = exporter.getFinishedSpans().find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span is called ${name}: there are ${told().join(', ')}`);
  return found;
}
