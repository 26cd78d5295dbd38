import { describeTraps } from '../ollama/traps.ts';
import { realOllama } from './ollama-server.ts';

describeTraps(realOllama);
