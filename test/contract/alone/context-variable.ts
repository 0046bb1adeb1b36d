import { ContextVar } from 'asyncio-ts';

const variable = new ContextVar<number>('variable');
variable.set(1);
if (variable.get() !== 1) throw new Error('a variable keeps its value');
