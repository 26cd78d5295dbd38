import { describeBehaviour } from '../ollama/behaviour.ts';
import { realOllama } from './ollama-server.ts';

describeBehaviour(realOllama);
