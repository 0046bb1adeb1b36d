import { Event } from 'asyncio-ts';

const event = new Event();
setTimeout(() => event.set());
if ((await event.wait()) !== true) throw new Error('wait() waits for the event');
