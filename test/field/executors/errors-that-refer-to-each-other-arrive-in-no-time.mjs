// A group of errors whose members have the group as their cause comes back from a job in no time, however many members
// it has.
import { check, done, inProcess, lines } from '../lib.mjs';

const result = await inProcess(
  async () => {
    await core.run(async () => {
      await using pool = new node.ThreadPoolExecutor({ maxWorkers: 1 });
      const attempt = async (members) => {
        const begin = Date.now();
        try {
          await pool.submit((n) => {
            const group = new AggregateError([], 'all failed');
            for (let i = 0; i < n; i++) group.errors.push(new Error(`member ${i}`, { cause: group }));
            throw group;
          }, members);
        } catch (error) {
          console.log(members, error.name, error.errors.length, Date.now() - begin < 1_500 ? 'soon' : 'late');
        }
      };
      await attempt(3);
      await attempt(18);
    });
    process.exit();
  },
  { limit: 8 },
);
const [few, many] = lines(result.stdout);
check('3 members', few, '3 AggregateError 3 soon'); // control: holds today
check('18 members', many ?? 'HANGS', '18 AggregateError 18 soon');
done();
