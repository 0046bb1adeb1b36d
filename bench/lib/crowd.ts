import {
  Condition,
  coroutine,
  createTask,
  type EventLoop,
  Event as Flag,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  Runner,
  Semaphore,
  sleep,
  timeout,
} from 'asyncio-ts';

/** What a server that is hardly busy has: a loop that stays, and tasks of both spellings that wait for all kinds of things. */

const LONG = 3600;
const OF_EACH = 10;

const beat = coroutine(function* (ticks: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < ticks; i++) yield* sleep(LONG);
});

class Crowd {
  readonly lock = new Lock();
  readonly units = new Semaphore(1);
  readonly flag = new Flag();
  readonly condition = new Condition();
  readonly items = new Queue<number>(1);
  readonly full = new Queue<number>(1);

  *lives(): Generator<unknown, void, unknown> {
    yield* gather([this.sleeps(), this.locks(), this.waits(), this.gets(), this.puts(), beat(10), this.limits()]);
  }

  *sleeps(): Generator<unknown, void, unknown> {
    for (;;) yield* sleep(LONG);
  }

  *locks(): Generator<unknown, void, unknown> {
    yield* this.units.with(() => this.lock.with(() => this.flag.wait()));
  }

  *waits(): Generator<unknown, void, unknown> {
    yield* this.condition.with(() => this.condition.wait());
  }

  *gets(): Generator<unknown, void, unknown> {
    for (;;) yield* this.items.get();
  }

  *puts(): Generator<unknown, void, unknown> {
    for (;;) yield* this.full.put(1);
  }

  *limits(): Generator<unknown, void, unknown> {
    yield* timeout(LONG, () => this.flag.wait());
  }

  async livesAsync(): Promise<void> {
    const all = [this.sleepsAsync, this.locksAsync, this.waitsAsync, this.getsAsync, this.putsAsync, this.limitsAsync];
    await gather(all.map((life) => () => life.call(this)));
  }

  async sleepsAsync(): Promise<void> {
    for (;;) await sleep(LONG);
  }

  async locksAsync(): Promise<void> {
    await this.units.with(() => this.lock.with(async () => void (await this.flag.wait())));
  }

  async waitsAsync(): Promise<void> {
    await this.condition.with(async () => void (await this.condition.wait()));
  }

  async getsAsync(): Promise<void> {
    for (;;) await this.items.get();
  }

  async putsAsync(): Promise<void> {
    for (;;) await this.full.put(1);
  }

  async limitsAsync(): Promise<void> {
    await timeout(LONG, async () => void (await this.flag.wait()));
  }
}

/** A loop that runs until it is closed, with tasks that wait in it. */
export interface LivingLoop {
  readonly loop: EventLoop;
  close(): Promise<void>;
}

/** @param populated whether tasks wait in it */
export async function startLoop(populated: boolean): Promise<LivingLoop> {
  const runner = new Runner();
  const end = new Flag();
  const { promise: started, resolve } = Promise.withResolvers<EventLoop>();
  const life = runner.run(function* () {
    if (populated) {
      for (let i = 0; i < OF_EACH; i++) {
        const crowd = new Crowd();
        createTask(crowd.lives());
        createTask(() => crowd.livesAsync());
      }
      yield* sleep(0.01);
    }
    resolve(getRunningLoop());
    yield* end.wait();
  });
  const loop = await started;
  return {
    loop,
    async close() {
      loop.callSoonThreadsafe(() => end.set());
      await life;
      await runner.close();
    },
  };
}
