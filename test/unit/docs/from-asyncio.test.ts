import * as core from 'asyncio-ts';
import * as node from 'asyncio-ts/node';
import * as testing from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { exportedNames, REPORT } from '../../../scripts/lib/report.ts';
import { textOf } from '../../support/example-files.ts';

const DOCUMENT = 'docs/from-asyncio.md';

/** The names that stand in the document as code. */
const mentioned = new Set([...textOf(DOCUMENT).matchAll(/`[^`\n]+`/g)].flatMap(([code]) => code.match(/\w+/g) ?? []));

/** The names that are exported according to the report of the public types, which knows types too. */
const reported = [...exportedNames(textOf(REPORT)).values()].flat();

/** `asyncio.__all__` of CPython 3.14 on Linux and on Windows, and `contextvars.__all__`. */
const PYTHON = `
  ALL_COMPLETED FIRST_COMPLETED FIRST_EXCEPTION
  AbstractEventLoop AbstractEventLoopPolicy AbstractServer Barrier BaseEventLoop BaseProtocol BaseTransport BoundedSemaphore
  BrokenBarrierError BufferedProtocol CancelledError Condition DatagramProtocol DatagramTransport DefaultEventLoopPolicy Event
  EventLoop FrameCallGraphEntry Future FutureCallGraph Handle IncompleteReadError InvalidStateError IocpProactor LifoQueue
  LimitOverrunError Lock PriorityQueue ProactorEventLoop Protocol Queue QueueEmpty QueueFull QueueShutDown ReadTransport Runner
  SelectorEventLoop Semaphore SendfileNotAvailableError Server StreamReader StreamReaderProtocol StreamWriter SubprocessProtocol
  SubprocessTransport Task TaskGroup Timeout TimeoutError TimerHandle Transport WindowsProactorEventLoopPolicy
  WindowsSelectorEventLoopPolicy WriteTransport _enter_task _get_running_loop _leave_task _register_task _set_running_loop
  _unregister_task all_tasks as_completed capture_call_graph create_eager_task_factory create_subprocess_exec
  create_subprocess_shell create_task current_task eager_task_factory ensure_future format_call_graph future_add_to_awaited_by
  future_discard_from_awaited_by gather get_event_loop get_event_loop_policy get_running_loop iscoroutine iscoroutinefunction
  isfuture new_event_loop open_connection open_unix_connection print_call_graph run run_coroutine_threadsafe set_event_loop
  set_event_loop_policy shield sleep start_server start_unix_server timeout timeout_at to_thread wait wait_for wrap_future
  Context ContextVar Token copy_context
`;

/** The methods of CPython's event loop. */
const PYTHON_LOOP = `
  add_reader add_signal_handler add_writer call_at call_exception_handler call_later call_soon call_soon_threadsafe close
  connect_accepted_socket connect_read_pipe connect_write_pipe create_connection create_datagram_endpoint create_future
  create_server create_task create_unix_connection create_unix_server default_exception_handler get_debug get_exception_handler
  get_task_factory getaddrinfo getnameinfo is_closed is_running remove_reader remove_signal_handler remove_writer run_forever
  run_in_executor run_until_complete sendfile set_debug set_default_executor set_exception_handler set_task_factory
  shutdown_asyncgens shutdown_default_executor sock_accept sock_connect sock_recv sock_recv_into sock_recvfrom
  sock_recvfrom_into sock_sendall sock_sendfile sock_sendto start_tls stop subprocess_exec subprocess_shell time
`;

function missing(names: readonly string[]): string[] {
  return names.filter((name) => name !== '' && !mentioned.has(name));
}

describe(DOCUMENT, () => {
  test('mentions every value that the package exports', () => {
    expect(missing([...Object.keys(core), ...Object.keys(node), ...Object.keys(testing)])).toEqual([]);
  });

  test('mentions every type that the package exports', () => {
    expect(reported.length).toBeGreaterThan(100);
    expect(missing(reported)).toEqual([]);
  });

  test("mentions every name of Python's asyncio and contextvars", () => {
    expect(missing(PYTHON.split(/\s+/))).toEqual([]);
  });

  test("mentions every method of Python's event loop", () => {
    expect(missing(PYTHON_LOOP.split(/\s+/))).toEqual([]);
  });

  test('names only methods of the loop that exist', () => {
    const rows = textOf(DOCUMENT).split('## The loop')[1]!.split('\n## ')[0]!.split('\n');
    const cells = rows.map((row) => row.split('|')[2] ?? '').join(' ');
    const names = [...cells.matchAll(/`([a-z]\w+)/g)].map(([, name]) => name!);
    const loop = core.newEventLoop();
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !(name in loop) && !(name in core) && !(name in node))).toEqual([]);
  });
});
