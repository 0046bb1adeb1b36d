// All benchmarks: `npm run bench`. What each of them does is in its own file under subjects/.
import { main } from './lib/main.ts';
import { subjects } from './subjects/index.ts';

await main(subjects);
