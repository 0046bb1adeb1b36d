import { taskGroup } from 'asyncio-ts';

const result = await taskGroup(async (group) => await group.createTask(async () => 8));
if (result !== 8) throw new Error('a group gives the result of its body');
