import { createTask, Event, gather, getRunningLoop, Lock, sleep, type Task } from 'asyncio-ts';
import { completion } from 'asyncio-ts/testing';
import { check, type Family, type Kernel } from '../kernel.ts';
import { Files, oneAfterTheOther, operation, type Part } from '../outside.ts';

/** A kernel with the rates of the two published tools. */
function race(kernel: Omit<Kernel, 'published'> & { readonly nodeRacer: number; readonly nacd: number }): Kernel {
  const { nodeRacer, nacd, ...rest } = kernel;
  return {
    ...rest,
    published: {
      figure: `${share(nacd)} NACD, ${share(nodeRacer)} NodeRacer`,
      within: 100,
      rate: Math.max(nodeRacer, nacd),
    },
  };
}

function share(rate: number): string {
  return rate.toFixed(3).replace(/0$/, '');
}

// ---------------------------------------------------------------- agentkeepalive#23

/** A client sends three requests at the pace at which the agent gives up idle sockets. */
function keepAlive(givesUpAtOnce: boolean) {
  return function* main(): Part {
    const free: { isDestroyed: boolean }[] = [];
    const closing: Task<void>[] = [];
    function* close(socket: { isDestroyed: boolean }): Part {
      socket.isDestroyed = true;
      if (givesUpAtOnce) free.splice(free.indexOf(socket), 1);
      yield* operation('the socket is closed');
      if (!givesUpAtOnce) free.splice(free.indexOf(socket), 1);
    }
    function* idle(socket: { isDestroyed: boolean }): Part {
      yield* sleep(0.005);
      if (free.includes(socket)) yield* close(socket);
    }
    function* request(): Part {
      const socket = free.pop() ?? { isDestroyed: false };
      yield* operation('the reply');
      check(!socket.isDestroyed, 'ECONNRESET: socket hang up');
      free.push(socket);
      closing.push(createTask(idle(socket)));
    }
    for (let i = 0; i < 3; i++) {
      yield* request();
      yield* sleep(0.0055);
    }
    yield* gather(...closing);
  };
}

// ---------------------------------------------------------------- fiware-pep-steelskin

/** Three requests find that the token of the proxy has expired. A new token makes the one before it invalid. */
function tokens(isShared: boolean) {
  return function* main(): Part {
    let valid = 1;
    let token = 0;
    const lock = new Lock();
    function* renew(): Part {
      const renewed = yield* operation('a new token', () => ++valid);
      yield* operation('the roles of the token');
      token = renewed;
    }
    function* access(): Part {
      if (isShared) {
        yield* lock.acquire();
        if (token !== valid) yield* renew();
        lock.release();
      } else if (token !== valid) yield* renew();
      const used = token;
      const isAccepted = yield* operation('access control', () => used === valid);
      check(isAccepted, 'the request was refused: its token is not valid');
    }
    yield* oneAfterTheOther([access, access, access]);
  };
}

// ---------------------------------------------------------------- Ghost#1834

/** Only the first user may sign up, and several try to. */
function signUp(isAtomic: boolean) {
  return function* main(): Part {
    let users = 0;
    function* add(): Part {
      if (isAtomic) {
        yield* operation('check the password');
        yield* operation('insert the user if there is none', () => {
          users += users === 0 ? 1 : 0;
        });
        return;
      }
      const isFirst = yield* operation('count the users', () => users === 0);
      yield* operation('hash the password');
      if (isFirst) {
        yield* operation('insert the user', () => {
          users++;
        });
      }
    }
    yield* oneAfterTheOther([add, add, add, add]);
    check(users === 1, 'there is more than one owner');
  };
}

// ---------------------------------------------------------------- mkdirp#2

function* mkdirp(files: Files, path: string, toleratesExisting: boolean): Part {
  if (path === '' || (yield* files.exists(path))) return;
  yield* mkdirp(files, path.slice(0, Math.max(0, path.lastIndexOf('/'))), toleratesExisting);
  try {
    yield* files.mkdir(path);
  } catch (error) {
    if (!(toleratesExisting && String(error).includes('EEXIST'))) throw error;
  }
}

/** Three callers make folders within the same folder. */
function folders(toleratesExisting: boolean) {
  return function* main(): Part {
    const files = new Files();
    const paths = ['a/b/c/x', 'a/b/c/y', 'a/b/c/z'];
    yield* oneAfterTheOther(paths.map((path) => () => mkdirp(files, path, toleratesExisting)));
    check(
      paths.every((path) => files.has(path)),
      'a folder is missing',
    );
  };
}

// ---------------------------------------------------------------- nes#18

/** The connection is lost, and the client is closed while it waits to connect again. */
function reconnects(checksAgain: boolean) {
  return function* main(): Part {
    const server = {};
    let reconnection: { readonly auth: string } | null = { auth: 'token' };
    let isClosed = false;
    function* connection(): Part {
      yield* operation('the connection is lost', undefined, server);
      if (isClosed) return;
      for (let attempt = 0; attempt < 3; attempt++) {
        yield* sleep(0.01 * 2 ** attempt);
        if (checksAgain && reconnection === null) return;
        check(reconnection !== null, "cannot read the property 'auth' of null");
        yield* operation('the server refuses', undefined, server);
      }
    }
    function* user(): Part {
      yield* operation('the user has read the message');
      isClosed = true;
      reconnection = null;
    }
    yield* gather(user(), connection());
  };
}

// ---------------------------------------------------------------- node-logger-file#1

/** Ten lines are logged; the logger is done when the last one is written, or when all are. */
function logger(countsAll: boolean) {
  return function* main(): Part {
    const lines = 10;
    const isDone = new Event();
    let written = 0;
    function* log(number: number): Part {
      yield* operation('the size of the file');
      yield* operation('write the line');
      written++;
      const isLast = countsAll ? written === lines : number === lines && written === lines;
      if (isLast) isDone.set();
    }
    const all = Array.from({ length: lines }, (_, i) => createTask(log(i + 1)));
    yield* isDone.wait();
    yield* gather(...all);
  };
}

// ---------------------------------------------------------------- socket.io#1862

/** One socket is closed while another one of the same connection is about to be connected, three times. */
function namespaces(keepsForConnecting: boolean) {
  return function* main(): Part {
    function* round(): Part {
      const connection = { isOpen: true };
      const connected = new Set(['/chat']);
      const connecting = new Set(['/news']);
      function* connects(): Part {
        yield* operation('/news is connected', undefined, connection);
        check(connection.isOpen, '/news is never connected');
        connecting.delete('/news');
        connected.add('/news');
      }
      function* disconnects(): Part {
        yield* operation('the user leaves /chat');
        connected.delete('/chat');
        const isUsed = connected.size > 0 || (keepsForConnecting && connecting.size > 0);
        if (!isUsed) connection.isOpen = false;
      }
      yield* gather(connects(), disconnects());
    }
    for (let i = 0; i < 3; i++) yield* round();
  };
}

// ---------------------------------------------------------------- del#43

function* rimraf(files: Files, path: string): Part {
  yield* files.stat(path);
  if (path === 'folder') {
    for (const child of yield* files.list(path)) yield* files.remove(child);
  }
  yield* files.remove(path);
}

/** A folder and the files in it are removed at the same time, or the files first. */
function removals(isInOrder: boolean) {
  return function* main(): Part {
    const children = ['folder/a.js', 'folder/b.js', 'folder/c.js'];
    const files = new Files().given('folder', ...children);
    if (isInOrder) {
      yield* gather(...children.map((path) => rimraf(files, path)));
      yield* rimraf(files, 'folder');
    } else yield* gather(...children.map((path) => rimraf(files, path)), rimraf(files, 'folder'));
    check(!files.has('folder'), 'the folder is still there');
  };
}

// ---------------------------------------------------------------- linter-stylint

/** Two versions of a text are checked, and the messages of the last check to end are shown. */
function linter(dropsOld: boolean) {
  return function* main(): Part {
    let version = 0;
    let shown = 0;
    function* lint(): Part {
      const mine = ++version;
      yield* operation(`find the settings for version ${mine}`);
      yield* operation(`the linter has checked version ${mine}`);
      if (!dropsOld || mine === version) shown = mine;
    }
    yield* oneAfterTheOther([lint, lint, lint]);
    check(shown === version, 'shows the messages of an older version');
  };
}

// ---------------------------------------------------------------- simplecrawler#298

/** A crawler looks every millisecond whether it has something to do. */
function crawler(countsDiscovery: boolean) {
  return function* main(): Part {
    const queue = [3];
    let open = 0;
    let fetched = 0;
    function* fetch(depth: number): Part {
      open++;
      yield* operation('the page');
      fetched++;
      if (!countsDiscovery) open--;
      const links = yield* operation('the links of the page', () => (depth > 0 ? [depth - 1] : []));
      queue.push(...links);
      if (countsDiscovery) open--;
    }
    const fetches: Task<void>[] = [];
    while (queue.length > 0 || open > 0) {
      const next = queue.shift();
      if (next !== undefined) fetches.push(createTask(fetch(next)));
      yield* sleep(0.001);
    }
    const seen = fetched;
    yield* gather(...fetches);
    check(seen === 4, 'the crawler has stopped before it had all pages');
  };
}

// ---------------------------------------------------------------- xlsx-extract

/** The archive is read to its end while its sheet is still unpacked. */
function sheet(waitsForSheet: boolean) {
  return function* main(): Part {
    let rows = 0;
    function* entry(): Part {
      yield* operation('unpack the sheet');
      yield* operation('parse the sheet');
      rows = 13;
    }
    const parsed = createTask(entry());
    yield* sleep(0.0001);
    yield* operation('the archive is read');
    if (waitsForSheet) yield* parsed;
    const seen = rows;
    yield* parsed;
    check(seen === 13, 'invalid row count');
  };
}

// ---------------------------------------------------------------- get-port#23

/** Three servers each ask for a free port and then listen there. */
function ports(isLocked: boolean) {
  return function* main(): Part {
    const used = new Set<number>();
    const lock = new Lock();
    function* start(): Part {
      if (isLocked) yield* lock.acquire();
      const port = yield* operation('a free port', () => {
        let free = 1024;
        while (used.has(free)) free++;
        return free;
      });
      yield* operation(`listen at ${port}`, () => {
        check(!used.has(port), 'EADDRINUSE');
        used.add(port);
      });
      if (isLocked) lock.release();
    }
    yield* oneAfterTheOther([start, start, start]);
  };
}

// ---------------------------------------------------------------- live-server#262

/** A folder is deleted and made again; each event is dealt with in its own time. */
function watcher(isInOrder: boolean) {
  return function* main(): Part {
    let isServed = true;
    const lock = new Lock();
    function* deleted(): Part {
      if (isInOrder) yield* lock.acquire();
      yield* operation('stop watching the folder');
      yield* operation('forget what it held');
      isServed = false;
      if (isInOrder) lock.release();
    }
    function* made(): Part {
      if (isInOrder) yield* lock.acquire();
      yield* operation('the state of the folder');
      yield* operation('read the folder');
      isServed = true;
      if (isInOrder) lock.release();
    }
    yield* oneAfterTheOther([deleted, made]);
    check(isServed, 'the folder that was made again is not served');
  };
}

// ---------------------------------------------------------------- bluebird#1449

/** A promise that is fulfilled after a second must not time out after a bit more than a second. */
function promiseTimeout(looksAtOriginal: boolean) {
  return function* main(): Part {
    const loop = getRunningLoop();
    function* fulfils(): Part {
      yield* sleep(1);
    }
    const original = createTask(fulfils());
    function* follows(): Part {
      yield* original;
    }
    const derived = createTask(follows());
    let hasTimedOut = false;
    const handle = loop.callLater(1.0005, () => {
      hasTimedOut = !(looksAtOriginal ? original : derived).done();
    });
    yield* derived;
    handle.cancel();
    check(!hasTimedOut, 'TimeoutError');
  };
}

// ---------------------------------------------------------------- express#3536

/** Two requests for JSON and one for readable JSON, by a setting of the whole application or of the request. */
function settings(isOfRequest: boolean) {
  return function* main(): Part {
    let spaces = 0;
    function respond(wanted: number) {
      return function* handler(): Part {
        if (!isOfRequest) spaces = wanted;
        yield* operation('find the user');
        yield* operation('find the documents');
        const used = isOfRequest ? wanted : spaces;
        check(used === wanted, 'the reply has the format of another request');
      };
    }
    yield* oneAfterTheOther([respond(0), respond(0), respond(2)]);
  };
}

// ---------------------------------------------------------------- socket.io-client#3358

/** A second socket is opened at the moment at which the first one is to be connected again. */
function retries(keepsTimer: boolean) {
  return function* main(): Part {
    const loop = getRunningLoop();
    const isTried = new Event();
    yield* operation('the server cannot be reached');
    const timer = loop.callLater(1, () => isTried.set());
    const isOpened = new Event();
    loop.callLater(1, () => {
      // Opening the second socket cleans up what the manager has under way.
      if (!keepsTimer) timer.cancel();
      isOpened.set();
    });
    yield* isOpened.wait();
    yield* isTried.wait();
  };
}

// ---------------------------------------------------------------- mongo-express#499 and #500

/** What mongo-express loads when it starts. */
class Catalog {
  isOpen = false;
  readonly databases = new Set<string>();
  readonly collections = new Set<string>();
  readonly isLoaded = new Event();

  *load(): Part {
    yield* operation('connect');
    yield* operation('open the database');
    this.isOpen = true;
    yield* operation('list the databases');
    this.databases.add('test');
    yield* operation('list the collections');
    this.collections.add('users');
    this.isLoaded.set();
  }
}

/** A request is sent a fixed time after the start, or when everything is loaded. */
function request(waits: boolean, handle: (catalog: Catalog) => Part) {
  return function* main(): Part {
    const catalog = new Catalog();
    const loading = createTask(catalog.load());
    yield* sleep(0.1);
    if (waits) yield* catalog.isLoaded.wait();
    yield* handle(catalog);
    yield* loading;
  };
}

function* showCollection(catalog: Catalog): Part {
  check(catalog.collections.has('users'), '404: the collection is not there');
  yield* operation('find the documents');
}

function* showDocument(catalog: Catalog): Part {
  check(catalog.databases.has('test') && catalog.collections.has('users'), '404: the document is not there');
  yield* operation('find the document');
}

function* showDatabase(catalog: Catalog): Part {
  check(catalog.isOpen, "500: cannot read the property 'listDatabases' of undefined");
  yield* operation('list the databases');
}

function* showIndex(catalog: Catalog): Part {
  check(catalog.isOpen, "500: cannot read the property 'listDatabases' of undefined");
  yield* operation('the status of the server');
}

// ---------------------------------------------------------------- nedb#609

/** An index is made, which looks as if it were done at once, and its record is appended to the file later. */
function indexBeforeLoading(waits: boolean) {
  return function* main(): Part {
    let file: string[] = [];
    const append = createTask(
      operation('append the index', () => {
        file.push('index');
      }),
    );
    yield* sleep(0);
    if (waits) yield* append;
    const read = yield* operation('read the file', () => [...file]);
    const records = new Set([...read, 'index', 'a document']);
    yield* operation('write the file', () => {
      file = [...records];
    });
    yield* append;
    check(file.length === records.size, 'the file has the index twice');
  };
}

/** The file of the test is written while the record of the index is on its way to it. */
function indexWithData(waits: boolean) {
  return function* main(): Part {
    let file: string[] = [];
    const append = createTask(
      operation('append the index', () => {
        file.push('index');
      }),
    );
    yield* sleep(0);
    if (waits) yield* append;
    yield* operation('write two documents', () => {
      file = ['a document', 'the same document'];
    });
    const read = yield* operation('read the file', () => [...file]);
    yield* append;
    check(read.length === 2 && file.length === 2, 'the file holds more than what was written');
  };
}

// ---------------------------------------------------------------- archiver#388

/** Four files are added, one of which is not there. The archive ends when nothing is queued, if somebody looks. */
function archive(looksAfterErrors: boolean) {
  return function* main(): Part {
    const isEnded = new Event();
    let pending = 4;
    function* add(path: string): Part {
      const isThere = yield* operation(`lstat ${path}`, () => path !== 'missing.txt');
      pending--;
      if ((isThere || looksAfterErrors) && pending === 0) isEnded.set();
    }
    const added = ['a.txt', 'missing.txt', 'b.txt', 'c.txt'].map((path) => createTask(add(path)));
    yield* isEnded.wait();
    yield* gather(...added);
  };
}

// ---------------------------------------------------------------- objection.js

/** `map` over 20 items, four at a time; the tenth one fails. The test expects a fixed number of items to have begun by then. */
function mapWithError(comparesWithFailure: boolean) {
  return function* main(): Part {
    let begun = 0;
    let begunAtFailure = 0;
    let hasFailed = false;
    const items = Array.from({ length: 20 }, (_, i) => i + 1);
    function* worker(): Part {
      while (!hasFailed && items.length > 0) {
        const item = items.shift()!;
        begun++;
        yield* completion(item, { label: `item ${item}` });
        if (item !== 10) continue;
        hasFailed = true;
        begunAtFailure = begun;
      }
    }
    yield* gather(worker(), worker(), worker(), worker());
    if (comparesWithFailure) check(begun === begunAtFailure, 'an item has begun after the error');
    else check(begun === 13, 'another number of items has begun');
  };
}

export const family: Family = {
  order: 2,
  name: 'Event races of Node.js programs',
  about: `The 24 event races by which NodeRacer (Endo and Møller, ICST 2020) and NACD (Endo and Møller, *Event Race Detection for Node.js Using Delay
Injections*, ECOOP 2025) were evaluated, at level \`contract\`: the operations of the outside world are \`completion()\`s, and nothing but their
order and that of timers is explored. The published figure is the median of NACD's and NodeRacer's bug reproduction ratio, from the file
\`benchmarks/comparison/bug-reproduction-ratio.csv\` of andreendo/nacd. Theirs are whole programs on a real machine and these are models of the races in
them, made from the issues and, for the programs without an issue, from what the papers and the error messages of the experiments say; so the
comparison says that such races are found about as surely, not more. Each passes in the order in which production usually runs it. The strategy
\`slow\`, and its share in the portfolio, were chosen with these programs at hand.`,
  strategies: ['portfolio', 'random', 'pct', 'slow'],
  kernels: [
    race({
      name: 'agentkeepalive#23',
      bug: 'A request takes an idle socket that has timed out and is about to be closed.',
      broken: keepAlive(false),
      fixed: keepAlive(true),
      expects: 'ECONNRESET',
      nodeRacer: 0.575,
      nacd: 0.715,
    }),
    race({
      name: 'fiware-pep-steelskin',
      bug: 'Requests that find the token expired each renew it, and make the token of the others invalid.',
      broken: tokens(false),
      fixed: tokens(true),
      expects: 'its token is not valid',
      nodeRacer: 0.48,
      nacd: 0.875,
    }),
    race({
      name: 'Ghost#1834',
      bug: 'Several users sign up as the first one: each is counted before another one is stored.',
      broken: signUp(false),
      fixed: signUp(true),
      expects: 'more than one owner',
      nodeRacer: 0.92,
      nacd: 0.98,
    }),
    race({
      name: 'mkdirp#2',
      bug: 'Two callers find that a folder is missing, and the second one fails to make it.',
      broken: folders(false),
      fixed: folders(true),
      expects: 'EEXIST',
      nodeRacer: 0.46,
      nacd: 0.935,
    }),
    race({
      name: 'nes#18',
      bug: 'A client that is closed while it waits to connect again connects with settings that are gone.',
      broken: reconnects(false),
      fixed: reconnects(true),
      expects: "'auth' of null",
      nodeRacer: 0.545,
      nacd: 1,
    }),
    race({
      name: 'node-logger-file#1',
      bug: 'The end of logging is never told when the last line is not the last to be written.',
      broken: logger(false),
      fixed: logger(true),
      expects: 'DeadlockError',
      nodeRacer: 0.84,
      nacd: 0.76,
    }),
    race({
      name: 'socket.io#1862',
      bug: 'To leave one namespace closes the connection, on which another one is being connected.',
      broken: namespaces(false),
      fixed: namespaces(true),
      expects: '/news is never connected',
      nodeRacer: 0.175,
      nacd: 0.84,
    }),
    race({
      name: 'del#43',
      bug: 'A folder and the files in it are removed at the same time: a file is gone when its turn comes.',
      broken: removals(false),
      fixed: removals(true),
      expects: 'ENOENT',
      nodeRacer: 0.2,
      nacd: 0.415,
    }),
    race({
      name: 'linter-stylint',
      bug: 'The messages for an older text come after those for the newer one, and replace them.',
      broken: linter(false),
      fixed: linter(true),
      expects: 'an older version',
      nodeRacer: 0.445,
      nacd: 0.575,
    }),
    race({
      name: 'simplecrawler#298',
      bug: 'The crawler stops between the end of a page and the discovery of the links in it.',
      broken: crawler(false),
      fixed: crawler(true),
      expects: 'before it had all pages',
      nodeRacer: 0.83,
      nacd: 0.645,
    }),
    race({
      name: 'xlsx-extract',
      bug: 'The end of the archive is told before its sheet is parsed.',
      broken: sheet(false),
      fixed: sheet(true),
      expects: 'invalid row count',
      nodeRacer: 0.53,
      nacd: 0,
    }),
    race({
      name: 'get-port#23',
      bug: 'Two servers are told the same free port before one of them listens there.',
      broken: ports(false),
      fixed: ports(true),
      expects: 'EADDRINUSE',
      nodeRacer: 0.495,
      nacd: 0.135,
    }),
    race({
      name: 'live-server#262',
      bug: 'A folder is deleted and made again, and the deletion is dealt with last.',
      broken: watcher(false),
      fixed: watcher(true),
      expects: 'is not served',
      nodeRacer: 0.19,
      nacd: 0.49,
    }),
    race({
      name: 'bluebird#1449',
      bug: 'A promise that is fulfilled in time times out, because the promise that follows it comes an iteration later.',
      broken: promiseTimeout(false),
      fixed: promiseTimeout(true),
      expects: 'TimeoutError',
      nodeRacer: 0.71,
      nacd: 0.84,
    }),
    race({
      name: 'express#3536',
      bug: 'A request changes a setting of the whole application for its own reply.',
      broken: settings(false),
      fixed: settings(true),
      expects: 'the format of another request',
      nodeRacer: 0.635,
      nacd: 0.87,
    }),
    race({
      name: 'socket.io-client#3358',
      bug: 'Opening a second socket cancels the timer by which the first one is connected again.',
      broken: retries(false),
      fixed: retries(true),
      expects: 'DeadlockError',
      nodeRacer: 0.49,
      nacd: 0.265,
    }),
    race({
      name: 'mongo-express#499 collection',
      bug: 'A collection is asked for a fixed time after the start, before the collections are loaded.',
      broken: request(false, showCollection),
      fixed: request(true, showCollection),
      expects: '404',
      nodeRacer: 0.23,
      nacd: 0.9,
    }),
    race({
      name: 'mongo-express#499 document',
      bug: 'The same for a document.',
      broken: request(false, showDocument),
      fixed: request(true, showDocument),
      expects: '404',
      nodeRacer: 0.61,
      nacd: 0.91,
    }),
    race({
      name: 'mongo-express#500 database',
      bug: 'A database is asked for before the connection to it is open.',
      broken: request(false, showDatabase),
      fixed: request(true, showDatabase),
      expects: '500',
      nodeRacer: 0.055,
      nacd: 0.84,
    }),
    race({
      name: 'mongo-express#500 index',
      bug: 'The same for the start page.',
      broken: request(false, showIndex),
      fixed: request(true, showIndex),
      expects: '500',
      nodeRacer: 0.06,
      nacd: 0.83,
    }),
    race({
      name: 'nedb#609 before loading',
      bug: 'An index seems to be made at once; its record is appended after the file was written anew.',
      broken: indexBeforeLoading(false),
      fixed: indexBeforeLoading(true),
      expects: 'the index twice',
      nodeRacer: 0.01,
      nacd: 0.36,
    }),
    race({
      name: 'nedb#609 with data',
      bug: 'The same, with a file that is written meanwhile.',
      broken: indexWithData(false),
      fixed: indexWithData(true),
      expects: 'more than what was written',
      nodeRacer: 0.01,
      nacd: 0.395,
    }),
    race({
      name: 'archiver#388',
      bug: 'The archive never ends when the file that is not there is the last to be looked at.',
      broken: archive(false),
      fixed: archive(true),
      expects: 'DeadlockError',
      nodeRacer: 0.01,
      nacd: 0.095,
    }),
    race({
      name: 'objection.js map',
      bug: 'A test relies on how many operations have begun when one of them fails.',
      broken: mapWithError(false),
      fixed: mapWithError(true),
      expects: 'another number of items',
      nodeRacer: 0.715,
      nacd: 0,
    }),
  ],
};
