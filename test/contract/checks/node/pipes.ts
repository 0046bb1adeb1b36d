import { getRunningLoop } from 'asyncio-ts';
import { connectReadPipe, connectWritePipe, Protocol, runProcess } from 'asyncio-ts/node';
import { withPrograms } from '../../lib/environment.ts';
import { equal, throws } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import { text } from '../../lib/text.ts';

const { check, live } = subject('pipes');
const { live: liveWithPrograms } = subject('pipes', withPrograms);

/** Notes its calls; of the data only the total, because the sizes of the pieces are not known. */
class Notes extends Protocol {
  readonly notes: string[] = [];
  readonly lost = getRunningLoop().createFuture<void>();
  received = '';

  override connectionMade(): void {
    this.notes.push('made');
  }

  override dataReceived(data: Uint8Array): void {
    this.received += text(data);
  }

  override eofReceived(): void {
    this.notes.push('eof');
  }

  override connectionLost(error: unknown): void {
    this.notes.push(`lost ${error}`);
    this.lost.setResult(undefined);
  }
}

liveWithPrograms('of another program tell their protocols in order', function* (s) {
  const child = process.getBuiltinModule('node:child_process').spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  const [, reading] = yield* s.wait(connectReadPipe(() => new Notes(), child.stdout));
  const [transport, writing] = yield* s.wait(connectWritePipe(() => new Notes(), child.stdin));
  const line = 'grüße\n';
  for (let i = 0; i < 1_000; i++) transport.write(line);
  transport.close();
  yield* s.wait(writing.lost);
  yield* s.wait(reading.lost);
  equal(reading.received, line.repeat(1_000));
  equal(writing.notes, ['made', 'lost null']);
  equal(reading.notes, ['made', 'eof', 'lost null']);
});

live('of the runtime itself are read and written', function* (s) {
  const { fileURLToPath } = process.getBuiltinModule('node:url');
  const program = fileURLToPath(new URL('../../programs/upper.ts', import.meta.url));
  const { returncode, stdout, stderr } = yield* s.wait(
    runProcess(process.execPath, [program], { input: 'one\ngrüße\n', encoding: 'utf-8' }),
  );
  equal([returncode, stdout, stderr], [0, 'ONE\nGRÜSSE\n', '']);
});

check('that are not streams are refused', async () => {
  throws(() => connectReadPipe(() => new Protocol(), 5 as never), TypeError);
  throws(() => connectWritePipe(() => new Protocol(), {} as never), TypeError);
});
