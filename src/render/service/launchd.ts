import { serviceName, variablesOf, type ServiceFacts } from './facts.ts';

/** A property list for launchd, for an agent of the person. */
export function launchdPlist(facts: ServiceFacts): string {
  const label = serviceName(facts);
  const log = `${facts.home}/Library/Logs/${label}.log`; // launchd makes the file, and no folder
  const comment = [
    `Save as ~/Library/LaunchAgents/${label}.plist, then:`,
    `  launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/${label}.plist`,
    `To end it: launchctl bootout gui/$(id -u)/${label}`,
    'AbandonProcessGroup: the engines outlive the daemon, and the next one finds them again. `llmops down` ends them.',
  ];
  const keys: readonly (readonly [string, string])[] = [
    ['Label', string(label)],
    ['ProgramArguments', array([facts.program, ...facts.args])],
    ['WorkingDirectory', string(facts.folder)],
    ['EnvironmentVariables', dict(variablesOf(facts).map(([name, value]) => [name, string(value)]))],
    ['RunAtLoad', '<true/>'],
    ['KeepAlive', '<true/>'],
    ['ThrottleInterval', '<integer>5</integer>'],
    ['ExitTimeOut', '<integer>120</integer>'],
    ['AbandonProcessGroup', '<true/>'],
    ['ProcessType', string('Interactive')],
    ['Umask', '<integer>63</integer>'],
    ['StandardOutPath', string(log)],
    ['StandardErrorPath', string(log)],
  ];
  return `${HEAD}\n<!--\n${comment.map(commented).join('\n')}\n-->\n<plist version="1.0">\n${dict(keys)}\n</plist>\n`;
}

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`;

function string(text: string): string {
  return `<string>${escaped(text)}</string>`;
}

function array(texts: readonly string[]): string {
  return ['<array>', ...texts.map((text) => indented(string(text))), '</array>'].join('\n');
}

function dict(entries: readonly (readonly [key: string, value: string])[]): string {
  const rows = entries.flatMap(([key, value]) => [`<key>${escaped(key)}</key>`, value]);
  return ['<dict>', ...rows.map(indented), '</dict>'].join('\n');
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Two dashes would end the comment. */
function commented(text: string): string {
  return text.replace(/-(?=-)/g, '- ');
}
