#!/usr/bin/env python3
"""Differential tester: random programs on CPython's asyncio and on this library; traces must be equal.

  diff.py --lib PATH [--seeds 0..2000] [--mode gen|async|both|mixed|all] [--size small|medium|large|all]
          [--ties fifo|heap] [--ref 3.14|3.13.0] [--ignore msg,cause] [--shrink N] [--stop N] [--features a,b] [--without a,b]
          [--save DIR] [--eager-async] [--show]
  diff.py --py-vs-py [...]         C-accelerated against pure-Python asyncio instead of a library
  diff.py --lib PATH --prog FILE   one program: both traces side by side

Exit status 0 only if every program agrees.
"""
import argparse, copy, glob, json, os, re, select, shutil, subprocess, sys, tempfile, time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import gen


def find_python():
    """CPython 3.13, the reference: $PYTHON313, a pyenv's, or the first python3.13 on the path that really starts."""
    found = sorted(glob.glob(os.path.expanduser('~/.pyenv/versions/3.13.*/bin/python')))
    for p in filter(None, [os.environ.get('PYTHON313'), *found, shutil.which('python3.13')]):
        if subprocess.run([p, '-c', 'import sys; sys.exit(sys.version_info[:2] != (3, 13))'], capture_output=True).returncode == 0: return p
    sys.exit('diff.py: no CPython 3.13 found; set PYTHON313')


PY = find_python()
NODE = os.environ.get('NODE') or 'node'
GEN_ONLY = {'yields', 'awval'}     # + eager unless --eager-async
LIMIT = float(os.environ.get('DIFF_TIMEOUT', '10'))


class Server:
    """A process that answers one JSON line per JSON line; restarted when it hangs or dies."""
    def __init__(self, name, cmd, env=None):
        self.name, self.cmd, self.env, self.p = name, cmd, env, None
    def start(self):
        self.err = tempfile.TemporaryFile()
        self.p = subprocess.Popen(self.cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err, env=self.env)
        self.buf = b''
    def send(self, line):
        if self.p is None or self.p.poll() is not None: self.start()
        try:
            self.p.stdin.write(line); self.p.stdin.flush()
        except BrokenPipeError: pass
    def recv(self):
        end = time.monotonic() + LIMIT
        fd = self.p.stdout.fileno()
        while b'\n' not in self.buf:
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                self.stop(); return ['HANG (no answer in %g s)' % LIMIT]
            b = os.read(fd, 1 << 16)
            if not b:
                self.p.wait()
                self.err.seek(0); e = self.err.read().decode(errors='replace').strip().splitlines()
                self.stop(); return ['CRASH ' + ' | '.join(e[-6:])]
            self.buf += b
        line, _, self.buf = self.buf.partition(b'\n')
        return json.loads(line)
    def stderr(self):
        self.err.seek(0); s = self.err.read().decode(errors='replace'); return s
    def stop(self):
        if self.p is not None:
            self.p.kill(); self.p.wait(); self.p = None


def normal(tr, ignore):
    if 'msg' in ignore: tr = [re.sub(r'CancelledError\([^)]*\)', 'CancelledError()', x) for x in tr]
    if 'cause' in ignore: tr = [re.sub(r'TimeoutError\^\w+', 'TimeoutError', x) for x in tr]
    if 'alltasks' in ignore: tr = [x for x in tr if ' alltasks ' not in x]
    return tr


class Pair:
    def __init__(self, ref, sub, ignore=()):
        self.ref, self.sub, self.ignore = ref, sub, ignore
    def traces(self, prog):
        line = (json.dumps(prog) + '\n').encode()
        self.ref.send(line); self.sub.send(line)
        return self.ref.recv(), self.sub.recv()
    def differs(self, prog):
        for n in nodes(prog['main'], []):
            if n.get('op') == 'make' and not ('gather' in n['a'] or 'shield' in n['a']): return False
        a, b = self.traces(prog)
        if any('BUG' in x for x in a): return False
        return normal(a, self.ignore) != normal(b, self.ignore)


def first_diff(a, b):
    for i in range(max(len(a), len(b))):
        x = a[i] if i < len(a) else '<end>'
        y = b[i] if i < len(b) else '<end>'
        if x != y: return i, x, y
    return None


# ---- shrinking: delta-debugging on statement lists, then unwrapping and simplifying ----
LISTS = ('body', 'main', 'fin')
def lists(node, out):
    """every list of statements, expressions or handlers in the program"""
    if isinstance(node, dict):
        for k, v in node.items():
            if k in LISTS or k in ('items', 'gather', 'rs') or (k == 'h' and isinstance(v, list)):
                out.append((node, k))
            if k not in ('objs', 'features'): lists(v, out)
    elif isinstance(node, list):
        for x in node: lists(x, out)
    return out
def nodes(node, out):
    if isinstance(node, dict):
        out.append(node)
        for k, v in node.items():
            if k not in ('objs', 'features'): nodes(v, out)
    elif isinstance(node, list):
        for x in node: nodes(x, out)
    return out


def shrink(prog, bad, seconds=25):
    end = time.monotonic() + seconds
    prog = copy.deepcopy(prog)
    cur = [prog]
    def attempt(mut):
        c = copy.deepcopy(cur[0])
        if mut(c) is False: return False
        if time.monotonic() > end: return False
        if bad(c): cur[0] = c; return True
        return False
    changed = True
    while changed and time.monotonic() < end:
        changed = False
        # 1. remove chunks of every list, large chunks first
        i = 0
        while i < len(lists(cur[0], [])):
            n0, k0 = lists(cur[0], [])[i]
            size = len(n0[k0])
            while size >= 1:
                j = 0
                while True:
                    L = lists(cur[0], [])
                    if i >= len(L) or j >= len(L[i][0][L[i][1]]): break
                    def rm(c):
                        n, k = lists(c, [])[i]
                        if k == 'rs' and len(n[k]) <= size: return False
                        if k == 'items' and len(n[k]) <= size: return False
                        del n[k][j:j + size]
                    if attempt(rm): changed = True
                    else: j += size
                size //= 2
            i += 1
        # 2. replace a compound statement by its body
        i = 0
        while i < len(lists(cur[0], [])):
            j = 0
            while True:
                L = lists(cur[0], [])
                if i >= len(L): break
                n, k = L[i]
                if k not in LISTS or j >= len(n[k]): break
                def hoist(c):
                    n, k = lists(c, [])[i]
                    s = n[k][j]
                    if s['op'] in ('try', 'with', 'timeout', 'tg', 'repeat') and 'body' in s: n[k][j:j + 1] = s['body']
                    elif s['op'] == 'await' and 'body' in s.get('a', {}): n[k][j:j + 1] = s['a']['body']
                    else: return False
                if attempt(hoist): changed = True
                else: j += 1
            i += 1
        # 3. simplify attributes and expressions
        for key, simple in (('t', 0), ('t', 1), ('t', None), ('msg', '-'), ('eager', '-'), ('n', 1), ('rx', False), ('v', '-'), ('re', False), ('catch', False), ('stop', None), ('h', '-')):
            i = 0
            while i < len(nodes(cur[0], [])):
                def setk(c):
                    n = nodes(c, [])[i]
                    if key not in n or n.get(key) == simple: return False
                    if key == 'h' and not isinstance(n['h'], list): return False
                    if key == 't' and (not isinstance(n['t'], (int, float)) or n.get('op') in ('raise', 'fexc')): return False
                    if key == 't' and simple is None and n.get('op') not in ('wait', 'ascomp'): return False
                    if key == 't' and simple is not None and n['t'] in (0, None): return False
                    if key == 'n' and not isinstance(n['n'], int): return False
                    if key == 'v' and n.get('op') != 'sleep': return False
                    if simple == '-': del n[key]
                    else: n[key] = simple
                if attempt(setk): changed = True
                i += 1
        i = 0
        while i < len(nodes(cur[0], [])):
            def unwrap(c):
                n = nodes(c, [])[i]
                for w in ('shield', 'wait_for'):
                    if w in n and isinstance(n[w], dict):
                        x = n[w]; n.clear(); n.update(x); return
                if 'gather' in n and len(n['gather']) == 1:
                    x = n['gather'][0]; n.clear(); n.update(x); return
                return False
            if attempt(unwrap): changed = True
            i += 1
        if cur[0].get('eager_factory'):
            if attempt(lambda c: c.pop('eager_factory')): changed = True
    p = cur[0]
    text = json.dumps(p['main'])
    for n in list(p['objs']):
        if '"%s"' % n not in text: del p['objs'][n]
    return p


def side_by_side(a, b, names, ctx=None):
    w = max([len(x) for x in a] + [20])
    out = ['   %-*s | %s' % (w, names[0], names[1])]
    for i in range(max(len(a), len(b))):
        x = a[i] if i < len(a) else ''
        y = b[i] if i < len(b) else ''
        out.append('%s %-*s | %s' % ('  ' if x == y else '>>', w, x, y))
    return '\n'.join(out)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--lib', help='the built module under test')
    ap.add_argument('--seeds', default='0..500')
    ap.add_argument('--mode', default='both', choices=['gen', 'async', 'mixed', 'both', 'all'])
    ap.add_argument('--size', default='medium', choices=['small', 'medium', 'large', 'all'])
    ap.add_argument('--ties', default='fifo', choices=['fifo', 'heap'])
    ap.add_argument('--ref', default='3.14', choices=['3.14', '3.13.0'])
    ap.add_argument('--ignore', default='')
    ap.add_argument('--shrink', type=int, default=3, help='how many failing programs to shrink')
    ap.add_argument('--shrink-seconds', type=float, default=25)
    ap.add_argument('--stop', type=int, default=0, help='stop after N disagreements')
    ap.add_argument('--features', default='', help='only programs with all of these features')
    ap.add_argument('--without', default='tgcancel', help='no programs with any of these features')
    ap.add_argument('--eager-async', action='store_true', help='also eager tasks in async mode (cannot match: see README)')
    ap.add_argument('--save', help='folder for failing programs')
    ap.add_argument('--py-vs-py', action='store_true')
    ap.add_argument('--prog')
    ap.add_argument('--show', action='store_true', help='whole traces of failing (shrunk) programs')
    ap.add_argument('--summary', action='store_true', help='last line as JSON')
    o = ap.parse_args()
    ignore = set(filter(None, o.ignore.split(',')))
    pyargs = ['--ties', o.ties, '--ref', o.ref]
    ref = Server('CPython', [PY, os.path.join(HERE, 'interp.py')] + pyargs)
    env = dict(os.environ, REF=o.ref)
    if o.py_vs_py:
        subs = {'pure': Server('pure Python', [PY, os.path.join(HERE, 'interp.py'), '--pure'] + pyargs)}
    else:
        lib = os.path.abspath(o.lib) if os.path.exists(o.lib) else o.lib
        modes = {'both': ['gen', 'async'], 'all': ['gen', 'async', 'mixed']}.get(o.mode, [o.mode])
        subs = {m: Server('JS ' + m, [NODE, os.path.join(HERE, 'interp.mjs'), '--lib', lib, '--mode', m], env) for m in modes}
    if o.prog:
        p = json.load(open(o.prog))
        print(gen.pretty(p))
        bad = 0
        for m, s in subs.items():
            a, b = Pair(ref, s).traces(p)
            bad += normal(a, ignore) != normal(b, ignore)
            print(side_by_side(a, b, ('CPython', s.name)))
            if s.stderr(): print(s.stderr()[-2000:])
        for s in [ref, *subs.values()]: s.stop()
        sys.exit(bool(bad))
    a, _, b = o.seeds.partition('..')
    seeds = range(int(a), int(b)) if b else [int(a)]
    sizes = ['small', 'medium', 'large'] if o.size == 'all' else [o.size]
    want, no = set(filter(None, o.features.split(','))), set(filter(None, o.without.split(',')))
    stats = {m: [0, 0, 0] for m in subs}     # run, agree, skipped
    fails, lines, first = [], 0, {}
    t0 = time.monotonic()
    done = 0
    for size in sizes:
        for seed in seeds:
            p = gen.generate(seed, size)
            f = set(p['features'])
            if not want <= f or no & f: continue
            line = (json.dumps(p) + '\n').encode()
            act = {}
            for m, s in subs.items():
                if m in ('async', 'mixed') and (('eager' in f and not o.eager_async) or f & GEN_ONLY): stats[m][2] += 1; continue
                act[m] = s
            if not act: continue
            done += 1
            ref.send(line)
            for s in act.values(): s.send(line)
            a = ref.recv()
            lines += len(a)
            for m, s in act.items():
                b = s.recv()
                stats[m][0] += 1
                if normal(a, ignore) == normal(b, ignore): stats[m][1] += 1
                else:
                    first.setdefault(m, done)
                    fails.append((seed, size, m, p, a, b))
            if o.stop and len(fails) >= o.stop: break
        if o.stop and len(fails) >= o.stop: break
    dt = time.monotonic() - t0
    for m, (n, ok, sk) in stats.items():
        print('%-6s %d of %d programs agree (%.2f%%)%s' % (m, ok, n, 100 * ok / max(1, n), ', %d programs that only generators can match left out' % sk if sk else ''))
    print('%d programs, %d trace lines, %.1f s' % (done, lines, dt))
    kinds = {}
    for i, (seed, size, m, p, a, b) in enumerate(fails):
        k = 'order or values'
        if normal(a, {'msg'}) == normal(b, {'msg'}): k = 'only messages of CancelledError'
        elif normal(a, {'cause'}) == normal(b, {'cause'}): k = 'only causes of TimeoutError'
        elif b and b[-1].startswith(('HANG', 'CRASH', 'JSERROR', 'IDLE', 'RUNAWAY')): k = b[-1].split()[0]
        kinds[k] = kinds.get(k, 0) + 1
        n, x, y = first_diff(normal(a, ignore), normal(b, ignore))
        if i < 40: print('\nseed %s %s %s [%s] first difference at line %d:\n  CPython: %s\n  library: %s' % (seed, size, m, k, n + 1, x, y))
        if i < o.shrink:
            pair = Pair(ref, subs[m], ignore)
            q = shrink(p, pair.differs, o.shrink_seconds)
            a2, b2 = pair.traces(q)
            print('shrunk to:'); print('    ' + gen.pretty(q).replace('\n', '\n    '))
            d = first_diff(normal(a2, ignore), normal(b2, ignore))
            if d: print('    CPython: %s\n    library: %s' % (d[1], d[2]))
            if o.show: print(side_by_side(a2, b2, ('CPython', subs[m].name)))
            p = q
        if o.save:
            os.makedirs(o.save, exist_ok=True)
            json.dump(p, open(os.path.join(o.save, '%s-%s-%s.json' % (seed, size, m)), 'w'), indent=1)
    if kinds: print('\nkinds: ' + ', '.join('%s: %d' % kv for kv in sorted(kinds.items())))
    for s in subs.values():
        if s.p is not None:
            e = s.stderr()
            if e: print('stderr of %s: %s' % (s.name, e[-600:]))
    for s in [ref, *subs.values()]: s.stop()
    if o.summary: print(json.dumps({'stats': stats, 'first': first, 'fails': len(fails)}))
    sys.exit(1 if fails or not done else 0)


if __name__ == '__main__':
    main()
