import { createTask } from 'asyncio-ts';

if ((await createTask(async () => 4)) !== 4) throw new Error('a task runs');
