import { readFile } from 'asyncio-ts/node';

const text = await readFile(process.execPath);
if (text.length === 0) throw new Error('a file is read');
