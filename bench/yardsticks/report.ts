import type { Family } from './kernel.ts';
import { type Figures, isReached, type Measured, RUNS, SEEDS } from './measure.ts';
import type { Speed } from './speed.ts';

/** The table of a family, as Markdown. */
export function tableOf(family: Family, measured: readonly Measured[]): string {
  const hasRates = family.kernels.some(({ published }) => published.rate !== undefined);
  const strategies = family.strategies ?? ['portfolio'];
  const heads = ['program', 'bug', 'published'];
  for (const strategy of strategies) heads.push(hasRates ? `${strategy}: rate` : strategy);
  if (hasRates) heads.push('portfolio: schedules');
  const rows = measured.map(({ kernel, figures }) => {
    const cells = [kernel.name, kernel.bug, kernel.published.figure];
    for (const strategy of strategies) {
      const figure = figures.find((each) => each.strategy === strategy)!;
      cells.push(hasRates ? rate(figure) : schedules(figure));
    }
    if (hasRates) cells.push(schedules(figures.find(({ strategy }) => strategy === 'portfolio')!));
    return cells;
  });
  const align = heads.map((_, i) => (i < 3 ? '---' : '--:'));
  return [heads, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function schedules({ median, worst }: Figures): string {
  if (median === null) return '–';
  return worst === null ? `${number(median)} (not always)` : `${number(median)} (${number(worst)})`;
}

function rate({ rate }: Figures): string {
  return rate === null ? '–' : rate.toFixed(2);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** How much of what is asked for is reached, by each strategy. */
export function summaryOf(family: Family, measured: readonly Measured[]): string {
  const hasRates = family.kernels.some(({ published }) => published.rate !== undefined);
  const what = hasRates
    ? 'shown at least as often as by the better of the published tools'
    : 'found within the published number of schedules, in the median';
  const counts = (family.strategies ?? ['portfolio']).map((strategy) => {
    const reached = measured.filter(({ kernel, figures }) => {
      const figure = figures.find((each) => each.strategy === strategy)!;
      return isReached({ ...kernel, published: { ...kernel.published, except: [] } }, figure);
    });
    return `\`${strategy}\` ${reached.length}`;
  });
  return `Of ${measured.length} are ${what}: ${counts.join(', ')}.`;
}

/** How many schedules are run in a second, as a table. */
export function speedTable(speeds: readonly Speed[]): string {
  const rows = speeds.map(
    ({ name, perSecond, perChoice }) => `| ${name} | ${number(rounded(perSecond))} | ${number(rounded(perChoice))} |`,
  );
  return ['| program | schedules a second | ns for each choice |', '| --- | --: | --: |', ...rows].join('\n');
}

/** To two digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

/** The whole document. */
export function documentOf(
  parts: readonly { family: Family; measured: readonly Measured[] }[],
  fixed: string,
  speeds: readonly Speed[],
): string {
  const sections = parts.map(
    ({ family, measured }) =>
      `## ${family.name}\n${family.about.replaceAll('\n', ' ')}\n\n${tableOf(family, measured)}\n\n${summaryOf(family, measured)}`,
  );
  const speed =
    speeds.length === 0
      ? ''
      : `## Schedules a second
In a second of CPU time of one core, strategy \`random\`, measured once on a shared virtual machine: an order of magnitude. A schedule is a whole
run of the program from its beginning, with the look at what it leaves behind. Shuttle, which is compiled, publishes 61 ns for a scheduling
decision, and 167 ns for taking and releasing a free mutex, which are two decisions (awslabs/shuttle#321, Apple M1 Pro); no number of schedules.

${speedTable(speeds)}
`;
  return `<!-- Written by: npm run bench:yardsticks -- --long --write -->
# Yardsticks of the explorer

Known concurrency bugs, each rewritten as a small program, and how soon \`explore()\` finds them. The programs are in \`bench/yardsticks/families/\`,
each with its fixed form beside it. \`npm run bench:yardsticks\` measures them again: all random numbers come from seeds, so the
figures are the same on each machine, except for those of the last section.

Each program is explored with ${SEEDS} seeds. **Schedules** are the number of the first schedule that shows the bug: the median of all seeds, and
the greatest in brackets; \`–\` means that most seeds do not find it within the published number. **Rate** is the share of runs that show the bug
among ${RUNS} schedules, the median of all seeds. \`dfs\` has no seed.

${fixed}

${sections.join('\n\n')}

${speed}`;
}
