import { Task } from 'asyncio-ts';

const task = new Task(async () => 4);
if ((await task) !== 4) throw new Error('a task runs');
