// Begins the journal of the folder that is named, starts a process of its own, prints that one's id and waits to be killed.
import { spawn } from 'node:child_process';
import { Journal } from '@radin/core';

const journal = await Journal.open(process.argv[2], { version: '1.0.0' });
await journal.begin({ command: 'search', budget: 25 });
const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { detached: true, stdio: 'ignore' });
child.once('spawn', () => console.log(child.pid));
setInterval(() => {}, 1000);
