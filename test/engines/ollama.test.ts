import { describeBackend } from '../contract/contract.ts';
import { realOllama } from './ollama-server.ts';

describeBackend(realOllama);
